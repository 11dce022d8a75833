import { Matrix } from 'ml-matrix';
import { fallingEigenpairs, rankOf } from './eigenpairs.ts';
import type { PrincipalComponents } from './principal-components.ts';
import { type Rows, row } from './rows.ts';

/**
 * The definition: eigenvectors of the whole covariance matrix, in double precision. Judges `principalComponents`;
 * takes memory with the square of the width and time with its cube.
 */
export function principalComponentsByCovariance(centred: Rows, wanted: number): PrincipalComponents {
  const x = new Matrix(Array.from({ length: centred.count }, (_, i) => Array.from(row(centred, i))));
  const covariance = x
    .transpose()
    .mmul(x)
    .div(Math.max(1, centred.count - 1));
  const { values, vectors } = fallingEigenpairs(covariance);
  const kept = Math.min(wanted, centred.count - 1, rankOf(values, 1e-6));
  return {
    variances: Float64Array.from(values.slice(0, kept)),
    directions: vectors.subMatrix(0, vectors.rows - 1, 0, kept - 1),
  };
}
