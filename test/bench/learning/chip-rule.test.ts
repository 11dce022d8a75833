/** Learning by binary weights: this project's rule, and the vendor's in the vendor's simulator. */
import { describe, expect, it } from 'vitest';
import { ALTERNATIVES, binarised, type Case, drawn } from '../../../src/bench/learning/alternatives.ts';
import { defaultCache } from '../../../src/cli/shared/options.ts';
import { learnedOnChip } from '../../../src/conversion/akida1/chip-rule.ts';
import { seededRandom } from '../../../src/random.ts';
import { pythonOrNull } from '../../support/akida1-simulator.ts';
import { Random } from '../../support/random.ts';

const python = await pythonOrNull(defaultCache());
const CLASSES = ['a', 'b', 'c'];
const FEATURES = 64;

/** Cases around a pattern for each class, class by class as the data set has them. */
function cases(perClass: number, seed: number): Case[] {
  const patterns = new Random(1);
  const active = CLASSES.map(() => Array.from({ length: FEATURES }, () => patterns.chance(0.5)));
  const random = new Random(seed);
  return CLASSES.flatMap((dx, c) =>
    Array.from({ length: perClass }, () => ({
      dx,
      pooled: Int16Array.from(active[c], (isActive) => {
        const isSeen = random.chance(0.08) ? !isActive : isActive;
        return random.integer(0, 50) + (isSeen ? 60 : 0);
      }),
    })),
  );
}

const share = (right: readonly boolean[]) => right.filter(Boolean).length / right.length;

describe('a binary layer', () => {
  it('sees every class of a base that lies class by class and is larger than what it takes', () => {
    const nameOf = ALTERNATIVES['competitive binary layer'](cases(1600, 2), [], CLASSES);
    const right = cases(20, 3).map(({ dx, pooled }) => nameOf(pooled) === dx);
    expect(share(right)).toBeGreaterThan(0.9);
  });

  it('is fed with channels above their median', () => {
    const base = cases(30, 4);
    const bits = base.map(({ pooled }) => binarised(base)(pooled));
    for (let k = 0; k < FEATURES; k++) {
      const active = bits.filter((row) => row[k] === 1).length;
      expect(active).toBeLessThanOrEqual(base.length / 2);
      expect(active).toBeGreaterThan(base.length / 4);
    }
  });

  it('is drawn without repetition, and whole where no more is there', () => {
    const items = Array.from({ length: 50 }, (_, i) => i);
    const some = drawn(items, 20, seededRandom(1));
    expect(new Set(some).size).toBe(20);
    expect(some).not.toEqual([...some].sort((a, b) => a - b));
    expect([...drawn(items, 80, seededRandom(1))].sort((a, b) => a - b)).toEqual(items);
  });
});

describe.skipIf(python === null)('the vendor’s rule (needs Python 3.10-3.12 and its packages)', () => {
  it('learns what can be told apart, one class after the other', async () => {
    const base = cases(40, 5);
    const bitsOf = binarised(base);
    const lessons = base.map(({ dx, pooled }) => ({ bits: bitsOf(pooled), label: CLASSES.indexOf(dx) }));
    const judged = cases(20, 6);
    const [early, late] = await learnedOnChip(
      {
        ...{ classes: CLASSES.length, neuronsPerClass: 2, weights: 32, cases: lessons },
        ...{ after: [80, 120], queries: judged.map(({ pooled }) => bitsOf(pooled)) },
      },
      python ?? '',
    );
    const rightOf = (named: Int32Array, name: string) =>
      share(judged.flatMap(({ dx }, i) => (dx === name ? [CLASSES[named[i]] === name] : [])));
    for (const name of CLASSES) expect(rightOf(late, name)).toBeGreaterThan(0.75);
    expect(rightOf(early, 'a')).toBeGreaterThan(0.75);
    expect([early.length, late.length]).toEqual([judged.length, judged.length]);
  });

  it('says in one sentence what it does not take', async () => {
    const bits = new Uint8Array(8).fill(1);
    const lesson = { classes: 2, neuronsPerClass: 1, weights: 4, after: [1], queries: [bits] };
    const wrong = learnedOnChip({ ...lesson, cases: [{ bits, label: 7 }] }, python ?? '');
    await expect(wrong).rejects.toMatchObject({ code: 'AKIDA_COMPILER' });
  });
});
