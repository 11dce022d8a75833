import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { centredSquare, tilesOf } from '../../src/preprocess/square.ts';

const size = fc.integer({ min: 1, max: 5000 });

describe('the centred square', () => {
  it('is as large as the image allows and in its middle to within a pixel', () => {
    fc.assert(
      fc.property(size, size, (width, height) => {
        const { x, y, side } = centredSquare(width, height);
        expect(side).toBe(Math.min(width, height));
        expect([0, 1]).toContain(width - side - 2 * x);
        expect([0, 1]).toContain(height - side - 2 * y);
      }),
    );
  });
});

describe('tiles', () => {
  it('are four equal squares in the corners that overlap as asked and leave no gap', () => {
    fc.assert(
      fc.property(size, fc.double({ min: 0, max: 0.9, noNaN: true }), (side, overlap) => {
        const square = { x: 7, y: 11, side };
        const tiles = tilesOf(square, overlap);
        const tile = tiles[0].side;
        const far = side - tile;
        expect(tiles).toEqual([
          { x: 7, y: 11, side: tile },
          { x: 7 + far, y: 11, side: tile },
          { x: 7, y: 11 + far, side: tile },
          { x: 7 + far, y: 11 + far, side: tile },
        ]);
        expect(far).toBeLessThanOrEqual(tile);
        // Rounding the side moves both edges of the overlap by half a pixel at most each.
        expect(Math.abs(tile - far - overlap * tile)).toBeLessThanOrEqual(1);
      }),
    );
  });

  it('of 450 pixels with 20 % overlap are 250 pixels wide and share 50', () => {
    expect(tilesOf({ x: 75, y: 0, side: 450 }, 0.2).map(({ x, y, side }) => [x, y, side])).toEqual([
      [75, 0, 250],
      [275, 0, 250],
      [75, 200, 250],
      [275, 200, 250],
    ]);
  });
});
