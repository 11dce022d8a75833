/** The order in which an observed tensor's values lie: as the graph has them, or as another runtime hands them out. */
import type { Shape } from '../../model/graph.ts';

/** All channels of a pixel together, or all pixels of a channel. */
export type Order = 'pixels' | 'planes';

/** Pixels that are moved at a time: what is written of them stays in the cache. */
const TILE = 16;

/** The values in the graph's own order, height × width × channels; the same array where nothing is to be moved. */
export function pixelByPixel(
  values: Float32Array,
  order: Order,
  [height, width, channels]: Shape,
): Float32Array {
  const pixels = height * width;
  if (order === 'pixels' || pixels === 1 || channels === 1) return values;
  const result = new Float32Array(values.length);
  for (let start = 0; start < pixels; start += TILE) {
    const end = Math.min(start + TILE, pixels);
    for (let c = 0; c < channels; c++)
      for (let p = start; p < end; p++) result[p * channels + c] = values[c * pixels + p];
  }
  return result;
}
