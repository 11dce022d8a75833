/** How many bits a layer really uses, whatever its storage. */
import type { Clamp, Quantisation } from './graph.ts';

/** Bits of a signed weight that hold every one of these. */
export function weightBits(weights: Int8Array): number {
  let [least, most] = [0, 0];
  for (const weight of weights) {
    least = Math.min(least, weight);
    most = Math.max(most, weight);
  }
  let bits = 1;
  while (least < -(2 ** (bits - 1)) || most > 2 ** (bits - 1) - 1) bits++;
  return bits;
}

/** Bits of a sign and a magnitude that hold every one of these: −8 needs five, where two's complement has four. */
export function signMagnitudeBits(weights: Int8Array): number {
  return 1 + valueBits(weights.reduce((most, weight) => Math.max(most, Math.abs(weight)), 0));
}

/** Bits that hold every quantised value up to this one. */
export function valueBits(maximum: number): number {
  return Math.max(1, Math.ceil(Math.log2(maximum + 1)));
}

/** Bits of an unsigned activation from real zero up to the clamp. */
export function activationBits({ maximum }: Clamp, { zeroPoint }: Quantisation): number {
  return valueBits(Math.max(1, maximum - zeroPoint));
}
