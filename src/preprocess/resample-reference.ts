import type { RgbFrame, Square } from '../frame.ts';

/**
 * Area resampling by its definition, in integers. Along each axis a source pixel is `size` units long and an output
 * pixel `side` units, so that both rows of pixels span side × size units; an output value is the mean of what its
 * pixel covers, half rounded up:
 *
 *   sum = Σ overlap_x × overlap_y × value        (the overlaps add up to `side` along each axis)
 *   output = floor((2 × sum + side²) / (2 × side²))
 *
 * The judge of the native resampler. Enlarges as well.
 * @param square must lie inside the frame
 * @returns uint8 RGB, size × size × 3
 */
export function areaResampleReference(
  { rgb, width }: RgbFrame,
  { x, y, side }: Square,
  size: number,
): Uint8Array {
  const overlaps = overlapsOf(side, size);
  const sums = new Float64Array(size * size * 3);
  for (const vertical of overlaps) {
    const row = ((y + vertical.source) * width + x) * 3;
    for (const horizontal of overlaps) {
      const area = vertical.length * horizontal.length;
      const from = row + horizontal.source * 3;
      const to = (vertical.target * size + horizontal.target) * 3;
      for (let channel = 0; channel < 3; channel++) sums[to + channel] += area * rgb[from + channel];
    }
  }
  return Uint8Array.from(sums, (sum) => Math.floor((2 * sum + side * side) / (2 * side * side)));
}

interface Overlap {
  readonly source: number;
  readonly target: number;
  /** Units of the axis that both pixels cover. */
  readonly length: number;
}

/** Every overlap of a source pixel with an output pixel along one axis. */
function overlapsOf(side: number, size: number): Overlap[] {
  const overlaps: Overlap[] = [];
  for (let source = 0, target = 0; source < side && target < size; ) {
    const sourceEnd = (source + 1) * size;
    const targetEnd = (target + 1) * side;
    const length = Math.min(sourceEnd, targetEnd) - Math.max(source * size, target * side);
    overlaps.push({ source, target, length });
    if (sourceEnd <= targetEnd) source++;
    if (targetEnd <= sourceEnd) target++;
  }
  return overlaps;
}
