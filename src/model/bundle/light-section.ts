/** What a bundle says of the light that its training saw; a bundle without it takes every light as it comes. */
import { z } from 'zod';
import { count, real, share } from './fields.ts';

/** The logarithm of a ratio of two sums of bytes lies far within this. */
const LARGEST_LOGARITHM = 100;
const logarithm = real(-LARGEST_LOGARITHM, LARGEST_LOGARITHM);
const precision = real(-1e9, 1e9);

export const lightSchema = z.strictObject({
  version: z.literal(1),
  /** Mean over training images of ln(red/green) and ln(blue/green), of the mean colour of what the network reads. */
  mean: z.tuple([logarithm, logarithm]),
  /** Inverse of their covariance: of red, of both, of blue. */
  precision: z.tuple([precision, precision, precision]),
  /** Mahalanobis distance that an image's light may have; a light beyond it is brought back to it. */
  limit: real(1e-3, 1e3),
  fittedOn: z.strictObject({
    images: count,
    /** Of these, those whose light is within the limit. */
    within: share,
  }),
});
/** The section in a bundle. */
export type LightSection = z.infer<typeof lightSchema>;

/** What is wrong with it, in words; null when nothing is. */
export function lightProblem({ precision: [red, both, blue] }: LightSection): string | null {
  return red > 0 && red * blue > both * both ? null : 'a precision that no distribution has';
}
