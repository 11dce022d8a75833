/** Changes of a bundle's bytes that get past its digest. */
import { createHash } from 'node:crypto';
import { packContainer } from '../../src/model/bundle/container.ts';
import { damaged } from './damage.ts';
import type { Random } from './random.ts';

const HEADER_BYTES = 16;
const DIGEST_BYTES = 32;
const NUMBERS = [
  0,
  1,
  -1,
  0.5,
  7,
  255,
  256,
  65_536,
  2 ** 24,
  2 ** 31,
  2 ** 32,
  2 ** 53,
  -(2 ** 31),
  1e308,
  -0,
];
const BYTES = [0, 1, 0x7f, 0x80, 0xff, 0x22, 0x2c, 0x5b, 0x7b];

/** One change of a bundle, or up to four, now and then with a piece of another; one in sixteen keeps the old digest. */
export function mutated(bytes: Uint8Array, other: Uint8Array, random: Random): Uint8Array {
  let changed: Uint8Array = bytes;
  const changes = random.chance(0.6) ? 1 : random.integer(2, 4);
  for (let i = 0; i < changes; i++) changed = mutateOnce(changed, other, random);
  return random.chance(1 / 16) ? changed : signed(changed);
}

/** The same with a digest that is right. */
export function signed(bytes: Uint8Array): Uint8Array {
  const body = bytes.subarray(0, Math.max(0, bytes.length - DIGEST_BYTES));
  return Buffer.concat([body, createHash('sha256').update(body).digest()]);
}

function mutateOnce(bytes: Uint8Array, other: Uint8Array, random: Random): Uint8Array {
  const kind = random.next();
  if (kind < 0.5) return documentChanged(bytes, random) ?? bytesChanged(bytes, other, random);
  return kind < 0.75 ? dataChanged(bytes, random) : bytesChanged(bytes, other, random);
}

function documentEnd(bytes: Uint8Array): number {
  if (bytes.length < HEADER_BYTES + DIGEST_BYTES) return 0;
  return HEADER_BYTES + Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).readUInt32LE(12);
}

/** One field, anywhere in the document, replaced; null where the document is no JSON any more. */
function documentChanged(bytes: Uint8Array, random: Random): Uint8Array | null {
  const end = documentEnd(bytes);
  let document: unknown;
  try {
    document = JSON.parse(Buffer.from(bytes.subarray(HEADER_BYTES, end)).toString('utf8'));
  } catch {
    return null;
  }
  if (typeof document !== 'object' || document === null) return null;
  const changed = random.chance(0.6) ? numberChanged(document, random) : damaged(document, random);
  // What JSON has no word for: bigints throw, functions and undefined vanish.
  const text = JSON.stringify(changed, (_, value: unknown) =>
    typeof value === 'bigint' ? Number(value) : value,
  );
  if (text === undefined) return null;
  return packContainer(JSON.parse(text), bytes.subarray(end, bytes.length - DIGEST_BYTES));
}

/** One number, anywhere, replaced by one at which something may tip over. */
function numberChanged(value: unknown, random: Random): unknown {
  if (typeof value === 'number') {
    return random.chance(0.5)
      ? random.pick(NUMBERS)
      : value + random.pick([-1, 1, 8, -8, value, -2 * value, 1e-9]);
  }
  if (Array.isArray(value)) {
    const at = random.integer(0, Math.max(0, value.length - 1));
    return value.map((item: unknown, i) => (i === at ? numberChanged(item, random) : item));
  }
  if (typeof value === 'object' && value !== null) {
    const keys = Object.keys(value);
    if (keys.length === 0) return value;
    const key = random.pick(keys);
    return { ...value, [key]: numberChanged(Reflect.get(value, key), random) };
  }
  return value;
}

/** Bytes of weights, factors, shifts, tables: a run of one value, or a few of any. */
function dataChanged(bytes: Uint8Array, random: Random): Uint8Array {
  const copy = Uint8Array.from(bytes);
  const [from, to] = [Math.min(documentEnd(bytes), bytes.length - 1), bytes.length - 1];
  if (random.chance(0.5)) {
    const start = random.integer(from, to);
    copy.fill(random.pick(BYTES), start, Math.min(copy.length, start + random.integer(1, 64)));
  } else {
    for (let i = random.integer(1, 8); i > 0; i--) copy[random.integer(from, to)] = random.integer(0, 255);
  }
  return copy;
}

/** Anywhere: flipped, cut out, doubled, or taken from another bundle. */
function bytesChanged(bytes: Uint8Array, other: Uint8Array, random: Random): Uint8Array {
  const start = random.integer(0, Math.max(0, bytes.length - 1));
  const end = Math.min(bytes.length, start + random.integer(1, 40));
  const [before, piece, after] = [bytes.subarray(0, start), bytes.subarray(start, end), bytes.subarray(end)];
  const kind = random.integer(0, 4);
  if (kind === 0) return Buffer.concat([before, after]);
  if (kind === 1) return Buffer.concat([before, piece, piece, after]);
  if (kind === 2) return Buffer.concat([before, other.subarray(start, end), after]);
  if (kind === 3) return bytes.subarray(0, start);
  return Buffer.concat([before, piece.map((byte) => byte ^ (1 << random.integer(0, 7))), after]);
}
