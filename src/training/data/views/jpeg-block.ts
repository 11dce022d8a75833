/**
 * One 8×8 block: cosine transform, quantisation, and back. The transforms are those of Loeffler, Ligtenberg and Moschytz
 * (ICASSP 1989) in 13-bit fixed point, as libjpeg's `islow`.
 */

/** Constants of the rotations times 2^13. */
const [F0298, F0390, F0541, F0765, F0899, F1175] = [2446, 3196, 4433, 6270, 7373, 9633];
const [F1501, F1847, F1961, F2053, F2562, F3072] = [12_299, 15_137, 16_069, 16_819, 20_995, 25_172];
const BITS = 13;
/** Kept between the two passes. */
const EXTRA = 2;

const descale = (value: number, bits: number) => (value + (1 << (bits - 1))) >> bits;

/** @param block 64 values of 0…255, replaced; @param steps of quantisation */
export function throughQuantisation(block: Int32Array, steps: readonly number[]): void {
  for (let i = 0; i < 64; i++) block[i] -= 128;
  for (let line = 0; line < 8; line++) forward(block, 8 * line, 1, -EXTRA, BITS - EXTRA);
  for (let line = 0; line < 8; line++) forward(block, line, 8, EXTRA, BITS + EXTRA);
  // The transform's values are eight times the coefficients.
  for (let i = 0; i < 64; i++) {
    const size = Math.floor((Math.abs(block[i]) + 4 * steps[i]) / (8 * steps[i]));
    block[i] = (block[i] < 0 ? -size : size) * steps[i];
  }
  for (let line = 0; line < 8; line++) inverse(block, line, 8, BITS - EXTRA);
  for (let line = 0; line < 8; line++) inverse(block, 8 * line, 1, BITS + EXTRA + 3);
  for (let i = 0; i < 64; i++) block[i] = Math.min(255, Math.max(0, block[i] + 128));
}

/** @param evenBits by which the sums without constants are scaled down (below 0: up); @param bits the others */
function forward(d: Int32Array, start: number, stride: number, evenBits: number, bits: number): void {
  const value = (i: number) => d[start + i * stride];
  const sum = (i: number) => value(i) + value(7 - i);
  const difference = (i: number) => value(i) - value(7 - i);
  const scaled = (x: number) => (evenBits < 0 ? x << -evenBits : descale(x, evenBits));

  const [outer, inner] = [sum(0) + sum(3), sum(1) + sum(2)];
  const [outerTurn, innerTurn] = [sum(0) - sum(3), sum(1) - sum(2)];
  const even = (innerTurn + outerTurn) * F0541;
  const [o0, o1, o2, o3] = oddForward(difference(3), difference(2), difference(1), difference(0));
  const results = [
    ...[scaled(outer + inner), descale(o3, bits), descale(even + outerTurn * F0765, bits), descale(o2, bits)],
    ...[scaled(outer - inner), descale(o1, bits), descale(even - innerTurn * F1847, bits), descale(o0, bits)],
  ];
  for (let i = 0; i < 8; i++) d[start + i * stride] = results[i];
}

/** Coefficients 7, 5, 3, 1 of the differences of values 3|4, 2|5, 1|6, 0|7; its own inverse but for their scale. */
function oddForward(a: number, b: number, c: number, d: number): [number, number, number, number] {
  const turn = (a + c + b + d) * F1175;
  const [ac, bd] = [turn - (a + c) * F1961, turn - (b + d) * F0390];
  const [ad, bc] = [-(a + d) * F0899, -(b + c) * F2562];
  return [a * F0298 + ad + ac, b * F2053 + bc + bd, c * F3072 + bc + ac, d * F1501 + ad + bd];
}

function inverse(d: Int32Array, start: number, stride: number, bits: number): void {
  const value = (i: number) => d[start + i * stride];
  const turn = (value(2) + value(6)) * F0541;
  const [low, high] = [turn - value(6) * F1847, turn + value(2) * F0765];
  const [sum, difference] = [(value(0) + value(4)) << BITS, (value(0) - value(4)) << BITS];
  const even = [sum + high, difference + low, difference - low, sum - high];
  const odd = oddForward(value(7), value(5), value(3), value(1)).reverse();
  for (let i = 0; i < 4; i++) {
    d[start + i * stride] = descale(even[i] + odd[i], bits);
    d[start + (7 - i) * stride] = descale(even[i] - odd[i], bits);
  }
}
