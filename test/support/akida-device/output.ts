/** What the card writes for an image: a header of 32 bytes, whose first word counts the words behind it, then events. */
import type { Random } from '../random.ts';
import type { OutputShape } from './chip.ts';

const HEADER_BYTES = 32;
const EVENT_BYTES = 8;

/** Events of what is not zero: row and column, then channel and value, 16 bits each but the value's 8. */
export function outputOf(embedding: Uint8Array, { columns, channels }: OutputShape): Buffer {
  const events: Buffer[] = [];
  for (const [i, value] of embedding.entries()) {
    if (value === 0) continue;
    const pixel = Math.floor(i / channels);
    const event = Buffer.alloc(EVENT_BYTES);
    event.writeUInt16LE(Math.floor(pixel / columns), 0);
    event.writeUInt16LE(pixel % columns, 2);
    event.writeUInt16LE(i % channels, 4);
    event.writeUInt8(value, 6);
    events.push(event);
  }
  const header = Buffer.alloc(HEADER_BYTES);
  header.writeUInt32LE((events.length * EVENT_BYTES) / 4);
  return Buffer.concat([header, ...events]);
}

export function withFault(
  output: Buffer,
  kind: 'event-outside' | 'too-many-words',
  { rows, columns, channels }: OutputShape,
): Buffer {
  const changed = Buffer.from(output);
  if (kind === 'too-many-words') {
    changed.writeUInt32LE(rows * columns * channels * 2 + 2);
    return changed;
  }
  // Of an image without a single event, the first is made up.
  const padded =
    changed.length > HEADER_BYTES ? changed : Buffer.concat([changed, Buffer.alloc(EVENT_BYTES)]);
  if (padded.length > changed.length) padded.writeUInt32LE(EVENT_BYTES / 4);
  padded.writeUInt16LE(channels, HEADER_BYTES + 4);
  return padded;
}

/** The whole slot: what lies behind the answer in the card's memory as well. */
export function slotOf(output: Buffer, { rows, columns, channels }: OutputShape): Buffer {
  const slot = Buffer.alloc(HEADER_BYTES + rows * columns * channels * EVENT_BYTES);
  output.copy(slot);
  return slot;
}

const EXTREMES = [0, 1, 2, 3, 0x7fff, 0xffff, 0x0fff_ffff, 0x1000_0000, 0x7fff_ffff, 0xffff_ffff];
const LARGEST_VALUE = 15;

/**
 * A slot whose answer was changed: most often into another that could be, in other events or another order; else in some of
 * its bits; now and then it is nothing but noise.
 */
export function randomSlot(output: Buffer, shape: OutputShape, random: Random): Buffer {
  const changed = slotOf(output, shape);
  const events = (output.length - HEADER_BYTES) / EVENT_BYTES;
  if (random.chance(0.02)) return Buffer.from(random.bytes(changed.length));
  if (random.chance(0.15)) {
    for (let left = random.integer(1, 3); left > 0; left--) spoil(changed, output.length, random);
    return changed;
  }
  if (events === 0) return changed;
  const [one, other] = [0, 1].map(() => HEADER_BYTES + random.integer(0, events - 1) * EVENT_BYTES);
  const first = Buffer.from(changed.subarray(one, one + EVENT_BYTES));
  changed.copyWithin(one, other, other + EVENT_BYTES);
  changed.set(first, other);
  changed.writeUInt8(random.integer(0, LARGEST_VALUE), one + 6);
  changed.writeUInt8(random.integer(0, 255), one + 7);
  if (random.chance(0.3)) changed.writeUInt32LE(random.integer(0, events) * 2);
  return changed;
}

/** Changes a word to something extreme, or a bit, the header's more often than chance has it. */
function spoil(slot: Buffer, length: number, random: Random): void {
  const word = random.chance(0.3) ? 0 : random.integer(0, Math.floor(length / 4) - 1) * 4;
  if (random.chance(0.5)) slot.writeUInt32LE(random.pick(EXTREMES), word);
  else slot[word + random.integer(0, 3)] ^= 1 << random.integer(0, 7);
}
