import type { Square } from '../frame.ts';

/** The largest square in the middle of an image; an odd remainder leaves one more pixel on the right or at the bottom. */
export function centredSquare(width: number, height: number): Square {
  const side = Math.min(width, height);
  return { x: Math.floor((width - side) / 2), y: Math.floor((height - side) / 2), side };
}

/**
 * Four overlapping squares, two by two, that cover a square (specification §6).
 * @param overlap what neighbours share, as a share of a tile's side, 0…1 (exclusive)
 */
export function tilesOf({ x, y, side }: Square, overlap: number): Square[] {
  // Two tiles that share `overlap` of a side t span (2 − overlap) × t.
  const tile = Math.max(1, Math.min(side, Math.round(side / (2 - overlap))));
  const far = side - tile;
  return [
    { x, y, side: tile },
    { x: x + far, y, side: tile },
    { x, y: y + far, side: tile },
    { x: x + far, y: y + far, side: tile },
  ];
}
