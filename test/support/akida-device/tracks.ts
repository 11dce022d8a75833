/**
 * What a card is configured with, read back from the tracks of its program: blocks of a header of two words and data
 * (src/dma_config_format.h of the engine). How weights and thresholds lie in the blocks is nowhere documented; it was read
 * off programs of networks with known weights, and holds for 4-bit 3×3 convolutions and the layer that reads the image.
 */

import { differingFields, geometryOf, type LayerGeometry, outputsOf } from './geometry.ts';

export interface Block {
  readonly column: number;
  readonly row: number;
  /** A bit for each neural processor of the node that it is for. */
  readonly processors: number;
  /** Whether it is for the unit that reads the image. */
  readonly isImageUnit: boolean;
  readonly memory: number;
  readonly start: number;
  readonly words: Uint32Array;
}

/** Memories of a neural processor, and of the image unit. */
const WEIGHTS = 0;
const THRESHOLDS = 4;
const REGISTERS = 8;

/** @throws RangeError when the blocks do not cover the track exactly */
export function blocksOf(track: Uint32Array): Block[] {
  const blocks: Block[] = [];
  let at = 0;
  while (at < track.length) {
    if (at + 2 > track.length) throw new RangeError(`A track of ${track.length} words ends within a header`);
    const [first, second] = [track[at], track[at + 1]];
    const length = ((second >>> 16) & 0x3fff) * (second >>> 31 === 1 ? 16 : 1);
    const end = at + 2 + length;
    if (end > track.length) throw new RangeError(`A track of ${track.length} words ends within a block`);
    blocks.push({
      column: first >>> 24,
      row: (first >>> 16) & 0xff,
      processors: (first >>> 8) & 0xf,
      isImageUnit: ((first >>> 6) & 3) !== 0,
      memory: first & 0xf,
      start: second & 0xffff,
      words: track.slice(at + 2, end),
    });
    at = end;
  }
  return blocks;
}

/** Integers of a layer: weights as [output][row][column][input], as they are correlated with the map that they read. */
export interface ConfiguredLayer {
  readonly weights: Int8Array;
  readonly thresholds: Int32Array;
  /** In sixteenths. */
  readonly steps: Int32Array;
  /** Null of the layer that reads the image, whose sizes are in no track. */
  readonly geometry: LayerGeometry | null;
}

/** Of a 3×3 kernel. */
const SIDE = 3;
const TAPS = SIDE * SIDE;
const CHANNELS = 3;

function signed(value: number, bits: number): number {
  return value >= 2 ** (bits - 1) ? value - 2 ** bits : value;
}

/** Pairs of a threshold and a step. */
function thresholdsOf(words: Uint32Array, bits: number): Pick<ConfiguredLayer, 'thresholds' | 'steps'> {
  const count = words.length / 2;
  return {
    thresholds: Int32Array.from({ length: count }, (_, i) => signed(words[2 * i] & (2 ** bits - 1), bits)),
    steps: Int32Array.from({ length: count }, (_, i) => words[2 * i + 1]),
  };
}

/** Register 32 of the image unit chooses where what follows goes: a colour's kernels, or the thresholds. */
const SELECT = 32;
const SELECT_THRESHOLDS = 0x8000_0000;
const IMAGE_THRESHOLD_BITS = 24;
const PROCESSOR_THRESHOLD_BITS = 20;

/** The layer that reads the image: each colour's kernels in turn, nine bytes in three words. */
export function imageLayerOf(blocks: readonly Block[]): ConfiguredLayer {
  let selected = 0;
  const colours: Uint32Array[] = [];
  let thresholds: Uint32Array | null = null;
  for (const { memory, start, words } of blocks) {
    if (memory === REGISTERS && start === SELECT) selected = words[0];
    if (memory !== WEIGHTS) continue;
    if (selected === SELECT_THRESHOLDS) thresholds = words;
    else colours[Math.log2(selected)] = words;
  }
  if (thresholds === null || colours.length !== CHANNELS) throw new RangeError('The image unit lacks a part');
  const outputs = thresholds.length / 2;
  const weights = new Int8Array(outputs * TAPS * CHANNELS);
  for (const [colour, words] of colours.entries()) {
    const bytes = new Int8Array(words.slice().buffer);
    for (let o = 0; o < outputs; o++) {
      for (let tap = 0; tap < TAPS; tap++) {
        weights[(o * TAPS + tap) * CHANNELS + colour] = bytes[o * 12 + tap];
      }
    }
  }
  return { weights, ...thresholdsOf(thresholds, IMAGE_THRESHOLD_BITS), geometry: null };
}

/** What one neural processor computes: some outputs of a layer. */
interface Processor {
  readonly layer: number;
  readonly registers: Uint32Array;
  readonly weights: Uint32Array;
  readonly thresholds: Uint32Array;
}

/** Register 3 holds the number of the layer, from 1. */
function layerNumber(registers: Uint32Array): number {
  return registers[3] >>> 24;
}

function processorsOf(blocks: readonly Block[]): Processor[] {
  const found = new Map<
    string,
    { registers?: Uint32Array; weights?: Uint32Array; thresholds?: Uint32Array }
  >();
  for (const { column, row, processors, memory, words } of blocks) {
    const key = `${column},${row},${processors}`;
    const processor = found.get(key) ?? {};
    found.set(key, processor);
    if (memory === REGISTERS) processor.registers = words;
    else if (memory === WEIGHTS) processor.weights = words;
    else if (memory === THRESHOLDS) processor.thresholds = words;
  }
  return [...found].map(([key, { registers, weights, thresholds }]) => {
    if (registers === undefined || weights === undefined || thresholds === undefined) {
      throw new RangeError(`The neural processor ${key} lacks a part`);
    }
    return { layer: layerNumber(registers), registers, weights, thresholds };
  });
}

/** Outputs whose weights lie together, and the unit that an input's weights are rounded up to. */
const OUTPUTS_PER_GROUP = 8;
const UNITS_PER_INPUT = 16;
/** A unit is two words: twelve nibbles, of four outputs the three rows of a column. */
const OUTPUTS_PER_UNIT = 4;
const UNITS_PER_GROUP = SIDE * (OUTPUTS_PER_GROUP / OUTPUTS_PER_UNIT);

/** Sign and magnitude, a set sign meaning positive. */
function fourBits(nibble: number): number {
  return nibble >= 8 ? nibble - 8 : 0 - nibble;
}

/** @param inputs channels of the map that the layer reads */
function processorWeights({ weights, thresholds }: Processor, inputs: number): Int8Array {
  const outputs = thresholds.length / 2;
  const groups = Math.ceil(outputs / OUTPUTS_PER_GROUP);
  const units = Math.ceil((groups * UNITS_PER_GROUP) / UNITS_PER_INPUT) * UNITS_PER_INPUT;
  if (weights.length !== inputs * units * 2) {
    throw new RangeError(`${weights.length} words of weights for ${outputs} outputs of ${inputs} inputs`);
  }
  const values = new Int8Array(outputs * TAPS * inputs);
  for (let o = 0; o < outputs; o++) {
    const group = Math.floor(o / OUTPUTS_PER_GROUP);
    const half = Math.floor((o % OUTPUTS_PER_GROUP) / OUTPUTS_PER_UNIT);
    for (let i = 0; i < inputs; i++) {
      for (let column = 0; column < SIDE; column++) {
        const unit = i * units + group * UNITS_PER_GROUP + column * 2 + half;
        for (let row = 0; row < SIDE; row++) {
          const nibble = (o % OUTPUTS_PER_UNIT) * SIDE + row;
          const word = weights[unit * 2 + Math.floor(nibble / 8)];
          // The chip computes a convolution: it turns the kernel by 180° once more.
          const tap = (SIDE - 1 - row) * SIDE + (SIDE - 1 - column);
          values[(o * TAPS + tap) * inputs + i] = fourBits((word >>> ((nibble % 8) * 4)) & 0xf);
        }
      }
    }
  }
  return values;
}

function joined(parts: readonly Int8Array[]): Int8Array {
  const whole = new Int8Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

/** @throws RangeError where processors of a layer differ in more than their outputs, or these do not follow one another */
function commonGeometry(processors: readonly Processor[]): LayerGeometry {
  const geometry = geometryOf(processors[0].registers);
  let next = 0;
  for (const { layer, registers, thresholds } of processors) {
    const { first, count } = outputsOf(registers);
    if (first !== next || count !== thresholds.length / 2) {
      throw new RangeError(`${count} outputs of layer ${layer} begin at ${first}, not ${next}`);
    }
    if (differingFields(geometryOf(registers), geometry) > 0) {
      throw new RangeError(`The processors of layer ${layer} do not agree on its shape`);
    }
    next += count;
  }
  return geometry;
}

/** Layers of neural processors in their order, each with the outputs of its processors one after the other. */
function innerLayersOf(blocks: readonly Block[], firstInputs: number): ConfiguredLayer[] {
  const byLayer = new Map<number, Processor[]>();
  for (const processor of processorsOf(blocks)) {
    byLayer.set(processor.layer, [...(byLayer.get(processor.layer) ?? []), processor]);
  }
  let inputs = firstInputs;
  return [...byLayer].map(([, processors]) => {
    const own = inputs;
    const parts = processors.map((processor) => ({
      weights: processorWeights(processor, own),
      ...thresholdsOf(processor.thresholds, PROCESSOR_THRESHOLD_BITS),
    }));
    inputs = parts.reduce((sum, { thresholds }) => sum + thresholds.length, 0);
    return {
      geometry: commonGeometry(processors),
      weights: joined(parts.map(({ weights }) => weights)),
      thresholds: Int32Array.from(parts.flatMap(({ thresholds }) => [...thresholds])),
      steps: Int32Array.from(parts.flatMap(({ steps }) => [...steps])),
    };
  });
}

/** All that the blocks configure, the layer that reads the image first. @throws RangeError where a part is missing */
export function configuredLayers(blocks: readonly Block[]): ConfiguredLayer[] {
  const first = imageLayerOf(blocks.filter(({ isImageUnit }) => isImageUnit));
  const inner = blocks.filter(({ isImageUnit }) => !isImageUnit);
  return [first, ...innerLayersOf(inner, first.thresholds.length)];
}
