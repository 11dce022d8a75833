/** Views as numbers for the native renderer; native/tfjs-torch/data/views/view.h has the same order. */
import { UsageError } from '../../../errors.ts';
import { type Drawing, MAXIMUM_DRAWINGS, type View } from './view.ts';

/** Of a packed view. */
export const VIEW_NUMBERS = 36;
/** Of a packed segment: both ends, width. */
export const SEGMENT_NUMBERS = 5;

export interface PackedViews {
  /** `VIEW_NUMBERS` per view. */
  readonly numbers: Float64Array;
  /** `SEGMENT_NUMBERS` per segment, those of a drawing one after the other. */
  readonly segments: Float64Array;
}

/** @throws UsageError `VIEW` on more drawings than a view may have */
export function packViews(views: readonly View[]): PackedViews {
  const segments: number[] = [];
  const numbers = views.flatMap((view) => [
    ...plainNumbers(view),
    ...drawingNumbers(view.drawings, segments),
  ]);
  return { numbers: Float64Array.from(numbers), segments: Float64Array.from(segments) };
}

function plainNumbers({ transform, gains, factor, gamma, contrast, ...view }: View): number[] {
  const { xu, xv, x, yu, yv, y } = transform;
  const { left, top, right, bottom } = view.erased ?? { left: 0, top: 0, right: 0, bottom: 0 };
  const { sigma, seed } = view.noise ?? { sigma: 0, seed: 0 };
  const { centre, radius, softness } = view.field ?? { centre: { u: 0, v: 0 }, radius: 0, softness: 0 };
  return [
    ...[xu, xv, x, yu, yv, y, ...gains, factor, gamma, contrast, left, top, right, bottom],
    ...[sigma, seed, view.jpeg ?? 0, view.blur, centre.u, centre.v, radius, softness],
  ];
}

/** Appends the segments and says where they lie. */
function drawingNumbers(drawings: readonly Drawing[], segments: number[]): number[] {
  if (drawings.length > MAXIMUM_DRAWINGS) {
    throw new UsageError('VIEW', 'A view has too many drawings', {
      expected: `${MAXIMUM_DRAWINGS} at most`,
      received: `${drawings.length}`,
    });
  }
  return Array.from({ length: MAXIMUM_DRAWINGS }, (_, i) => {
    if (i >= drawings.length) return [0, 0, 0, 0, 0, 0];
    const { colour, opacity, segments: own } = drawings[i];
    const first = segments.length / SEGMENT_NUMBERS;
    for (const { from, to, width } of own) segments.push(from.u, from.v, to.u, to.v, width);
    return [first, own.length, ...colour, opacity];
  }).flat();
}
