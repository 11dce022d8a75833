/** sRGB and CIELAB (D65), by their definitions in double precision: IEC 61966-2-1, CIE 15:2018 §8.2.1. */

export type Triple = readonly [number, number, number];

/** Linear sRGB to XYZ: rows X, Y, Z, from the standard's primaries and white. */
const TO_XYZ: readonly Triple[] = [
  [0.4123907993, 0.3575843394, 0.1804807884],
  [0.2126390059, 0.7151686788, 0.0721923154],
  [0.0193308187, 0.1191947798, 0.9505321522],
];
const FROM_XYZ: readonly Triple[] = [
  [3.2409699419, -1.5373831776, -0.4986107603],
  [-0.9692436363, 1.8759675015, 0.0415550574],
  [0.0556300797, -0.2039769589, 1.0569715142],
];
/** Of full red, green and blue, so that greys have no colour. */
const [WHITE_X, WHITE_Y, WHITE_Z] = TO_XYZ.map((row) => row[0] + row[1] + row[2]);
const WHITE: Triple = [WHITE_X, WHITE_Y, WHITE_Z];

const KNEE = 6 / 29;

function f(t: number): number {
  return t > KNEE ** 3 ? Math.cbrt(t) : t / (3 * KNEE ** 2) + 4 / 29;
}

function inverseF(t: number): number {
  return t > KNEE ? t ** 3 : 3 * KNEE ** 2 * (t - 4 / 29);
}

/** sRGB, 0…1, to linear light. */
export function toLinear(value: number): number {
  return value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4;
}

/** Linear light, 0…1, to sRGB. */
export function toEncoded(value: number): number {
  return value <= 0.0031308 ? 12.92 * value : 1.055 * value ** (1 / 2.4) - 0.055;
}

function multiply(matrix: readonly Triple[], [a, b, c]: Triple): Triple {
  const [x, y, z] = matrix.map((row) => row[0] * a + row[1] * b + row[2] * c);
  return [x, y, z];
}

/** Linear sRGB, within the gamut or not, of XYZ in which D65 white has Y = 1. */
export function linearOf(xyz: Triple): Triple {
  return multiply(FROM_XYZ, xyz);
}

/** @param rgb sRGB in [0, 1] */
export function labOf([red, green, blue]: Triple): Triple {
  const [x, y, z] = multiply(TO_XYZ, [toLinear(red), toLinear(green), toLinear(blue)]);
  const [fx, fy, fz] = [f(x / WHITE[0]), f(y / WHITE[1]), f(z / WHITE[2])];
  return [116 * fy - 16, 500 * (fx - fy), 200 * (fy - fz)];
}

/** sRGB of a colour, cut to [0, 1] in linear light where it lies outside the gamut. */
export function rgbOf([lightness, a, b]: Triple): Triple {
  const fy = (lightness + 16) / 116;
  const xyz: Triple = [
    WHITE[0] * inverseF(fy + a / 500),
    WHITE[1] * inverseF(fy),
    WHITE[2] * inverseF(fy - b / 200),
  ];
  const [red, green, blue] = linearOf(xyz).map((value) => Math.min(1, Math.max(0, value)));
  return [toEncoded(red), toEncoded(green), toEncoded(blue)];
}
