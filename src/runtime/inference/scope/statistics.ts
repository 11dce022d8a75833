/** Image statistics of what the network reads: how bright, how coloured, how rough it is, at every scale. */
import { pyramidLevels } from '../../../model/bundle/scope-section.ts';

/** One colour channel at one scale: row by row, the sum over the pixels of each cell. */
export interface Level {
  /** Cells along a side. */
  readonly cells: number;
  /** Pixels of a cell. */
  readonly pixels: number;
  readonly sums: Int32Array;
}

/**
 * For the channels R + 2G + B, R − G and B − G each: the mean; at every level of its pyramid the logarithm of 1 + the mean
 * step between neighbouring cells, across and down; on the coarsest level the logarithm of 1 + the standard deviation, the
 * difference between the middle and the border, the logarithm of 1 + the border's own deviation, and of 1 + the farthest
 * that a cell lies from their median.
 * @param input uint8 RGB, side × side
 * @returns `statisticCount(side)` values, each finite
 */
export function imageStatistics(input: Uint8Array, side: number): Float64Array {
  const levels = pyramidLevels(side);
  const statistics = channelsOf(input).flatMap((sums) => {
    let level: Level = { cells: side, pixels: 1, sums };
    const pyramid = [level];
    while (pyramid.length < levels) {
      level = halved(level);
      pyramid.push(level);
    }
    return statisticsOf(pyramid);
  });
  return Float64Array.from(statistics);
}

/** R + 2G + B, R − G and B − G of every pixel. */
function channelsOf(input: Uint8Array): readonly Int32Array[] {
  const pixels = input.length / 3;
  const light = new Int32Array(pixels);
  const redness = new Int32Array(pixels);
  const blueness = new Int32Array(pixels);
  for (let pixel = 0; pixel < pixels; pixel++) {
    const red = input[3 * pixel];
    const green = input[3 * pixel + 1];
    const blue = input[3 * pixel + 2];
    light[pixel] = red + 2 * green + blue;
    redness[pixel] = red - green;
    blueness[pixel] = blue - green;
  }
  return [light, redness, blueness];
}

/** Four cells become one; an odd last row and column are left out. */
function halved({ cells, pixels, sums }: Level): Level {
  const half = cells >> 1;
  const merged = new Int32Array(half * half);
  for (let row = 0; row < half; row++) {
    for (let column = 0; column < half; column++) {
      const at = 2 * (row * cells + column);
      merged[row * half + column] = sums[at] + sums[at + 1] + sums[at + cells] + sums[at + cells + 1];
    }
  }
  return { cells: half, pixels: 4 * pixels, sums: merged };
}

/** @param pyramid of one channel, finest first */
export function statisticsOf(pyramid: readonly Level[]): number[] {
  const coarsest = pyramid[pyramid.length - 1];
  const { cells, pixels, sums } = coarsest;
  const place = (i: number) =>
    Math.min(i % cells, cells - 1 - (i % cells), Math.floor(i / cells), cells - 1 - Math.floor(i / cells));
  const border = sums.filter((_, i) => place(i) === 0);
  const middle = sums.filter((_, i) => place(i) >= cells >> 2);
  const median = sums.toSorted()[sums.length >> 1];
  const farthest = sums.reduce((most, sum) => Math.max(most, Math.abs(sum - median)), 0);
  return [
    meanOf(sums) / pixels,
    ...pyramid.map((level) => Math.log1p(meanStep(level) / level.pixels)),
    Math.log1p(deviationOf(sums) / pixels),
    (meanOf(middle) - meanOf(border)) / pixels,
    Math.log1p(deviationOf(border) / pixels),
    Math.log1p(farthest / pixels),
  ];
}

/** Mean absolute difference of horizontal and of vertical neighbours, added. */
function meanStep({ cells, sums }: Level): number {
  let total = 0;
  for (let row = 0; row < cells; row++) {
    const start = row * cells;
    for (let at = start; at < start + cells - 1; at++) total += Math.abs(sums[at + 1] - sums[at]);
    if (row === cells - 1) break;
    for (let at = start; at < start + cells; at++) total += Math.abs(sums[at + cells] - sums[at]);
  }
  return total / (cells * (cells - 1));
}

function meanOf(values: Int32Array): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

function deviationOf(values: Int32Array): number {
  const mean = meanOf(values);
  return Math.sqrt(values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / values.length);
}
