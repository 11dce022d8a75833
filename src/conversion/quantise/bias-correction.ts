/** Rounded weights shift an output's mean; on calibration means the shift is known and taken out of the bias. */
import type { Shape } from '../../model/graph.ts';
import type { FloatConvolution, FloatDense } from '../float/graph.ts';
import { inputChannels } from '../fold/affine.ts';

/**
 * The bias that restores each output's mean, for weights that became `realised`.
 * `means`: calibration mean per input channel; `inputShape`: of the layer's input.
 */
export function correctedBias(
  layer: FloatConvolution | FloatDense,
  realised: Float64Array,
  means: Float64Array,
  inputShape: Shape,
): Float64Array {
  const channelOf = inputChannels(layer, means.length);
  const perOutput = layer.weights.length / layer.bias.length;
  const coverage = layer.op === 'convolution' ? tapCoverage(layer, inputShape) : [1];
  const perTap = perOutput / coverage.length;
  return layer.bias.map((bias, o) => {
    let shift = 0;
    for (let i = 0; i < perOutput; i++) {
      const error = realised[o * perOutput + i] - layer.weights[o * perOutput + i];
      shift += error * means[channelOf(o, i)] * coverage[Math.floor(i / perTap)];
    }
    return bias - shift;
  });
}

/** Share of output pixels at which each kernel position lies in the image. */
function tapCoverage({ kernel, stride, padding, shape }: FloatConvolution, [height, width]: Shape): number[] {
  const axis = (taps: number, step: number, before: number, count: number, extent: number) =>
    Array.from({ length: taps }, (_, tap) => {
      let inside = 0;
      for (let i = 0; i < count; i++) {
        const at = i * step + tap - before;
        if (at >= 0 && at < extent) inside++;
      }
      return inside / count;
    });
  const rows = axis(kernel[0], stride[0], padding.top, shape[0], height);
  const columns = axis(kernel[1], stride[1], padding.left, shape[1], width);
  return rows.flatMap((row) => columns.map((column) => row * column));
}
