import type { RgbFrame } from '../../../frame.ts';
import { fieldOf, inputOf } from '../../../preprocess/field.ts';
import { areaReduce } from './area-reduce.ts';

/** What is kept of an image. */
export type Geometry =
  /** Exactly what the device makes of it: the field's square, area-resampled. */
  | { readonly kind: 'square'; readonly side: number }
  /** The whole frame, area-reduced to a short side unless it is that small; null keeps every size. */
  | { readonly kind: 'frame'; readonly shortSide: number | null };

export function nameOf(geometry: Geometry): string {
  return geometry.kind === 'square' ? `square${geometry.side}` : `frame${geometry.shortSide ?? 'whole'}`;
}

export function shaped(frame: RgbFrame, geometry: Geometry): RgbFrame {
  const shortSide = Math.min(frame.width, frame.height);
  if (geometry.kind === 'square') {
    const { side } = geometry;
    const field = fieldOf(frame);
    return {
      rgb: inputOf(frame, field, field.square, side),
      width: side,
      height: side,
    };
  }
  if (geometry.shortSide === null || shortSide <= geometry.shortSide) return frame;
  const scale = geometry.shortSide / shortSide;
  return areaReduce(frame, Math.round(frame.width * scale), Math.round(frame.height * scale));
}
