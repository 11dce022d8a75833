import type { Triple } from '../../../colour.ts';
import type { Drawing, Segment } from './view.ts';

/** Drawings over the pixels of a square, row by row. */
export function withDrawings(
  colours: readonly Triple[],
  drawings: readonly Drawing[],
  size: number,
): readonly Triple[] {
  return drawings.reduce<readonly Triple[]>(
    (drawn, { colour, opacity, segments }) =>
      drawn.map((own, at) => {
        const covered = segments.map((segment) => coverage(segment, at % size, Math.floor(at / size), size));
        const share = opacity * covered.reduce((most, value) => Math.max(most, value), 0);
        return blended(own, colour, share);
      }),
    colours,
  );
}

function blended([r, g, b]: Triple, [toR, toG, toB]: Triple, share: number): Triple {
  return [r + (toR - r) * share, g + (toG - g) * share, b + (toB - b) * share];
}

/** Share of a pixel that lies in a line, as if the line passed it squarely: lines thinner than a pixel cover less of it. */
function coverage({ from, to, width }: Segment, column: number, row: number, size: number): number {
  const x = column + 0.5 - (0.5 + from.u) * size;
  const y = row + 0.5 - (0.5 + from.v) * size;
  const [dx, dy] = [(to.u - from.u) * size, (to.v - from.v) * size];
  const along = Math.min(1, Math.max(0, (x * dx + y * dy) / Math.max(1e-12, dx * dx + dy * dy)));
  const distance = Math.hypot(x - along * dx, y - along * dy);
  const half = (width * size) / 2;
  return Math.max(0, Math.min(half, distance + 0.5) - Math.max(-half, distance - 0.5));
}
