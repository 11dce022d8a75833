/**
 * Two convolutions without anything between them are one. Exact in two cases: the second is 1×1, or the first is 1×1
 * and leaves zero padding alone (it has no bias, or the second does not pad).
 */
import { mergedHistory } from '../float/edit.ts';
import { type FloatConvolution, isPadded } from '../float/graph.ts';

export function isPointwise({ kernel, stride, padding }: FloatConvolution): boolean {
  return kernel[0] * kernel[1] * stride[0] * stride[1] === 1 && !isPadded(padding);
}

export function isComposable(first: FloatConvolution, second: FloatConvolution): boolean {
  if (first.clamp !== null || second.paddingValues !== null) return false;
  if (isPointwise(second)) return true;
  const keepsZero = first.bias.every((bias) => bias === 0) || !isPadded(second.padding);
  return isPointwise(first) && keepsZero;
}

/** second(first(x)) as one convolution without groups. `channels`: of x. */
export function composed(
  first: FloatConvolution,
  second: FloatConvolution,
  channels: number,
): FloatConvolution {
  const between = first.bias.length;
  const inner = denseWeights(first, channels);
  const outer = denseWeights(second, between);
  const window = isPointwise(second) ? first : second;
  const taps = window.kernel[0] * window.kernel[1];
  const innerTaps = inner.length / (between * channels);
  const outerTaps = outer.length / (second.bias.length * between);
  const weights = new Float64Array(second.bias.length * taps * channels);
  const bias = second.bias.slice();
  for (let o = 0; o < second.bias.length; o++) {
    for (let m = 0; m < between; m++) {
      for (let tap = 0; tap < taps; tap++) {
        const factor = outer[(o * outerTaps + (tap % outerTaps)) * between + m];
        const from = (m * innerTaps + (tap % innerTaps)) * channels;
        const to = (o * taps + tap) * channels;
        for (let i = 0; i < channels; i++) weights[to + i] += factor * inner[from + i];
      }
      for (let tap = 0; tap < outerTaps; tap++) {
        bias[o] += outer[(o * outerTaps + tap) * between + m] * first.bias[m];
      }
    }
  }
  return {
    ...second,
    ...mergedHistory(first, second, 'linear chain composed into one convolution'),
    input: first.input,
    kernel: window.kernel,
    stride: window.stride,
    padding: window.padding,
    groups: 1,
    paddingValues: first.paddingValues,
    weights,
    bias,
  };
}

/** [output][tap][channel] over all channels, zero where the groups do not reach. */
export function denseWeights(
  { weights, bias, groups, kernel }: FloatConvolution,
  channels: number,
): Float64Array {
  if (groups === 1) return weights;
  const taps = kernel[0] * kernel[1];
  const groupInputs = channels / groups;
  const groupOutputs = bias.length / groups;
  const dense = new Float64Array(bias.length * taps * channels);
  for (let o = 0; o < bias.length; o++) {
    const start = Math.floor(o / groupOutputs) * groupInputs;
    for (let tap = 0; tap < taps; tap++) {
      const from = (o * taps + tap) * groupInputs;
      dense.set(weights.subarray(from, from + groupInputs), (o * taps + tap) * channels + start);
    }
  }
  return dense;
}
