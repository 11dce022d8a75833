/**
 * Typed arrays as references into the bundle's data: `{"type":"int8","offset":0,"length":27}`, offset in bytes, length in
 * elements.
 */
import { z } from 'zod';
import { MAXIMUM_DEPTH } from './json.ts';

type AnyArray = Int8Array | Uint8Array | Int16Array | Int32Array | Float32Array | Float64Array;

const KINDS = {
  int8: Int8Array,
  uint8: Uint8Array,
  int16: Int16Array,
  int32: Int32Array,
  float32: Float32Array,
  float64: Float64Array,
} as const;
type Kind = keyof typeof KINDS;
/** Every array starts on this boundary. */
const ALIGNMENT = 8;

function kindOf(array: AnyArray): Kind {
  if (array instanceof Int8Array) return 'int8';
  if (array instanceof Uint8Array) return 'uint8';
  if (array instanceof Int16Array) return 'int16';
  if (array instanceof Int32Array) return 'int32';
  if (array instanceof Float32Array) return 'float32';
  return 'float64';
}

/**
 * Collects arrays into one block of bytes, in the order in which they come. Little endian, as every supported processor is.
 */
export class ArrayWriter {
  readonly #parts: Uint8Array[] = [];
  #length = 0;

  add(array: AnyArray): { type: Kind; offset: number; length: number } {
    const reference = { type: kindOf(array), offset: this.#length, length: array.length };
    const bytes = new Uint8Array(array.buffer, array.byteOffset, array.byteLength);
    const padding = (ALIGNMENT - (bytes.length % ALIGNMENT)) % ALIGNMENT;
    this.#parts.push(bytes, new Uint8Array(padding));
    this.#length += bytes.length + padding;
    return reference;
  }

  bytes(): Uint8Array {
    return Buffer.concat(this.#parts);
  }
}

interface Reference {
  readonly type: Kind;
  readonly offset: number;
  readonly length: number;
}

/** By hand, because a bundle has hundreds and a start has not the time for as many passes of a schema. */
function isReference(value: object): value is Reference {
  if (!('type' in value && 'offset' in value && 'length' in value)) return false;
  const { type, offset, length } = value;
  return (
    Object.keys(value).length === 3 &&
    typeof type === 'string' &&
    Object.hasOwn(KINDS, type) &&
    isCount(offset) &&
    offset % ALIGNMENT === 0 &&
    isCount(length)
  );
}

function isCount(value: unknown): value is number {
  return typeof value === 'number' && Number.isInteger(value) && value >= 0;
}

/**
 * Replaces every reference in a document, which is the caller's alone, by a copy of the array that it points at. One that
 * points outside the data stays a reference, and so do those that point at bytes more than once: they are not what
 * `ArrayWriter` writes, and `ARRAYS` refuses them where an array belongs.
 * @returns the document
 */
export function withArrays(document: unknown, data: Uint8Array): unknown {
  let unread = data.length;
  const arrayAt = ({ type, offset, length }: Reference): AnyArray | null => {
    const size = length * KINDS[type].BYTES_PER_ELEMENT;
    if (offset + size > data.length || size > unread) return null;
    unread -= size;
    return new KINDS[type](Uint8Array.from(data.subarray(offset, offset + size)).buffer);
  };
  const resolve = (value: unknown, depth: number): unknown => {
    if (!isObject(value) || depth > MAXIMUM_DEPTH) return value;
    if (isReference(value)) return arrayAt(value) ?? value;
    for (const key in value) {
      const item = value[key];
      if (isObject(item)) value[key] = resolve(item, depth + 1);
    }
    return value;
  };
  return resolve(document, 0);
}

/** An object or a list. */
function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null;
}

const fault = (kind: Kind) => `expected ${kind} values within the data that follows`;

/** Schemas of the arrays in a document that `withArrays` has been through. */
export const ARRAYS = {
  int8: z.instanceof(Int8Array, { error: fault('int8') }),
  uint8: z.instanceof(Uint8Array, { error: fault('uint8') }),
  int16: z.instanceof(Int16Array, { error: fault('int16') }),
  int32: z.instanceof(Int32Array, { error: fault('int32') }),
  float32: z.instanceof(Float32Array, { error: fault('float32') }),
  float64: z.instanceof(Float64Array, { error: fault('float64') }),
} as const;
