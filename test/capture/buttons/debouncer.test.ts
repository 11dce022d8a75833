import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { DEFAULT_LIMITS, type DebouncedEvent, Debouncer } from '../../../src/capture/buttons/debouncer.ts';

/** [time, down?] in milliseconds. */
type Edges = readonly (readonly [number, boolean])[];

/** Plays edges against a debouncer that is looked at every millisecond; what it tells, with the time. */
function play(edges: Edges, until: number): [number, DebouncedEvent][] {
  const debouncer = new Debouncer();
  const told: [number, DebouncedEvent][] = [];
  const pending = [...edges];
  for (let now = 0; now <= until; now++) {
    while (pending.length > 0 && pending[0][0] <= now) {
      const [, isDown] = pending.shift() ?? [0, false];
      for (const event of debouncer.edge(isDown, now)) told.push([now, event]);
    }
    for (const event of debouncer.tick(now)) told.push([now, event]);
  }
  return told;
}

/** By definition: the starts of stretches in which the level lasts for the settling time, alternating. */
function expectedPresses(edges: Edges, until: number): number[] {
  const levels: boolean[] = [];
  let current = false;
  const pending = [...edges];
  for (let now = 0; now <= until; now++) {
    while (pending.length > 0 && pending[0][0] <= now) current = pending.shift()?.[1] ?? current;
    levels.push(current);
  }
  const presses: number[] = [];
  let settled = false;
  let since = 0;
  for (let now = 1; now <= until; now++) {
    const level = levels[now - 1];
    if (level !== settled && now - since >= DEFAULT_LIMITS.settle) {
      settled = level;
      if (settled) presses.push(now);
    }
    if (levels[now] !== level) since = now;
  }
  return presses;
}

/** At most 30 edges, so never noisy. */
const bouncyEdges = fc
  .array(fc.tuple(fc.integer({ min: 1, max: 120 }), fc.boolean()), { maxLength: 30 })
  .map((steps) => {
    let at = 1;
    return steps.map(([wait, isDown]) => {
      at += wait;
      return [at, isDown] as const;
    });
  });

describe('a debounced button', () => {
  it('is pressed once for every time that it stays down, and never for a bounce', () => {
    fc.assert(
      fc.property(bouncyEdges, (edges) => {
        const until = (edges.at(-1)?.[0] ?? 0) + 200;
        const presses = play(edges, until)
          .filter(([, event]) => event === 'pressed')
          .map(([at]) => at);
        expect(presses).toEqual(expectedPresses(edges, until));
      }),
      {
        numRuns: 300,
        examples: [
          [
            [
              [2, true],
              [9, true],
              [42, false],
            ],
          ],
        ],
      },
    );
  });

  it('is not pressed by a spike shorter than the settling time', () => {
    expect(
      play(
        [
          [100, true],
          [139, false],
        ],
        1000,
      ),
    ).toEqual([]);
    expect(
      play(
        [
          [100, true],
          [141, false],
        ],
        1000,
      ),
    ).toEqual([[140, 'pressed']]);
  });

  it('that is stuck presses once, says so once, and works again when it is free', () => {
    const told = play(
      [
        [100, true],
        [20_000, false],
        [20_100, true],
      ],
      20_200,
    );
    expect(told).toEqual([
      [140, 'pressed'],
      [10_100, 'stuck'],
      [20_040, 'released'],
      [20_140, 'pressed'],
    ]);
  });

  it('that chatters says so once, presses nothing, and is heard again after a quiet second', () => {
    const chatter = Array.from({ length: 2000 }, (_, i) => [1000 + i * 3, i % 2 === 0] as const);
    const told = play([...chatter, [9000, true], [9100, false]], 10_000);
    expect(told).toEqual([
      [1000 + 60 * 3, 'noisy'],
      [9040, 'pressed'],
    ]);
  });

  it('that ends its chatter held down is not pressed by that', () => {
    const chatter = Array.from({ length: 101 }, (_, i) => [1000 + i * 3, i % 2 === 0] as const);
    const told = play([...chatter, [5000, false], [5100, true]], 6000);
    expect(told.map(([, event]) => event)).toEqual(['noisy', 'released', 'pressed']);
  });
});
