/**
 * A seed for each part of a training, from the training's own: unlike parts get unrelated seeds, and any step's can be
 * had without those before it.
 * @returns an unsigned 32-bit integer
 */
export function seedOf(seed: number, ...part: readonly number[]): number {
  return part.reduce((state, number) => mixed(mixed(state) ^ (number >>> 0)), seed >>> 0);
}

/** Murmur3's finaliser, moved off its fixed point 0. */
function mixed(value: number): number {
  let x = (value + 0x9e3779b9) >>> 0;
  x = Math.imul(x ^ (x >>> 16), 0x85ebca6b);
  x = Math.imul(x ^ (x >>> 13), 0xc2b2ae35);
  return (x ^ (x >>> 16)) >>> 0;
}
