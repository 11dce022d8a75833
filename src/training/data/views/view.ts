import type { Triple } from '../../../colour.ts';

/**
 * What one augmented view shows, the same at every size. The point (u, v) of the output, both in [−½, ½], shows the
 * frame's point centre + side × (xu·u + xv·v + x, yu·u + yv·v + y); centre and side are the centred square's.
 */
export interface View {
  readonly transform: Transform;
  /** Factors on red, green, blue. */
  readonly gains: readonly [number, number, number];
  /** With l = L* over 100: l becomes factor × l^gamma, then mean + contrast × (l − mean). */
  readonly factor: number;
  readonly gamma: number;
  readonly contrast: number;
  /** Rectangle filled with the view's mean colour, shares of the output's side; null for none. */
  readonly erased: Rectangle | null;
  /** On each number of the frame, before all else; null for none. */
  readonly noise: Noise | null;
  /** Quality (1…100) of a JPEG through which the noisy frame has gone; null for none. */
  readonly jpeg: number | null;
  /** What lies on the skin, before gains and lightness; `MAXIMUM_DRAWINGS` at most. */
  readonly drawings: readonly Drawing[];
  /** Black around it; null for none. */
  readonly field: Field | null;
  /** Standard deviation of the Gaussian blur after all else but erasing, as a share of the output's side. */
  readonly blur: number;
}

export interface Noise {
  /** Standard deviation as a share of white. */
  readonly sigma: number;
  /** Unsigned 32-bit integer. */
  readonly seed: number;
}

/** Lines of one colour. Where they cross they cover no more than one of them. */
export interface Drawing {
  /** sRGB in [0, 1]. */
  readonly colour: Triple;
  /** Share of the skin's light that a line holds back, 0…1. */
  readonly opacity: number;
  readonly segments: readonly Segment[];
}

/** A straight line with round ends, in shares of the output's side from its centre. */
export interface Segment {
  readonly from: Point;
  readonly to: Point;
  readonly width: number;
}

export interface Point {
  readonly u: number;
  readonly v: number;
}

/** A disc in shares of the output's side from its centre; its edge is a ramp of the width `softness`. */
export interface Field {
  readonly centre: Point;
  readonly radius: number;
  readonly softness: number;
}

export const MAXIMUM_DRAWINGS = 2;

export interface Transform {
  readonly xu: number;
  readonly xv: number;
  readonly x: number;
  readonly yu: number;
  readonly yv: number;
  readonly y: number;
}

export interface Rectangle {
  readonly left: number;
  readonly top: number;
  readonly right: number;
  readonly bottom: number;
}

export const IDENTITY: View = {
  transform: { xu: 1, xv: 0, x: 0, yu: 0, yv: 1, y: 0 },
  gains: [1, 1, 1],
  factor: 1,
  gamma: 1,
  contrast: 1,
  erased: null,
  noise: null,
  jpeg: null,
  drawings: [],
  field: null,
  blur: 0,
};
