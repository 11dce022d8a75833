import { Matrix } from 'ml-matrix';
import { fallingEigenpairs, rankOf } from './eigenpairs.ts';
import { type Rows, row } from './rows.ts';

/** Directions whose variance is below this share of the largest carry no information. */
const TOLERANCE = 1e-9;

/**
 * U_i: the principal directions of a neighbourhood's covariance (QANA, equation 4), found through the small matrix of
 * inner products rather than the covariance itself: both have the same non-zero eigenvalues.
 * @param members indices of the neighbourhood's vectors
 * @returns orthonormal unit vectors, at most members − 1; none where all members are equal
 */
export function localDirections(rows: Rows, members: ArrayLike<number>): Float64Array[] {
  const centred = centre(rows, members);
  const gram = Matrix.zeros(centred.length, centred.length);
  for (let a = 0; a < centred.length; a++) {
    for (let b = 0; b <= a; b++) {
      const product = centred[a].reduce((sum, value, n) => sum + value * centred[b][n], 0);
      gram.set(a, b, product);
      gram.set(b, a, product);
    }
  }
  const { values, vectors } = fallingEigenpairs(gram);
  return values.slice(0, rankOf(values, TOLERANCE)).map((value, e) => {
    const direction = new Float64Array(rows.width);
    centred.forEach((member, m) => {
      const weight = vectors.get(m, e) / Math.sqrt(value);
      for (let n = 0; n < direction.length; n++) direction[n] += weight * member[n];
    });
    return direction;
  });
}

function centre(rows: Rows, members: ArrayLike<number>): Float64Array[] {
  const mean = new Float64Array(rows.width);
  for (let m = 0; m < members.length; m++) {
    row(rows, members[m]).forEach((value, n) => {
      mean[n] += value / members.length;
    });
  }
  return Array.from(members, (member) => Float64Array.from(row(rows, member), (value, n) => value - mean[n]));
}
