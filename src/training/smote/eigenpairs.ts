import { EigenvalueDecomposition, type Matrix } from 'ml-matrix';

export interface Eigenpairs {
  /** Falling. */
  readonly values: readonly number[];
  /** One unit column each. */
  readonly vectors: Matrix;
}

/** Eigenvalues of a symmetric matrix, largest first, with their vectors. */
export function fallingEigenpairs(symmetric: Matrix): Eigenpairs {
  const { realEigenvalues, eigenvectorMatrix } = new EigenvalueDecomposition(symmetric, {
    assumeSymmetric: true,
  });
  const order = realEigenvalues.map((_, i) => i).sort((a, b) => realEigenvalues[b] - realEigenvalues[a]);
  return {
    values: order.map((i) => realEigenvalues[i]),
    vectors: eigenvectorMatrix.subMatrixColumn(order),
  };
}

/** How many of the leading values are above a share of the largest: those beyond are rounding, not directions. */
export function rankOf(falling: readonly number[], tolerance: number): number {
  const [largest] = falling;
  return largest > 0 ? falling.filter((value) => value > tolerance * largest).length : 0;
}
