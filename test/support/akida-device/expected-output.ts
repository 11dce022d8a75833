/** What the backend must make of an answer of the card, whatever its bytes: the embedding, or the code of its fault. */
import type { OutputShape } from './chip.ts';

const HEADER_BYTES = 32;
const EVENT_BYTES = 8;
/** Of four bits. */
const MAXIMUM = 15;

/** @param memory the output's slot, as the card's memory holds it */
export function expectedOf(memory: Buffer, { rows, columns, channels }: OutputShape): Uint8Array | string {
  const embedding = new Uint8Array(rows * columns * channels);
  const words = memory.readUInt32LE() & 0x0fff_ffff;
  if (words % 2 === 1 || words > embedding.length * 2) return 'DEVICE_OUTPUT';
  for (let at = HEADER_BYTES; at < HEADER_BYTES + words * 4; at += EVENT_BYTES) {
    const [row, column, channel] = [0, 2, 4].map((offset) => memory.readUInt16LE(at + offset));
    const value = memory.readUInt8(at + 6);
    const index = (row * columns + column) * channels + channel;
    const isWithin = row < rows && column < columns && channel < channels;
    if (!isWithin || value > MAXIMUM || embedding[index] !== 0) return 'DEVICE_EVENT';
    embedding[index] = value;
  }
  return embedding;
}
