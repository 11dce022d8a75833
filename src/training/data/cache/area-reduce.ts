import type { RgbFrame } from '../../../frame.ts';

/**
 * Area resampling of a whole frame, along rows and then along columns: every output value is the mean of what it covers,
 * rounded once.
 * @param width at most the frame's; likewise `height`
 */
export function areaReduce(frame: RgbFrame, width: number, height: number): RgbFrame {
  const across = new Float64Array(frame.height * width * 3);
  const columns = coversOf(frame.width, width);
  for (let row = 0; row < frame.height; row++) {
    for (const { source, target, share } of columns) {
      const from = 3 * (row * frame.width + source);
      const to = 3 * (row * width + target);
      for (let c = 0; c < 3; c++) across[to + c] += share * frame.rgb[from + c];
    }
  }
  const sums = new Float64Array(height * width * 3);
  for (const { source, target, share } of coversOf(frame.height, height)) {
    const from = source * width * 3;
    const to = target * width * 3;
    for (let i = 0; i < width * 3; i++) sums[to + i] += share * across[from + i];
  }
  return { rgb: Uint8Array.from(sums, Math.round), width, height };
}

interface Cover {
  readonly source: number;
  readonly target: number;
  /** Of the target pixel. */
  readonly share: number;
}

function coversOf(sources: number, targets: number): Cover[] {
  const covers: Cover[] = [];
  const scale = sources / targets;
  for (let target = 0; target < targets; target++) {
    const [start, end] = [target * scale, (target + 1) * scale];
    for (let source = Math.floor(start); source < end && source < sources; source++) {
      covers.push({ source, target, share: (Math.min(end, source + 1) - Math.max(start, source)) / scale });
    }
  }
  return covers;
}
