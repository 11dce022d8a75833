/**
 * Muon (Jordan et al. 2024): the momentum of a matrix of weights is replaced by the nearest matrix whose singular values
 * are all about 1, so that every direction of a pointwise convolution learns at the same pace. The step is brought to the
 * size that AdamW's has (Liu et al. 2025, equation 4), so that both share one learning rate.
 */
import * as tf from '@tensorflow/tfjs-core';
import { sizeOf } from '../../model/architecture/parameters.ts';

export interface MuonSlot {
  /** [1, 1, input, output]; of any shape the last extent is one side of the matrix, all others the other. */
  readonly parameter: tf.Variable;
  readonly momentum: tf.Variable;
  /** Exponential moving average of the parameter. */
  readonly average: tf.Variable;
}

export interface MuonSettings {
  readonly learningRate: number;
  readonly weightDecay: number;
  readonly averageDecay: number;
}

const MOMENTUM = 0.95;
/** Root mean square of a step in units of the learning rate: what AdamW's commonly is. */
const STEP_SIZE = 0.2;
const ITERATIONS = 5;
/** The quintic whose iteration brings singular values from (0, 1] to about 1 fastest (Jordan et al. 2024). */
const [LINEAR, CUBIC, QUINTIC] = [3.4445, -4.775, 2.0315];

/**
 * Updates every slot in place:
 *
 *   m ← 0.95 m + 0.05 g      u = 0.95 m + 0.05 g
 *   W ← W(1 − ηλ) − η · 0.2 √max(rows, columns) · orthogonal(u)
 *   average ← d·average + (1 − d)W
 */
export function muonStep(
  slots: readonly MuonSlot[],
  gradients: readonly tf.Tensor[],
  settings: MuonSettings,
): void {
  const { learningRate, weightDecay, averageDecay } = settings;
  tf.tidy(() => {
    const updates = gradients.map((gradient, index) => {
      const { momentum } = slots[index];
      momentum.assign(blend(momentum, gradient, MOMENTUM));
      return wide(blend(momentum, gradient, MOMENTUM));
    });
    orthogonalAll(updates).forEach((orthogonal, index) => {
      const { parameter, average } = slots[index];
      const [rows, columns] = matrixOf(parameter);
      const factor = learningRate * STEP_SIZE * Math.sqrt(Math.max(rows, columns));
      const back = rows <= columns ? orthogonal : tf.transpose(orthogonal);
      const step = tf.reshape(tf.mul(back, factor), parameter.shape);
      parameter.assign(tf.sub(tf.mul(parameter, 1 - learningRate * weightDecay), step));
      average.assign(blend(average, parameter, averageDecay));
    });
  });
}

/** Matrices of one shape go through the iteration together: fewer, larger operations. */
function orthogonalAll(matrices: readonly tf.Tensor2D[]): tf.Tensor2D[] {
  const shapes = new Map<string, number[]>();
  matrices.forEach(({ shape }, index) => {
    shapes.set(shape.join(), [...(shapes.get(shape.join()) ?? []), index]);
  });
  const results = new Array<tf.Tensor2D>(matrices.length);
  for (const indices of shapes.values()) {
    const stack = tf.stack(indices.map((index) => matrices[index]));
    tf.unstack(orthogonal(stack as tf.Tensor3D)).forEach((result, i) => {
      results[indices[i]] = result as tf.Tensor2D;
    });
  }
  return results;
}

/** Newton–Schulz iterations on [n, rows, columns], rows ≤ columns. */
export function orthogonal(matrices: tf.Tensor3D): tf.Tensor3D {
  return tf.tidy(() => {
    const norms = tf.sqrt(tf.sum(tf.square(matrices), [1, 2], true));
    let x: tf.Tensor = tf.div(matrices, tf.add(norms, 1e-7));
    for (let i = 0; i < ITERATIONS; i++) {
      const a = tf.matMul(x, x, false, true);
      const polynomial = tf.add(tf.mul(a, CUBIC), tf.mul(tf.matMul(a, a), QUINTIC));
      x = tf.add(tf.mul(x, LINEAR), tf.matMul(polynomial, x));
    }
    return x as tf.Tensor3D;
  });
}

function matrixOf({ shape }: tf.Tensor): [rows: number, columns: number] {
  return [sizeOf(shape.slice(0, -1)), shape[shape.length - 1]];
}

/** As a matrix, transposed where it is taller than wide. */
function wide(x: tf.Tensor): tf.Tensor2D {
  const [rows, columns] = matrixOf(x);
  const matrix = tf.reshape(x, [rows, columns]);
  return (rows <= columns ? matrix : tf.transpose(matrix)) as tf.Tensor2D;
}

/** rate·previous + (1 − rate)·next */
function blend(previous: tf.Tensor, next: tf.Tensor, rate: number): tf.Tensor {
  return tf.add(tf.mul(previous, rate), tf.mul(next, 1 - rate));
}
