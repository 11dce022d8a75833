/** Weights and other constants of an ONNX model. */
import { RefusedError } from '../../errors.ts';
import type { OnnxTensor } from './decode.ts';

/** What whole numbers of a quantised tensor can hold. */
export const STORED_RANGES = {
  uint8: [0, 255],
  int8: [-128, 127],
  uint16: [0, 65_535],
  int16: [-32_768, 32_767],
} as const;
export type StoredType = keyof typeof STORED_RANGES;

/** A constant: float weights, or the integers of shapes and axes. */
export interface Constant {
  readonly dims: readonly number[];
  readonly kind: 'float' | 'integer';
  readonly values: Float64Array;
  /** Of quantised integers of eight or sixteen bits: which they are. */
  readonly type?: StoredType;
  /** Of weights that were quantised: the real value of one step, along an axis or (null) for all. */
  readonly steps?: { readonly scales: Float64Array; readonly axis: number | null };
}

const FLOAT32 = 1;
const UINT8 = 2;
const INT8 = 3;
const UINT16 = 4;
const INT16 = 5;
const INT32 = 6;
const INT64 = 7;
const BOOL = 9;
const FLOAT16 = 10;
const DOUBLE = 11;
const BFLOAT16 = 16;
const UINT4 = 21;
const INT4 = 22;
const TYPE_NAMES: Readonly<Record<number, string>> = {
  0: 'no type',
  8: 'string',
  12: 'uint32',
  13: 'uint64',
};
const EXTERNAL = 1;

/** Bytes of one value in raw data, of the types that `readTensor` reads. */
export const VALUE_BYTES: Readonly<Record<number, number>> = {
  [FLOAT32]: 4,
  [INT32]: 4,
  [INT64]: 8,
  [BOOL]: 1,
  [FLOAT16]: 2,
  [BFLOAT16]: 2,
  [DOUBLE]: 8,
  [UINT8]: 1,
  [INT8]: 1,
  [UINT16]: 2,
  [INT16]: 2,
};

/** Numbers of ONNX's list to which QuantizeLinear quantises. */
export const STORED_TYPES: Readonly<Record<number, StoredType>> = {
  [UINT8]: 'uint8',
  [INT8]: 'int8',
  [UINT16]: 'uint16',
  [INT16]: 'int16',
};

/** Numbers of the types that count as real, by their places in ONNX's list. */
export const REAL_TYPES: readonly number[] = [FLOAT32, FLOAT16, DOUBLE, BFLOAT16];

export function isExternal({ dataLocation }: OnnxTensor): boolean {
  return dataLocation === EXTERNAL;
}

/**
 * Reads a tensor whose data is inline.
 * @throws RefusedError `ONNX_EXTERNAL_DATA`, `ONNX_DATA_TYPE`, `ONNX_TENSOR_SIZE`
 */
export function readTensor(tensor: OnnxTensor, name: string): Constant {
  if (isExternal(tensor)) {
    throw new RefusedError('ONNX_EXTERNAL_DATA', 'Weights lie in another file where none may', {
      node: name,
      expected: 'external data of initializers and constants only',
      received: 'external data',
      remedy: 'save the model with its weights inline (onnx.save without save_as_external_data)',
    });
  }
  const { values, kind, type } = readValues(tensor, name);
  const expected = countOf(tensor.dims);
  if (values.length !== expected) {
    throw new RefusedError(
      'ONNX_TENSOR_SIZE',
      'A tensor holds another number of values than its shape says',
      {
        node: name,
        expected: `${expected} values for ${tensor.dims.join('×') || 'a scalar'}`,
        received: `${values.length}`,
        remedy: 'export the model again; the file may be damaged',
      },
    );
  }
  return { dims: tensor.dims, kind, values, ...(type && { type }) };
}

function readValues(tensor: OnnxTensor, name: string): Pick<Constant, 'values' | 'kind' | 'type'> {
  const { dataType, rawData } = tensor;
  switch (dataType) {
    case FLOAT32:
      return {
        kind: 'float',
        values: fromRaw(rawData, 4, name, (v, o) => v.getFloat32(o, true), tensor.floatData),
      };
    case INT64: {
      const read = (v: DataView, o: number) => Number(v.getBigInt64(o, true));
      return { kind: 'integer', values: fromRaw(rawData, 8, name, read, tensor.int64Data) };
    }
    case INT32:
      return {
        kind: 'integer',
        values: fromRaw(rawData, 4, name, (v, o) => v.getInt32(o, true), tensor.int32Data),
      };
    case UINT8:
      return {
        kind: 'integer',
        type: 'uint8',
        values: fromRaw(rawData, 1, name, (v, o) => v.getUint8(o), tensor.int32Data),
      };
    case INT8:
      return {
        kind: 'integer',
        type: 'int8',
        values: fromRaw(rawData, 1, name, (v, o) => v.getInt8(o), tensor.int32Data),
      };
    case UINT16: {
      const read = (v: DataView, o: number) => v.getUint16(o, true);
      return { kind: 'integer', type: 'uint16', values: fromRaw(rawData, 2, name, read, tensor.int32Data) };
    }
    case INT16: {
      const read = (v: DataView, o: number) => v.getInt16(o, true);
      return { kind: 'integer', type: 'int16', values: fromRaw(rawData, 2, name, read, tensor.int32Data) };
    }
    case BOOL:
      return {
        kind: 'integer',
        values: fromRaw(rawData, 1, name, (v, o) => v.getUint8(o), tensor.int32Data),
      };
    case FLOAT16: {
      const values = fromRaw(rawData, 2, name, (v, o) => v.getUint16(o, true), tensor.int32Data);
      return { kind: 'float', values: values.map(fromHalf) };
    }
    case BFLOAT16: {
      const values = fromRaw(rawData, 2, name, (v, o) => v.getUint16(o, true), tensor.int32Data);
      return { kind: 'float', values: values.map(fromBrainFloat) };
    }
    case DOUBLE: {
      const values = fromRaw(rawData, 8, name, (v, o) => v.getFloat64(o, true), tensor.doubleData);
      // The network computes in float32; what lies beyond becomes infinite there, and is refused as a weight.
      return { kind: 'float', values: values.map(Math.fround) };
    }
    case UINT4:
    case INT4: {
      const bytes = fromRaw(rawData, 1, name, (v, o) => v.getUint8(o), tensor.int32Data);
      return { kind: 'integer', values: fromNibbles(bytes, countOf(tensor.dims), dataType === INT4) };
    }
    default:
      throw new RefusedError(
        'ONNX_DATA_TYPE',
        'The converter reads real weights, and quantised ones of 16, 8 or 4 bits',
        {
          node: name,
          expected: 'float32, float64, float16 or bfloat16',
          received: TYPE_NAMES[dataType] ?? `type ${dataType}`,
          remedy: 'export the model in float32; the converter does the quantising',
        },
      );
  }
}

/** Values that a tensor of these extents has. */
export function countOf(dims: readonly number[]): number {
  return dims.reduce((product, extent) => product * extent, 1);
}

/** Two values in each byte, the first in its lower half; the last half may be empty. */
function fromNibbles(bytes: Float64Array, total: number, isSigned: boolean): Float64Array {
  // Where the sizes do not fit, what is there goes out, and the caller compares.
  const length = bytes.length === Math.ceil(total / 2) ? total : 2 * bytes.length;
  return Float64Array.from({ length }, (_, i) => {
    const nibble = (bytes[i >> 1] >> (4 * (i & 1))) & 15;
    return isSigned && nibble > 7 ? nibble - 16 : nibble;
  });
}

/** The number that sixteen bits stand for: sign, five bits of exponent, ten of fraction. */
export function fromHalf(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >> 10) & 0x1f;
  const fraction = bits & 0x3ff;
  if (exponent === 0x1f) return fraction === 0 ? sign * Number.POSITIVE_INFINITY : Number.NaN;
  if (exponent === 0) return sign * fraction * 2 ** -24;
  return sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
}

/** The upper half of a float32. */
export function fromBrainFloat(bits: number): number {
  const view = new DataView(new ArrayBuffer(4));
  view.setUint16(0, bits);
  return view.getFloat32(0);
}

function fromRaw(
  raw: Uint8Array | undefined,
  size: number,
  name: string,
  read: (view: DataView, offset: number) => number,
  listed: readonly number[],
): Float64Array {
  if (raw === undefined) return Float64Array.from(listed);
  if (raw.length % size !== 0) {
    throw new RefusedError('ONNX_TENSOR_SIZE', 'The data of a tensor ends within a value', {
      node: name,
      expected: `a multiple of ${size} bytes`,
      received: `${raw.length} bytes`,
    });
  }
  const view = new DataView(raw.buffer, raw.byteOffset, raw.byteLength);
  return Float64Array.from({ length: raw.length / size }, (_, i) => read(view, i * size));
}
