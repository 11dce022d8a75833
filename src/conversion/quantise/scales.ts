/** Makes every requantisation factor representable: below 1. */
import type { Shape } from '../../model/graph.ts';
import { groupsOf } from '../calibration/groups.ts';
import type { Quantisations } from '../calibration/quantisations.ts';
import { type FloatAveragePool, type FloatGraph, type FloatNode, shapeIn } from '../float/graph.ts';
import type { WeightScheme } from './layer.ts';
import type { TensorQuantisation } from './precision.ts';
import { type WeightRules, weightSteps } from './weight-steps.ts';

const LARGEST_FACTOR = 0.999;

/** Raises output scales, a group of tensors at a time, until no node's factor reaches 1. */
export function withRepresentableFactors(
  graph: FloatGraph,
  quantisations: Quantisations,
  scheme: WeightScheme,
  rules: Omit<WeightRules, 'scheme'> = {},
): Quantisations {
  const groupOf = groupsOf(graph);
  const current = new Map(quantisations);
  const raise = (tensor: string, ratio: number) => {
    for (const [name, quantisation] of current) {
      if (groupOf(name) === groupOf(tensor)) {
        current.set(name, { ...quantisation, scale: quantisation.scale * ratio });
      }
    }
  };
  for (let changed = true; changed; ) {
    changed = false;
    for (const node of graph.nodes) {
      if (node.name === graph.output && node.op === 'dense') continue;
      const factor = largestFactor(node, graph, current, { scheme, ...rules });
      if (factor <= LARGEST_FACTOR) continue;
      raise(node.name, (factor / LARGEST_FACTOR) * (1 + 1e-9));
      changed = true;
    }
  }
  return current;
}

export function quantisationIn(quantisations: Quantisations, tensor: string): TensorQuantisation {
  const found = quantisations.get(tensor);
  if (found === undefined) throw new RangeError(`No quantisation for tensor ${tensor}`);
  return found;
}

function largestFactor(
  node: FloatNode,
  graph: FloatGraph,
  quantisations: Quantisations,
  rules: WeightRules,
): number {
  const output = quantisationIn(quantisations, node.name);
  switch (node.op) {
    case 'convolution':
    case 'dense': {
      const input = quantisationIn(quantisations, node.input);
      const { scales } = weightSteps(node, rules, input, output);
      return (scales.reduce((most, scale) => Math.max(most, scale), 0) * input.scale) / output.scale;
    }
    case 'multiply':
      return (
        (quantisationIn(quantisations, node.input).scale * quantisationIn(quantisations, node.gate).scale) /
        output.scale
      );
    case 'averagePool':
      return (
        quantisationIn(quantisations, node.input).scale /
        (output.scale * smallestDivisor(node, shapeIn(graph, node.input)))
      );
    default:
      return 0;
  }
}

/** Fewest pixels of the image, or of image and counted border, that any window holds. */
export function smallestDivisor(node: FloatAveragePool, [height, width]: Shape): number {
  const { kernel, stride, padding, shape, countPadding } = node;
  if (countPadding) return kernel[0] * kernel[1];
  const rows = fewestPixels(kernel[0], stride[0], padding.top, shape[0], height);
  const columns = fewestPixels(kernel[1], stride[1], padding.left, shape[1], width);
  return rows * columns;
}

function fewestPixels(kernel: number, stride: number, before: number, count: number, extent: number): number {
  const counts = Array.from({ length: count }, (_, i) => {
    const start = i * stride - before;
    return Math.min(start + kernel, extent) - Math.max(start, 0);
  });
  return Math.min(...counts);
}
