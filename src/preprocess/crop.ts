/** Where to look: the square of the image that a saliency map points to (specification §1.2). */

import type { Square } from '../frame.ts';
import type { Preprocessing } from '../model/bundle/contract.ts';
import type { Field } from './field.ts';
import type { SaliencyMap } from './saliency.ts';

/** The choices behind these are measured in docs/design/preprocessing.md. */
export const DEFAULT_CROP: Preprocessing['crop'] = {
  enabled: false,
  massShare: 0.8,
  minimumSide: 0.9,
  flatness: 0.15,
  centreTolerance: 0.1,
};

/**
 * The salient square of a frame, given the map of its field's square: centred on the map's peak, the smallest that holds
 * `massShare` of the map's mass, never under `minimumSide` of that square's side, moved to lie inside the field. The
 * field's square when the map is flat or its peak lies in the middle.
 */
export function salientSquare(
  map: SaliencyMap,
  { square, bounds }: Pick<Field, 'square' | 'bounds'>,
  { massShare, minimumSide, flatness, centreTolerance }: Preprocessing['crop'],
): Square {
  if (!(coefficientOfVariation(map.values) >= flatness)) return square;
  const surface = smooth(map);
  const peak = peakOf(surface);
  const offCentre = Math.hypot(positionOf(peak.column) - 0.5, positionOf(peak.row) - 0.5);
  if (offCentre <= centreTolerance) return square;

  const share = Math.min(1, Math.max(sideHolding(surface, peak, massShare), minimumSide));
  const side = Math.max(1, Math.round(share * square.side));
  const place = (start: number, position: number, least: number, extent: number) =>
    Math.min(Math.max(Math.round(start + position * square.side - side / 2), least), least + extent - side);
  return {
    x: place(square.x, positionOf(peak.column), bounds.x, bounds.width),
    y: place(square.y, positionOf(peak.row), bounds.y, bounds.height),
    side,
  };
}

/** Standard deviation over mean; NaN for a map without any mass. */
function coefficientOfVariation(values: Float64Array): number {
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  const variance = values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / values.length;
  return Math.sqrt(variance) / mean;
}

/** Points along each side of the surface that a map is spread over. */
export const POINTS = 32;

/** A map spread over POINTS × POINTS points of the centred square, row by row. */
export type Surface = Float64Array;

interface GridPoint {
  readonly row: number;
  readonly column: number;
}

/** Position of a point along the square's side, 0…1. */
function positionOf(index: number): number {
  return (index + 0.5) / POINTS;
}

/**
 * Spreads the map by a cubic B-spline, borders repeated. Bilinear interpolation would have its peak in the middle of a
 * cell always; with four cells along a side no peak could then lie near the centre of the image.
 */
export function smooth({ rows, columns, values }: SaliencyMap): Surface {
  const vertical = splineWeights(rows);
  const horizontal = splineWeights(columns);
  const surface = new Float64Array(POINTS * POINTS);
  for (let y = 0; y < POINTS; y++) {
    for (let x = 0; x < POINTS; x++) {
      let sum = 0;
      for (const [row, rowWeight] of vertical[y]) {
        for (const [column, columnWeight] of horizontal[x]) {
          sum += rowWeight * columnWeight * values[row * columns + column];
        }
      }
      surface[y * POINTS + x] = sum;
    }
  }
  return surface;
}

/** For each point along a side: which cells count there, and how much. */
function splineWeights(cells: number): [cell: number, weight: number][][] {
  return Array.from({ length: POINTS }, (_, point) => {
    const position = positionOf(point) * cells - 0.5;
    const base = Math.floor(position);
    const t = position - base;
    const weights = [(1 - t) ** 3, 3 * t ** 3 - 6 * t ** 2 + 4, -3 * t ** 3 + 3 * t ** 2 + 3 * t + 1, t ** 3];
    return weights.map((weight, i) => [Math.min(Math.max(base - 1 + i, 0), cells - 1), weight / 6]);
  });
}

/** The highest point; the first of equals. */
function peakOf(surface: Surface): GridPoint {
  let highest = 0;
  for (let i = 1; i < surface.length; i++) if (surface[i] > surface[highest]) highest = i;
  return { row: Math.floor(highest / POINTS), column: highest % POINTS };
}

/** Side, as a share of the centred square's, of the smallest square around the peak that holds a share of the mass. */
function sideHolding(surface: Surface, peak: GridPoint, massShare: number): number {
  const massAt = new Float64Array(POINTS);
  surface.forEach((value, i) => {
    const row = Math.floor(i / POINTS);
    const column = i % POINTS;
    massAt[Math.max(Math.abs(row - peak.row), Math.abs(column - peak.column))] += value;
  });
  const wanted = massShare * massAt.reduce((sum, mass) => sum + mass, 0);
  let held = 0;
  for (let distance = 0; distance < POINTS; distance++) {
    held += massAt[distance];
    if (held >= wanted) return (2 * distance + 1) / POINTS;
  }
  return 1;
}
