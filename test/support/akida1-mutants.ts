/** What could be wrong in one layer of a network for Akida 1.0. */
import type { NetworkArray, NetworkLayer } from '../../src/conversion/akida1/network.ts';

export type LayerChange = (layer: NetworkLayer) => Partial<NetworkLayer>;

/** The network with one layer changed. */
export function changedAt(
  layers: readonly NetworkLayer[],
  at: number,
  change: LayerChange,
): readonly NetworkLayer[] {
  return layers.map((layer, i) => (i === at ? { ...layer, ...change(layer) } : layer));
}

function reordered({ values, shape }: NetworkArray, from: (i: number) => number): NetworkArray {
  return { values: Int8Array.from(values, (_, i) => values[from(i)]), shape };
}

/** The kernel by 180°. */
export const turned: LayerChange = ({ weights }) => {
  const [height, width, inputs, outputs] = weights.shape;
  const taps = height * width;
  const block = inputs * outputs;
  return {
    weights: reordered(weights, (i) => (taps - 1 - Math.floor(i / block)) * block + (i % block)),
  };
};

/** A dense layer's inputs in the order of the integer graph. */
export const inRows: LayerChange = ({ weights, inputShape: [height, width, channels] }) => {
  const outputs = weights.shape[3];
  return {
    weights: reordered(weights, (i) => {
      const input = Math.floor(i / outputs);
      const [pixel, channel] = [Math.floor(input / channels), input % channels];
      const [row, column] = [Math.floor(pixel / width), pixel % width];
      return ((channel * width + column) * height + row) * outputs + (i % outputs);
    }),
  };
};

function moved(array: NetworkArray | null, by: number): NetworkArray | null {
  return array && { ...array, values: Int32Array.from(array.values, (value) => value + by) };
}

/** Every threshold one higher. */
export const higher: LayerChange = ({ thresholds }) => ({ thresholds: moved(thresholds, 1) });

/** Every step a potential wider. */
export const wider: LayerChange = ({ steps }) => ({ steps: moved(steps, 16) });

/** A border of another value around the image. */
export const bordered: LayerChange = () => ({ paddingValue: 255 });
