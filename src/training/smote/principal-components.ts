import * as tf from '@tensorflow/tfjs-core';
import { Matrix } from 'ml-matrix';
import { seededRandom } from '../../random.ts';
import { fallingEigenpairs, rankOf } from './eigenpairs.ts';
import { randomNormal } from './random-normal.ts';
import type { Rows } from './rows.ts';

/** The directions in which centred vectors vary most. */
export interface PrincipalComponents {
  /** Variance along each direction (divisor count − 1), falling, all above zero. */
  readonly variances: Float64Array;
  /** Orthonormal, width × variances.length: one column each. */
  readonly directions: Matrix;
}

/** Variances below this share of the largest are rounding noise of float32 products, not directions of the data. */
const RANK_TOLERANCE = 1e-6;

/** The same for the squared lengths of a basis, in double precision. */
const BASIS_TOLERANCE = 1e-12;

/** Directions carried beside those asked for; they speed the convergence of the last ones. */
const OVERSAMPLING = 16;

/**
 * The leading principal components by randomised subspace iteration (Halko, Martinsson and Tropp, 2011): the
 * products with the vectors run on tfjs's current backend, the small decompositions in double precision.
 * @param centred count × width, mean zero in every column
 * @param wanted at most so many directions; fewer come where the vectors span fewer
 * @param rounds of iteration; an error in a direction shrinks each round by the square of the ratio of variances
 */
export async function principalComponents(
  centred: Rows,
  wanted: number,
  seed: number,
  rounds = 5,
): Promise<PrincipalComponents> {
  const { count, width } = centred;
  const carried = Math.min(wanted + OVERSAMPLING, width, Math.max(1, count - 1));
  const normal = randomNormal(seededRandom(seed));
  const x = tf.tensor2d(centred.values, [count, width]);
  try {
    let basis = orthonormalBasis(Float32Array.from({ length: width * carried }, normal), width);
    for (let round = 0; round < rounds; round++) {
      basis = orthonormalBasis(await scatterTimes(x, basis), width);
    }
    const projected = Matrix.from1DArray(
      basis.columns,
      basis.columns,
      Array.from(await covarianceWithin(x, basis, count)),
    );
    return leading(projected, basis, wanted);
  } finally {
    x.dispose();
  }
}

/** Xᵀ(X Q), row by row. */
async function scatterTimes(x: tf.Tensor2D, basis: Matrix): Promise<ArrayLike<number>> {
  return dataOf(() => {
    const q = tensorOf(basis);
    return tf.matMul(x, tf.matMul(x, q), true);
  });
}

/** Qᵀ Xᵀ X Q / (count − 1), row by row. */
async function covarianceWithin(x: tf.Tensor2D, basis: Matrix, count: number): Promise<Float32Array> {
  return dataOf(() => {
    const y = tf.matMul(x, tensorOf(basis));
    return tf.div(tf.matMul(y, y, true), Math.max(1, count - 1));
  });
}

async function dataOf(compute: () => tf.Tensor): Promise<Float32Array> {
  const tensor = tf.tidy(compute);
  try {
    return Float32Array.from(await tensor.data());
  } finally {
    tensor.dispose();
  }
}

function tensorOf(matrix: Matrix): tf.Tensor2D {
  return tf.tensor2d(Float32Array.from(matrix.to1DArray()), [matrix.rows, matrix.columns]);
}

/**
 * Orthonormal columns with the span of the given ones, fewer where those depend on each other: Y V Λ^(−1/2), V and Λ
 * being the eigenvectors and eigenvalues of YᵀY.
 */
function orthonormalBasis(values: ArrayLike<number>, rows: number): Matrix {
  const matrix = Matrix.from1DArray(rows, values.length / rows, Array.from(values));
  const { values: squares, vectors } = fallingEigenpairs(matrix.transpose().mmul(matrix));
  const rank = Math.max(1, rankOf(squares, BASIS_TOLERANCE));
  const rotation = leadingColumns(vectors, rank);
  for (let c = 0; c < rank; c++) rotation.mulColumn(c, 1 / Math.sqrt(squares[c] || 1));
  return matrix.mmul(rotation);
}

/** Rayleigh–Ritz: the directions within the basis that diagonalise the covariance. */
function leading(projected: Matrix, basis: Matrix, wanted: number): PrincipalComponents {
  const { values, vectors } = fallingEigenpairs(projected);
  const kept = Math.min(wanted, rankOf(values, RANK_TOLERANCE));
  return {
    variances: Float64Array.from(values.slice(0, kept)),
    directions: kept === 0 ? Matrix.zeros(basis.rows, 0) : basis.mmul(leadingColumns(vectors, kept)),
  };
}

function leadingColumns(matrix: Matrix, count: number): Matrix {
  return matrix.subMatrix(0, matrix.rows - 1, 0, count - 1);
}
