/** What an architecture learns and what it keeps: names, shapes and roles of its arrays. */

import { elementCount, type Shape } from '../graph.ts';
import type { Architecture, Layer } from './architecture.ts';
import { shapesOf } from './shapes.ts';

/**
 * `weights`: [row, column, input, output] of a convolution, [row, column, channel, 1] of a depthwise one,
 * [input, output] of a dense layer. `bias`, and a batch norm's `scale` (γ) and `offset` (β): [output].
 */
export type ParameterRole = 'weights' | 'bias' | 'scale' | 'offset';
/** A batch norm's running statistics, [channel]: kept, not learned. */
export type StatisticRole = 'mean' | 'variance';

export interface ArraySpecification<Role> {
  /** `layer/role`, unique in the network. */
  readonly name: string;
  readonly layer: string;
  readonly role: Role;
  readonly shape: readonly number[];
}

export type Parameter = ArraySpecification<ParameterRole>;
export type Statistic = ArraySpecification<StatisticRole>;

/** Everything that gradients change, in the order of the layers. */
export function parametersOf(architecture: Architecture): Parameter[] {
  const shapes = shapesOf(architecture);
  return architecture.layers.flatMap((layer) => {
    const input = 'input' in layer ? shapes.get(layer.input) : undefined;
    return input === undefined
      ? []
      : rolesOf(layer, input).map(([role, shape]) => specification(layer, role, shape));
  });
}

/** Every batch norm's running mean and variance, in the order of the layers. */
export function statisticsOf(architecture: Architecture): Statistic[] {
  const shapes = shapesOf(architecture);
  return architecture.layers.flatMap((layer) => {
    const channels = shapes.get(layer.name)?.[2];
    if (layer.op !== 'batchNorm' || channels === undefined) return [];
    return [specification(layer, 'mean', [channels]), specification(layer, 'variance', [channels])];
  });
}

/** How many numbers an architecture learns. */
export function parameterCount(architecture: Architecture): number {
  return parametersOf(architecture).reduce((sum, { shape }) => sum + sizeOf(shape), 0);
}

export function sizeOf(shape: readonly number[]): number {
  return shape.reduce((product, extent) => product * extent, 1);
}

function specification<Role extends string>(layer: Layer, role: Role, shape: readonly number[]) {
  return { name: `${layer.name}/${role}`, layer: layer.name, role, shape };
}

function rolesOf(layer: Layer, input: Shape): [ParameterRole, readonly number[]][] {
  const channels = input[2];
  switch (layer.op) {
    case 'convolution':
      return withBias(layer, [layer.kernel, layer.kernel, channels, layer.filters], layer.filters);
    case 'depthwise':
      return withBias(layer, [layer.kernel, layer.kernel, channels, 1], channels);
    case 'dense':
      return withBias(layer, [elementCount(input), layer.units], layer.units);
    case 'batchNorm':
      return [
        ['scale', [channels]],
        ['offset', [channels]],
      ];
    default:
      return [];
  }
}

function withBias(
  { bias }: { readonly bias: boolean },
  weights: readonly number[],
  outputs: number,
): [ParameterRole, readonly number[]][] {
  return bias
    ? [
        ['weights', weights],
        ['bias', [outputs]],
      ]
    : [['weights', weights]];
}
