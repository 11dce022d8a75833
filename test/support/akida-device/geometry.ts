/**
 * What the registers of a neural processor say of the layer that it computes. Nowhere documented; read off programs that
 * differed in one thing each: a side, a stride, a pool, a number of filters or of bits.
 */

/** Of a layer; sizes in places of a map. */
export interface LayerGeometry {
  readonly inputHeight: number;
  readonly inputWidth: number;
  readonly inputBits: number;
  /** Side of the kernel. */
  readonly kernel: number;
  readonly stride: number;
  /** Side of the max pool, which is its stride too; 1 without one. */
  readonly pool: number;
  readonly outputHeight: number;
  readonly outputWidth: number;
  readonly outputBits: number;
}

/** Registers by their place. */
const BITS = 3;
const INPUT_SIZE = 8;
const KERNEL = 20;
const OUTPUT_SIZE = 25;
const OUTPUTS = 26;
const POOL = 27;

const low = (word: number) => word & 0xffff;
const high = (word: number) => word >>> 16;
/** Numbers of bits stand as 8 more than their logarithm. */
const bitsOf = (code: number) => 2 ** ((code & 0xf) - 8);

export function geometryOf(registers: Uint32Array): LayerGeometry {
  return {
    inputHeight: high(registers[INPUT_SIZE]),
    inputWidth: low(registers[INPUT_SIZE]),
    inputBits: bitsOf(registers[BITS]),
    kernel: registers[KERNEL] >>> 28,
    stride: ((registers[KERNEL] >>> 8) & 0xf) + 1,
    pool: registers[POOL] & 0xf,
    outputHeight: high(registers[OUTPUT_SIZE]),
    outputWidth: low(registers[OUTPUT_SIZE]),
    outputBits: bitsOf(registers[BITS] >>> 12),
  };
}

/** The outputs of the layer that a processor computes: the first of them, and how many. */
export function outputsOf(registers: Uint32Array): { readonly first: number; readonly count: number } {
  return { first: low(registers[OUTPUTS]), count: high(registers[OUTPUTS]) };
}

/** Fields in which two differ. */
export function differingFields(found: LayerGeometry, expected: LayerGeometry): number {
  const fields = Object.keys(expected) as (keyof LayerGeometry)[];
  return fields.filter((field) => found[field] !== expected[field]).length;
}
