/** A circle through points that mostly lie on one. */

export interface Point {
  readonly x: number;
  readonly y: number;
}

/** Centre and radius, in the units of the points. */
export interface Circle extends Point {
  readonly radius: number;
}

const ROUNDS = 4;

/** Distance of a point from a circle's line. */
export function distanceFrom({ x, y, radius }: Circle, point: Point): number {
  return Math.abs(Math.hypot(point.x - x, point.y - y) - radius);
}

/**
 * The circle of least squares (Kåsa 1976: in x² + y², which makes it linear), fitted again without the points that lie
 * farther from it than twice the median does, so that hairs and captions across the line do not pull it.
 * @param grain distance at which a point always counts as lying on the line
 * @returns null where the points lie on a straight line
 */
export function fitCircle(points: readonly Point[], grain: number): Circle | null {
  let kept = points;
  let circle = leastSquares(kept);
  for (let round = 1; round < ROUNDS && circle !== null; round++) {
    const { x, y, radius } = circle;
    const distances = points.map((point) => distanceFrom({ x, y, radius }, point));
    const median = distances.toSorted((a, b) => a - b)[distances.length >> 1];
    kept = points.filter((_, i) => distances[i] <= Math.max(grain, 2 * median));
    circle = leastSquares(kept);
  }
  return circle;
}

function leastSquares(points: readonly Point[]): Circle | null {
  const mean = (of: (point: Point) => number) =>
    points.reduce((sum, point) => sum + of(point), 0) / points.length;
  const centre = { x: mean(({ x }) => x), y: mean(({ y }) => y) };
  const moment = (of: (dx: number, dy: number) => number) =>
    mean(({ x, y }) => of(x - centre.x, y - centre.y));
  const xx = moment((x) => x * x);
  const xy = moment((x, y) => x * y);
  const yy = moment((_, y) => y * y);
  const determinant = xx * yy - xy * xy;
  if (!(determinant > 1e-6 * (xx + yy) ** 2)) return null;
  const towardsX = moment((x, y) => x * (x * x + y * y)) / 2;
  const towardsY = moment((x, y) => y * (x * x + y * y)) / 2;
  const x = (towardsX * yy - towardsY * xy) / determinant;
  const y = (towardsY * xx - towardsX * xy) / determinant;
  return { x: centre.x + x, y: centre.y + y, radius: Math.sqrt(x * x + y * y + xx + yy) };
}
