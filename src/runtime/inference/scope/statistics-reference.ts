/** The pyramid of `imageStatistics` by its definition: every cell summed from its own pixels. */
import { pyramidLevels } from '../../../model/bundle/scope-section.ts';
import { type Level, statisticsOf } from './statistics.ts';

const CHANNELS: readonly ((red: number, green: number, blue: number) => number)[] = [
  (red, green, blue) => red + 2 * green + blue,
  (red, green) => red - green,
  (_, green, blue) => blue - green,
];

export function imageStatisticsReference(input: Uint8Array, side: number): Float64Array {
  const statistics = CHANNELS.flatMap((channel) => {
    const pyramid = Array.from({ length: pyramidLevels(side) }, (_, scale): Level => {
      const [size, cells] = [2 ** scale, Math.floor(side / 2 ** scale)];
      const sums = Int32Array.from({ length: cells * cells }, (_, cell) => {
        let sum = 0;
        for (let y = 0; y < size; y++) {
          for (let x = 0; x < size; x++) {
            const pixel = (Math.floor(cell / cells) * size + y) * side + (cell % cells) * size + x;
            sum += channel(input[3 * pixel], input[3 * pixel + 1], input[3 * pixel + 2]);
          }
        }
        return sum;
      });
      return { cells, pixels: size * size, sums };
    });
    return statisticsOf(pyramid);
  });
  return Float64Array.from(statistics);
}
