import * as tf from '@tensorflow/tfjs-core';
import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import { useBackend } from '../../../src/training/backend/backend.ts';
import { muonStep, orthogonal } from '../../../src/training/trainer/muon.ts';
import { Random } from '../../support/random.ts';

beforeAll(() => useBackend('cpu'));

function matrix(seed: number, rows: number, columns: number): tf.Tensor2D {
  const random = new Random(seed);
  const values = Float32Array.from({ length: rows * columns }, () => random.next() - 0.5);
  return tf.tensor2d(values, [rows, columns]);
}

describe('the orthogonal factor', () => {
  it('stretches no direction by more than a third, and few by less than half', () => {
    fc.assert(
      fc.property(fc.nat(1000), fc.integer({ min: 1, max: 8 }), fc.nat(8), (seed, rows, more) => {
        tf.tidy(() => {
          const m = matrix(seed, rows, 2 * rows + more);
          const x = tf.reshape(orthogonal(tf.reshape(m, [1, ...m.shape])), m.shape) as tf.Tensor2D;
          const random = new Random(seed + 1);
          const direction = tf.tensor2d(
            Float32Array.from({ length: rows }, () => random.next() - 0.5),
            [1, rows],
          );
          const stretch = tf.div(tf.norm(tf.matMul(direction, x)), tf.norm(direction)).dataSync()[0];
          expect(stretch).toBeGreaterThan(0.5);
          expect(stretch).toBeLessThan(4 / 3);
        });
      }),
      { numRuns: 50 },
    );
  });

  it('depends on the direction of the matrix alone', () => {
    tf.tidy(() => {
      const m = tf.reshape(matrix(4, 3, 7), [1, 3, 7]) as tf.Tensor3D;
      const [a, b] = [orthogonal(m), orthogonal(tf.mul(m, 1000) as tf.Tensor3D)].map((x) => x.dataSync());
      for (let i = 0; i < a.length; i++) expect(a[i]).toBeCloseTo(b[i], 4);
    });
  });
});

describe('a step of Muon', () => {
  it('treats tall and wide matrices alike, and in a list as alone', () => {
    const shapes: [number, number][] = [
      [3, 5],
      [5, 3],
      [5, 3],
      [4, 4],
    ];
    const run = (indices: readonly number[], transposed: boolean): number[][] =>
      tf.tidy(() => {
        const oriented = (x: tf.Tensor2D): tf.Tensor => (transposed ? tf.transpose(x) : x);
        const slots = indices.map((i) => ({
          parameter: tf.variable(oriented(matrix(i, ...shapes[i]))),
          momentum: tf.variable(oriented(matrix(i + 10, ...shapes[i]))),
          average: tf.variable(oriented(matrix(i, ...shapes[i]))),
        }));
        const gradients = indices.map((i) => oriented(matrix(i + 20, ...shapes[i])));
        muonStep(slots, gradients, { learningRate: 0.1, weightDecay: 0.05, averageDecay: 0.5 });
        return slots.map(({ parameter }) => Array.from(oriented(parameter as tf.Tensor2D).dataSync()));
      });
    const together = run([0, 1, 2, 3], false);
    const apart = [0, 1, 2, 3].map((i) => run([i], false)[0]);
    const turned = run([0, 1, 2, 3], true);
    together.forEach((values, i) => {
      values.forEach((value, j) => {
        expect(value).toBeCloseTo(apart[i][j], 5);
        expect(value).toBeCloseTo(turned[i][j], 5);
      });
    });
  });
});
