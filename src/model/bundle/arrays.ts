/** Typed arrays as references into the bundle's data: `{"type":"int8","offset":0,"length":27}`, offset in bytes, length in elements. */
import { z } from 'zod';

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

/** Collects arrays into one block of bytes, in the order in which they come. Little endian, as every supported processor is. */
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

function arraySchema<K extends Kind>(kind: K, data: Uint8Array) {
  const Constructor = KINDS[kind];
  const reference = z.strictObject({
    type: z.literal(kind),
    offset: z.int().min(0).multipleOf(ALIGNMENT),
    length: z.int().min(0),
  });
  return reference.transform(({ offset, length }, context) => {
    const end = offset + length * Constructor.BYTES_PER_ELEMENT;
    if (end > data.length) {
      context.addIssue(`array ends at byte ${end} of ${data.length}`);
      return z.NEVER;
    }
    return new Constructor(data.slice(offset, end).buffer) as InstanceType<(typeof KINDS)[K]>;
  });
}

/** Schemas that turn references into copies of the arrays they point at. */
export function arraySchemas(data: Uint8Array) {
  return {
    int8: arraySchema('int8', data),
    uint8: arraySchema('uint8', data),
    int16: arraySchema('int16', data),
    int32: arraySchema('int32', data),
    float32: arraySchema('float32', data),
    float64: arraySchema('float64', data),
  };
}
