/** What an AKD1500 writes for an image: a header of 32 bytes, whose first word counts the words behind it; every value. */
import type { Random } from '../random.ts';

const HEADER_BYTES = 32;
/** Of the words that a header can count. */
const MOST_WORDS = 0x0fff_ffff;
/** What no activation of four bits reaches. */
const IMPOSSIBLE = 16;

export function denseOutputOf(embedding: Uint8Array): Buffer {
  const output = Buffer.alloc(HEADER_BYTES + embedding.length);
  output.writeUInt32LE(Math.ceil(embedding.length / 4));
  output.set(embedding, HEADER_BYTES);
  return output;
}

/** `value`: one that the layer cannot have; `words`: more than there is room for. */
export function denseWithFault(output: Buffer, kind: 'value' | 'words'): Buffer {
  const changed = Buffer.from(output);
  if (kind === 'words') changed.writeUInt32LE(MOST_WORDS);
  else changed.writeUInt8(IMPOSSIBLE, changed.length - 1);
  return changed;
}

export function spoiledDense(output: Buffer, random: Random): Buffer {
  const changed = Buffer.from(output);
  changed[random.integer(0, changed.length - 1)] = random.integer(0, 255);
  return changed;
}
