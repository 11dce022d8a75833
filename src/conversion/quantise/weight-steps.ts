/** Real value of one weight step for each output of a layer: from its weights, or as training settled it. */

import type { WeightQuantisation } from '../../model/checkpoint/format.ts';
import type { Quantisation } from '../../model/graph.ts';
import type { FloatConvolution, FloatDense } from '../float/graph.ts';
import { smallestScales, type WeightScheme, weightScales } from './layer.ts';
import { EIGHT_BITS, type Precision, weightLimit } from './precision.ts';

export interface WeightRules {
  readonly scheme: WeightScheme;
  /** Default: eight bits. */
  readonly precision?: Precision;
  /**
   * By layer of the architecture; takes the place of precision, and of every scheme but one scale for all. Layers that it
   * lacks are quantised by their own weights.
   */
  readonly trained?: ReadonlyMap<string, WeightQuantisation>;
}

export interface WeightSteps {
  readonly limit: number;
  /** One per output. */
  readonly scales: Float64Array;
  /** Whether the weights were trained on this very grid, so that they may not be rounded on another. */
  readonly isTrained: boolean;
}

export function weightSteps(
  node: FloatConvolution | FloatDense,
  { scheme, precision = EIGHT_BITS, trained }: WeightRules,
  input: Quantisation,
  output: Quantisation,
): WeightSteps {
  const { weights, bias } = node;
  const settled = trained?.get(node.sources[0]);
  if (settled === undefined) {
    const limit = weightLimit(precision, node);
    return {
      limit,
      scales: weightScales(weights, bias, scheme, input, output, limit),
      isTrained: false,
    };
  }
  const least = smallestScales(weights, bias, input, output, settled.limit);
  const scales = least.map((scale, o) =>
    Math.max(scale, settled.scales.length === 1 ? settled.scales[0] : settled.scales[o]),
  );
  // Classes share one scale, so that their potentials compare.
  if (scheme === 'per-tensor') scales.fill(scales.reduce((most, scale) => Math.max(most, scale), 0));
  return { limit: settled.limit, scales, isTrained: true };
}
