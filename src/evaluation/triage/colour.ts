/** CIELAB of 8-bit sRGB under D65 (IEC 61966-2-1, CIE 15). */

export interface Lab {
  /** Lightness, 0…100. */
  readonly l: number;
  /** Green below 0, red above. */
  readonly a: number;
  /** Blue below 0, yellow above. */
  readonly b: number;
}

const LINEAR = Float64Array.from({ length: 256 }, (_, value) => {
  const share = value / 255;
  return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
});

/** Rows of the matrix from linear sRGB to XYZ, each divided by the white's value, so that white has 1, 1, 1. */
const TO_XYZ = [
  [0.4124564, 0.3575761, 0.1804375],
  [0.2126729, 0.7151522, 0.072175],
  [0.0193339, 0.119192, 0.9503041],
].map((row) => {
  const white = row.reduce((sum, value) => sum + value, 0);
  return row.map((value) => value / white);
});

/** @param red 0…255, as the others */
export function labOf(red: number, green: number, blue: number): Lab {
  const linear = [LINEAR[red], LINEAR[green], LINEAR[blue]];
  const [x, y, z] = TO_XYZ.map((row) =>
    compressed(row[0] * linear[0] + row[1] * linear[1] + row[2] * linear[2]),
  );
  return { l: 116 * y - 16, a: 500 * (x - y), b: 200 * (y - z) };
}

function compressed(t: number): number {
  return t > (6 / 29) ** 3 ? Math.cbrt(t) : t / (3 * (6 / 29) ** 2) + 4 / 29;
}
