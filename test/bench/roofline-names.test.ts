import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { apart } from '../../src/bench/report/charts.ts';

describe('the names of the ceilings in a roofline', () => {
  it('never overlap, stay in the order of their lines, and none is written above its line', () => {
    const rates = fc.array(fc.double({ min: 1, max: 1e4, noNaN: true }), { minLength: 1, maxLength: 8 });
    fc.assert(
      fc.property(rates, (values) => {
        const [top, bottom] = [2e4, 0.5];
        const names = apart(
          values.map((y) => ({ y })),
          top,
          bottom,
        );
        const height = (y: number) => (480 * Math.log(y / bottom)) / Math.log(top / bottom);
        names.forEach(({ y, at }, i) => {
          expect(at).toBeLessThanOrEqual(y);
          if (i > 0) expect(height(names[i - 1].at) - height(at)).toBeGreaterThanOrEqual(14 - 1e-6);
        });
        expect(names.map(({ y }) => y)).toEqual([...values].sort((a, b) => b - a));
      }),
    );
  });
});
