/**
 * What an operator's fixed-point factor does beyond its operator: an average pool divides, an add and a gate leave
 * scales alone. For a converted graph nothing is left over but the rounding of the factor.
 */
import type { AveragePoolNode, Quantisation, Requantisation, Shape } from '../../model/graph.ts';
import { factorOf } from '../../model/requantise.ts';
import type { OnnxWriter } from './writer.ts';

/** Largest relative error of a fixed-point factor that stands for a real one. */
const ROUNDING = 2 ** -10;

/** `input` × gains; `input` itself where they are 1 but for rounding. */
export function scaledBy(
  writer: OnnxWriter,
  name: string,
  input: string,
  gains: readonly number[],
  dims: readonly number[] = [],
): string {
  if (gains.every((gain) => Math.abs(gain - 1) <= ROUNDING)) return input;
  return writer.node('Mul', name, [input, writer.floats(`${name}/gain`, dims, gains)]);
}

export function realFactors({ multiplier, shift }: Requantisation): number[] {
  return Array.from(multiplier, (value, i) => factorOf({ multiplier: value, shift: shift[i] }));
}

/** Per output pixel: what is left of the pool's factor after a true average over the counted pixels. */
export function poolGains(node: AveragePoolNode, [height, width]: Shape, input: Quantisation): number[] {
  const factors = realFactors(node.requantisation).map(
    (factor) => (factor * node.output.quantisation.scale) / input.scale,
  );
  const [rows, columns] = node.output.shape;
  const { kernel, stride, padding } = node;
  return Array.from({ length: rows * columns }, (_, i) => {
    if (factors.length === 1) return factors[0] * kernel[0] * kernel[1];
    const tall = overlap(Math.floor(i / columns) * stride[0] - padding.top, kernel[0], height);
    const wide = overlap((i % columns) * stride[1] - padding.left, kernel[1], width);
    return factors[tall * wide - 1] * tall * wide;
  });
}

/** Pixels of a window that lie in the image, along one axis. */
function overlap(start: number, length: number, extent: number): number {
  return Math.min(start + length, extent) - Math.max(start, 0);
}
