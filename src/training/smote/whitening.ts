import * as tf from '@tensorflow/tfjs-core';
import type { Matrix } from 'ml-matrix';
import { RefusedError } from '../../errors.ts';
import { principalComponents } from './principal-components.ts';
import { type Rows, rowsOf } from './rows.ts';
import type { TrainingEmbeddings } from './training-embeddings.ts';

/** A deviation below this share of the mean is rounding, not variation. */
const FLOAT32_PRECISION = 2 ** -23;

/** The map between embeddings h and whitened vectors z, fitted on the training split. */
export interface Whitening {
  /** μ: mean of each feature. */
  readonly mean: Float64Array;
  /** Standard deviation of each feature; 1 for a feature that does not vary. */
  readonly deviation: Float64Array;
  /** Λ_r: variance of the standardised vectors along each kept direction, falling. */
  readonly variances: Float64Array;
  /** U_r: width × r, orthonormal columns. */
  readonly directions: Matrix;
}

/**
 * Standardises every feature, then finds the r principal directions (QANA, equation 1).
 * @param components r; fewer are kept where the embeddings span fewer directions
 * @throws RefusedError `SMOTE_FLAT` where all embeddings are equal
 */
export async function fitWhitening(
  { rows }: TrainingEmbeddings,
  components: number,
  seed: number,
): Promise<Whitening> {
  const { mean, deviation } = featureMoments(rows);
  const found = await principalComponents(standardise(rows, mean, deviation), components, seed);
  if (found.variances.length === 0) {
    throw new RefusedError(
      'SMOTE_FLAT',
      'No embedding differs from another, so there are no directions to whiten',
      {
        received: `${rows.count} equal vectors of length ${rows.width}`,
        remedy: 'check that the network was trained and that the images are not all the same',
      },
    );
  }
  return { mean, deviation, ...found };
}

/** z = Λ_r^(−1/2) U_rᵀ (h − μ), h standardised (QANA, equation 1). @returns count × r */
export async function whiten(
  { mean, deviation, variances, directions }: Whitening,
  rows: Rows,
): Promise<Rows> {
  const scaled = directions.clone();
  variances.forEach((variance, c) => {
    scaled.mulColumn(c, 1 / Math.sqrt(variance));
  });
  const standardised = standardise(rows, mean, deviation);
  const z = tf.tidy(() =>
    tf.matMul(
      tf.tensor2d(standardised.values, [rows.count, rows.width]),
      tf.tensor2d(Float32Array.from(scaled.to1DArray()), [scaled.rows, scaled.columns]),
    ),
  );
  try {
    return rowsOf(Float32Array.from(await z.data()), variances.length);
  } finally {
    z.dispose();
  }
}

function featureMoments({ values, count, width }: Rows): { mean: Float64Array; deviation: Float64Array } {
  const mean = new Float64Array(width);
  const deviation = new Float64Array(width);
  for (let i = 0; i < values.length; i++) mean[i % width] += values[i] / count;
  for (let i = 0; i < values.length; i++) deviation[i % width] += (values[i] - mean[i % width]) ** 2;
  for (let f = 0; f < width; f++) {
    const own = Math.sqrt(deviation[f] / Math.max(1, count - 1));
    const varies = own > FLOAT32_PRECISION * Math.abs(mean[f]);
    deviation[f] = varies ? own : 1;
    // Rounding of the sum must not look like an offset of every vector.
    if (!varies) mean[f] = values[f];
  }
  return { mean, deviation };
}

function standardise({ values, count, width }: Rows, mean: Float64Array, deviation: Float64Array): Rows {
  const standardised = new Float32Array(values.length);
  for (let i = 0; i < values.length; i++) {
    standardised[i] = (values[i] - mean[i % width]) / deviation[i % width];
  }
  return { values: standardised, count, width };
}
