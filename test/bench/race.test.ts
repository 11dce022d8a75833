import fc from 'fast-check';
import { describe, expect, it, vi } from 'vitest';
import { latencyOf, race } from '../../src/bench/race.ts';

describe('a race', () => {
  /** Runs a race in which time passes only in the candidates' calls. */
  async function raced(milliseconds: Record<string, number>, iterations: number) {
    let now = 0;
    const clock = vi.spyOn(performance, 'now').mockImplementation(() => now);
    const calls: string[] = [];
    const candidates = Object.entries(milliseconds).map(([name, duration]) => ({
      name,
      run: async () => {
        calls.push(name);
        now += duration;
      },
    }));
    const times = await race(candidates, iterations, 1).finally(() => clock.mockRestore());
    return { times: Object.fromEntries(times), timed: calls.slice(candidates.length).join('') };
  }

  it('gives every candidate turns of equal time until each has made its calls', async () => {
    const { timed } = await raced({ a: 10, b: 50, c: 80 }, 2);
    // The order changes each round.
    expect(timed).toBe('aaaaa' + 'b' + 'c' + 'b' + 'c' + 'aaaaa');
  });

  it('gives each candidate the time of its own calls', async () => {
    const { times } = await raced({ short: 1, long: 5 }, 20);
    expect(times).toEqual({
      short: { median: 1, p90: 1, p99: 1 },
      long: { median: 5, p90: 5, p99: 5 },
    });
  });

  it('sums up in order statistics', () => {
    fc.assert(
      fc.property(
        fc.array(fc.double({ min: 0, max: 1e3, noNaN: true }), { minLength: 1, maxLength: 50 }),
        (values) => {
          const { median, p99 } = latencyOf(values);
          expect(median).toBeLessThanOrEqual(p99);
          expect(p99).toBeLessThanOrEqual(Math.max(...values));
          expect(median).toBeGreaterThanOrEqual(Math.min(...values));
        },
      ),
    );
    expect(latencyOf([3, 1, 2])).toMatchObject({ median: 2 });
  });
});
