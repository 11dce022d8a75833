/** How many bits weights and activations use; they are stored in eight either way. */
import { INPUT_NAME, type Quantisation } from '../../model/graph.ts';
import type { FloatConvolution, FloatDense } from '../float/graph.ts';

export const BITS = [4, 8] as const;
export type Bits = (typeof BITS)[number];

export interface Precision {
  readonly weights: Bits;
  readonly activations: Bits;
}

export const EIGHT_BITS: Precision = { weights: 8, activations: 8 };
export const FOUR_BITS: Precision = { weights: 4, activations: 4 };

/** Affine quantisation of a tensor whose values use 0…`maximum`: 255 are eight bits, 15 four. */
export interface TensorQuantisation extends Quantisation {
  readonly maximum: number;
}

export function activationMaximum({ activations }: Precision): number {
  return 2 ** activations - 1;
}

/**
 * Largest |weight|. −2^(bits − 1) is left out, so that negation and pairwise products stay within their types. Layers that
 * read the image keep eight bits, as Akida's input layer does.
 */
export function weightLimit({ weights }: Precision, { input }: FloatConvolution | FloatDense): number {
  return 2 ** ((input === INPUT_NAME ? 8 : weights) - 1) - 1;
}
