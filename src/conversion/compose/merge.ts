/** Convolutions of one tensor whose outputs are concatenated are one convolution, small kernels set inside the largest. */
import { applyEdit, viewOf } from '../float/edit.ts';
import { type FloatConcat, type FloatConvolution, type FloatGraph, shapeIn } from '../float/graph.ts';

/** The graph with a concatenation and the convolutions before it as one convolution; null where that is not exact. */
export function withMergedConcat(graph: FloatGraph, concat: FloatConcat): FloatGraph | null {
  const view = viewOf(graph);
  const parts = concat.inputs.map((input) => view.maker(input));
  const layers = parts.filter((part) => part?.op === 'convolution');
  const distinct = new Set(concat.inputs).size === concat.inputs.length;
  if (layers.length !== parts.length || !distinct) return null;
  const window = layers.reduce((largest, layer) => (taps(layer) > taps(largest) ? layer : largest));
  const fits = layers.every((layer) => view.hasOneUse(layer.name) && canMerge(layer, window));
  if (!fits) return null;
  const channels = shapeIn(graph, window.input)[2];
  const merged: FloatConvolution = {
    ...window,
    name: concat.name,
    shape: concat.shape,
    sources: [...new Set([...layers.flatMap(({ sources }) => sources), ...concat.sources])],
    rewrites: [...new Set([...layers.flatMap(({ rewrites }) => rewrites), 'parallel convolutions merged'])],
    weights: Float64Array.from(layers.flatMap((layer) => Array.from(embedded(layer, window, channels)))),
    bias: Float64Array.from(layers.flatMap(({ bias }) => Array.from(bias))),
  };
  return applyEdit(graph, { replace: new Map([[concat.name, [merged]]]) });
}

function taps({ kernel }: FloatConvolution): number {
  return kernel[0] * kernel[1];
}

function canMerge(layer: FloatConvolution, window: FloatConvolution): boolean {
  const [top, left] = margins(layer, window);
  return (
    layer.input === window.input &&
    layer.groups === 1 &&
    layer.paddingValues === null &&
    layer.stride.every((step, axis) => step === window.stride[axis]) &&
    layer.clamp?.minimum === window.clamp?.minimum &&
    layer.clamp?.maximum === window.clamp?.maximum &&
    top >= 0 &&
    left >= 0 &&
    top + layer.kernel[0] <= window.kernel[0] &&
    left + layer.kernel[1] <= window.kernel[1]
  );
}

/** Rows and columns of the large kernel before the small one begins. */
function margins(layer: FloatConvolution, window: FloatConvolution): readonly [number, number] {
  return [window.padding.top - layer.padding.top, window.padding.left - layer.padding.left];
}

function embedded(layer: FloatConvolution, window: FloatConvolution, channels: number): Float64Array {
  const [top, left] = margins(layer, window);
  const result = new Float64Array(layer.bias.length * taps(window) * channels);
  for (let o = 0; o < layer.bias.length; o++) {
    for (let tap = 0; tap < taps(layer); tap++) {
      const row = top + Math.floor(tap / layer.kernel[1]);
      const column = left + (tap % layer.kernel[1]);
      const from = (o * taps(layer) + tap) * channels;
      const to = (o * taps(window) + row * window.kernel[1] + column) * channels;
      result.set(layer.weights.subarray(from, from + channels), to);
    }
  }
  return result;
}
