import fc from 'fast-check';
import { describe, expect, it, vi } from 'vitest';
import { latencyOf, race } from '../../src/evaluation/bench/race.ts';

describe('a race', () => {
  it('lets every contestant run its warm-up and exactly its timed calls, turn by turn', async () => {
    const calls: string[] = [];
    const contestant = (name: string) => ({ name, run: async () => void calls.push(name) });
    const times = await race([contestant('a'), contestant('b')], 25, 3);
    expect([...times.keys()].sort()).toEqual(['a', 'b']);
    expect(calls.filter((name) => name === 'a')).toHaveLength(28);
    expect(calls.filter((name) => name === 'b')).toHaveLength(28);
    // Turns of ten, ten and five; the order changes each round, so that turns of the same contestant meet.
    const timed = calls.slice(6).join('');
    expect(timed).toBe(['a'.repeat(10), 'b'.repeat(20), 'a'.repeat(15), 'b'.repeat(5)].join(''));
  });

  it('gives each contestant the time of its own calls', async () => {
    let now = 0;
    const clock = vi.spyOn(performance, 'now').mockImplementation(() => now);
    const taking = (milliseconds: number) => async () => {
      now += milliseconds;
    };
    const times = await race(
      [
        { name: 'short', run: taking(1) },
        { name: 'long', run: taking(5) },
      ],
      20,
      1,
    );
    clock.mockRestore();
    expect(Object.fromEntries(times)).toEqual({
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
