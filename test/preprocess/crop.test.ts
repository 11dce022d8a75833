import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { DEFAULT_CROP, salientSquare } from '../../src/preprocess/crop.ts';
import type { Field } from '../../src/preprocess/field.ts';
import type { SaliencyMap } from '../../src/preprocess/saliency.ts';
import { centredSquare } from '../../src/preprocess/square.ts';

const SPECIFICATION = { ...DEFAULT_CROP, massShare: 0.8, minimumSide: 0.5 };

function mapOf(rows: readonly (readonly number[])[]): SaliencyMap {
  return { rows: rows.length, columns: rows[0].length, values: Float64Array.from(rows.flat()) };
}

const spot = (row: number, column: number): SaliencyMap =>
  mapOf(
    Array.from({ length: 4 }, (_, y) =>
      Array.from({ length: 4 }, (_, x) => (y === row && x === column ? 9 : 0)),
    ),
  );

/** The field of a frame without a surround. */
function whole(width: number, height: number): Pick<Field, 'square' | 'bounds'> {
  return { square: centredSquare(width, height), bounds: { x: 0, y: 0, width, height } };
}

describe('the salient square', () => {
  const maps = fc
    .tuple(fc.integer({ min: 1, max: 8 }), fc.integer({ min: 1, max: 8 }), fc.infiniteStream(fc.nat(1e6)))
    .map(([rows, columns, values]) => ({
      rows,
      columns,
      values: Float64Array.from({ length: rows * columns }, () => values.next().value ?? 0),
    }));
  const choices = fc.record({
    enabled: fc.constant(true),
    massShare: fc.double({ min: 0, max: 1, noNaN: true }),
    minimumSide: fc.double({ min: 0, max: 1, noNaN: true }),
    flatness: fc.double({ min: 0, max: 1, noNaN: true }),
    centreTolerance: fc.double({ min: 0, max: 1, noNaN: true }),
  });

  it('lies inside the image in whole pixels, whatever the map, and is no smaller than allowed', () => {
    fc.assert(
      fc.property(
        maps,
        fc.integer({ min: 1, max: 3000 }),
        fc.integer({ min: 1, max: 3000 }),
        choices,
        (map, width, height, choice) => {
          const { x, y, side } = salientSquare(map, whole(width, height), choice);
          for (const value of [x, y, side]) expect(Number.isInteger(value)).toBe(true);
          expect(x).toBeGreaterThanOrEqual(0);
          expect(y).toBeGreaterThanOrEqual(0);
          expect(side).toBeGreaterThanOrEqual(1);
          expect(x + side).toBeLessThanOrEqual(width);
          expect(y + side).toBeLessThanOrEqual(height);
          expect(side + 0.5).toBeGreaterThanOrEqual(choice.minimumSide * Math.min(width, height));
        },
      ),
    );
  });

  it.each([
    [
      'a map without mass',
      mapOf([
        [0, 0],
        [0, 0],
      ]),
    ],
    [
      'an even map',
      mapOf([
        [5, 5],
        [5, 5],
      ]),
    ],
    [
      'a nearly even map',
      mapOf([
        [10, 11],
        [10, 11],
      ]),
    ],
    [
      'a peak between the four middle cells',
      mapOf([
        [0, 0, 0, 0],
        [0, 9, 9, 0],
        [0, 9, 9, 0],
        [0, 0, 0, 0],
      ]),
    ],
  ])('is the centred square for %s', (_, map) => {
    expect(salientSquare(map, whole(600, 450), SPECIFICATION)).toEqual(centredSquare(600, 450));
  });

  it('follows the peak to a corner and is moved inside the image', () => {
    const { x, y, side } = salientSquare(spot(0, 0), whole(600, 450), SPECIFICATION);
    expect(y).toBe(0);
    expect(side).toBeLessThan(450);
    expect(x).toBeLessThan(75);
    expect(salientSquare(spot(3, 3), whole(600, 450), SPECIFICATION)).toEqual({
      x: 600 - x - side,
      y: 450 - side,
      side,
    });
  });

  it('turns with the map', () => {
    fc.assert(
      fc.property(fc.nat(3), fc.nat(3), (row, column) => {
        const square = salientSquare(spot(row, column), whole(400, 400), SPECIFICATION);
        const turned = salientSquare(spot(column, row), whole(400, 400), SPECIFICATION);
        expect(turned).toEqual({ x: square.y, y: square.x, side: square.side });
      }),
    );
  });

  it('grows with the share of the mass it must hold', () => {
    const map = mapOf([
      [9, 1, 1, 1],
      [1, 1, 1, 1],
      [1, 1, 1, 1],
      [1, 1, 1, 6],
    ]);
    const sides = [0.1, 0.5, 0.8, 0.95, 1].map(
      (massShare) =>
        salientSquare(map, whole(500, 500), { ...SPECIFICATION, massShare, minimumSide: 0.1 }).side,
    );
    expect(sides).toEqual(sides.toSorted((a, b) => a - b));
    expect(sides.at(-1)).toBe(500);
    expect(sides[0]).toBeLessThan(250);
  });

  it('does not change when all saliency is multiplied', () => {
    fc.assert(
      fc.property(maps, fc.integer({ min: 1, max: 16 }), (map, power) => {
        const larger = { ...map, values: map.values.map((value) => value * 2 ** power) };
        expect(salientSquare(larger, whole(640, 480), SPECIFICATION)).toEqual(
          salientSquare(map, whole(640, 480), SPECIFICATION),
        );
      }),
    );
  });
});
