import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  fitAlpha,
  lesionWeights,
  negativeLogLikelihood,
  type Scored,
} from '../../src/evaluation/calibration/alpha.ts';
import { fitTau, fitThresholds, sensitivityAt } from '../../src/evaluation/calibration/thresholds.ts';
import { seededRandom } from '../../src/random.ts';
import { softmax } from '../../src/runtime/inference/readout.ts';
import type { Prediction } from '../../src/statistics/prediction.ts';

/** Images whose true class is drawn from softmax(alpha × potentials): the right α is known. */
function drawnFrom(alpha: number, n: number, seed: number): Scored[] {
  const random = seededRandom(seed);
  return Array.from({ length: n }, () => {
    const potentials = Int32Array.from({ length: 4 }, () => Math.round((random() - 0.5) * 20_000));
    let left = random();
    const label = softmax(alpha, potentials).findIndex((p) => {
      left -= p;
      return left < 0;
    });
    return { potentials, label: Math.max(0, label), weight: 1 };
  });
}

describe('fitting α', () => {
  it.each([0.0001, 0.0005, 0.002])('finds the α = %s that the labels were drawn with', (alpha) => {
    expect(fitAlpha(drawnFrom(alpha, 5000, 1), 0.001) / alpha).toBeCloseTo(1, 1);
  });

  it('never has a neighbour with a better likelihood', () => {
    const scored = drawnFrom(0.0004, 300, 2);
    const alpha = fitAlpha(scored, 0.001);
    const best = negativeLogLikelihood(alpha, scored);
    for (const factor of [0.5, 0.9, 0.99, 1.01, 1.1, 2]) {
      expect(negativeLogLikelihood(alpha * factor, scored)).toBeGreaterThanOrEqual(best);
    }
  });

  it('scales with the potentials', () => {
    const scored = drawnFrom(0.0004, 500, 3);
    const tenfold = scored.map(({ potentials, label }) => ({
      potentials: Array.from(potentials, (v) => 10 * v),
      label,
      weight: 1,
    }));
    expect(fitAlpha(tenfold, 0.0001)).toBeCloseTo(fitAlpha(scored, 0.001) / 10, 8);
  });

  it('lets a lesion with many photos count once', () => {
    const groups = [...Array(30).keys()].map((i) => `lesion ${i}`);
    const scored = drawnFrom(0.0004, 30, 4);
    const repeated = [...scored, ...Array.from({ length: 9 }, () => scored[0])];
    const weights = lesionWeights([...groups, ...Array.from({ length: 9 }, () => groups[0])]);
    const weighted = repeated.map((image, i) => ({ ...image, weight: weights[i] }));
    expect(fitAlpha(weighted, 0.001)).toBeCloseTo(fitAlpha(scored, 0.001), 12);
    expect(fitAlpha(repeated, 0.001)).not.toBeCloseTo(fitAlpha(scored, 0.001), 12);
    expect(lesionWeights([null, null, 'a', 'a'])).toEqual([1, 1, 0.5, 0.5]);
  });

  it('stays finite when every answer is right, and when the potentials say nothing', () => {
    const sure = fitAlpha([{ potentials: [5, 0], label: 0, weight: 1 }], 0.1);
    expect(sure).toBeGreaterThan(1);
    expect(sure).toBeLessThanOrEqual(100);
    expect(fitAlpha([{ potentials: [5, 0], label: 1, weight: 1 }], 0.1)).toBeCloseTo(0.0001, 10);
  });
});

function twoClasses(scores: readonly (readonly [score: number, label: 0 | 1])[]): Prediction[] {
  return scores.map(([score, label]) => ({ label, probabilities: [1 - score, score], group: null }));
}

describe('the thresholds of equation 18', () => {
  it('lie between the classes when these can be told apart', () => {
    const predictions = twoClasses([
      [0.1, 0],
      [0.2, 0],
      [0.6, 1],
      [0.9, 1],
    ]);
    const [zero, one] = fitThresholds(['a', 'b'], predictions);
    expect(one).toBeCloseTo(0.4, 12);
    expect(zero).toBeCloseTo(0.6, 12);
  });

  it('tell at least as many images rightly as any other threshold', () => {
    const scores = fc.array(
      fc.tuple(
        fc.integer({ min: 0, max: 10 }).map((v) => v / 10),
        fc.constantFrom(0 as const, 1 as const),
      ),
      { minLength: 1, maxLength: 30 },
    );
    fc.assert(
      fc.property(scores, fc.double({ min: 0, max: 1, noNaN: true }), (given, other) => {
        fc.pre(given.some(([, label]) => label === 1));
        const rightAt = (threshold: number) =>
          given.filter(([score, label]) => score >= threshold === (label === 1)).length;
        const [, threshold] = fitThresholds(['a', 'b'], twoClasses(given));
        expect(threshold).toBeGreaterThanOrEqual(0);
        expect(threshold).toBeLessThanOrEqual(1);
        expect(rightAt(threshold)).toBeGreaterThanOrEqual(rightAt(other));
      }),
      { numRuns: 500 },
    );
  });

  it('keep a wanted sensitivity, and no lower threshold is needed for it', () => {
    const random = seededRandom(5);
    const predictions = twoClasses(
      Array.from({ length: 200 }, (_, i) => [
        Math.min(1, random() * 0.7 + (i % 3 === 0 ? 0.3 : 0)),
        i % 3 === 0 ? 1 : 0,
      ]),
    );
    for (const wanted of [0.5, 0.9, 0.95, 1]) {
      const [, threshold] = fitThresholds(['a', 'b'], predictions, { b: wanted });
      expect(sensitivityAt(predictions, 1, threshold)).toBeGreaterThanOrEqual(wanted);
      // Above the next positive score the sensitivity is lost.
      const next = Math.min(
        ...predictions
          .filter(({ label, probabilities: [, p] }) => label === 1 && p >= threshold)
          .map(({ probabilities: [, p] }) => p),
      );
      expect(sensitivityAt(predictions, 1, next + 1e-9)).toBeLessThan(wanted);
    }
  });

  it('never allow a class to be named that the split does not show', () => {
    expect(fitThresholds(['a', 'b'], twoClasses([[0.9, 0]]))[1]).toBe(1);
  });
});

describe('the trigger of tiling', () => {
  it('fires on the wanted share of different confidences', () => {
    const random = seededRandom(9);
    const confidences = Array.from({ length: 1028 }, () => random());
    const tau = fitTau(confidences);
    const share = confidences.filter((p) => p < tau).length / confidences.length;
    expect(share).toBeCloseTo(0.18, 2);
  });

  it('comes as near as ties allow', () => {
    expect(fitTau([0.5, 0.5, 0.5, 0.9, 0.9, 0.9, 0.9, 0.9, 0.9, 0.9], 0.2)).toBeCloseTo(0.7, 12);
    expect(fitTau([0.5, 0.5, 0.5, 0.5, 0.5, 0.9, 0.9, 0.9, 0.9, 0.9], 0.2)).toBe(0);
    expect(fitTau([0.7, 0.7], 0.18)).toBe(0);
  });
});
