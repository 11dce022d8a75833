/** Constants that a file holds as whole numbers and steps. */
import { RefusedError } from '../../../errors.ts';
import { clip } from '../../../model/requantise.ts';
import type { ImportContext, Operation } from '../context.ts';
import { rebuilt } from '../layout.ts';
import { integerAttribute } from '../nodes.ts';
import { type Constant, countOf, STORED_RANGES, STORED_TYPES, type StoredType } from '../tensor.ts';
import { importGemm } from './linear.ts';

/** For each value of a constant, the place of its step and of its zero point among theirs. */
type Steps = (index: number) => number;

/** The real numbers of a quantised constant, and its steps where they can be those of weights: zero points of 0. */
export function realConstant(operation: Operation, context: ImportContext, constant: Constant): Constant {
  const scales = context.weights(operation, 1);
  const zeros =
    context.findConstant(operation.node.input[2])?.values ?? new Float64Array(scales.values.length);
  const block = operation.attributes.integer('block_size', 0);
  const axis = axisOf(operation, constant);
  const at =
    block > 0 ? inBlocks(constant, scales, axis, block) : alongAxis(constant, scales.values.length, axis);
  const zeroAt = zeros.length === scales.values.length ? at : alongAxis(constant, zeros.length, axis);
  if (at === null || zeroAt === null) {
    throw new RefusedError('ONNX_SHAPE', 'The scales of a quantised weight do not fit it', {
      node: operation.label,
      expected: `one scale, one along axis ${axis} of [${constant.dims.join(', ')}], or one for each block`,
      received: `[${scales.dims.join(', ')}] and ${zeros.length} zero points`,
      remedy: 'quantise weights per tensor, per output channel or in blocks along one axis',
    });
  }
  const whole = constant.values.map((value, i) => value - zeros[zeroAt(i)]);
  const isSmall = block === 0 && whole.every((value) => value >= -128 && value <= 127);
  return {
    dims: constant.dims,
    kind: 'float',
    values: whole.map((value, i) => value * scales.values[at(i)]),
    ...(isSmall && { steps: { scales: scales.values, axis: scales.values.length === 1 ? null : axis } }),
  };
}

/** A constant that the file quantises itself: to the nearest step, halves to the even one, as ONNX says. */
export function quantisedConstant(
  operation: Operation,
  context: ImportContext,
  constant: Constant,
): Constant {
  const scales = context.weights(operation, 1).values;
  const zero = context.findConstant(operation.node.input[2]);
  const at = alongAxis(constant, scales.length, axisOf(operation, constant));
  const zeros = zero?.values ?? new Float64Array(scales.length);
  if (at === null || zeros.length !== scales.length || (zero !== undefined && zero.type === undefined)) {
    throw new RefusedError('ONNX_SHAPE', 'The scales of a weight that is quantised do not fit it', {
      node: operation.label,
      expected: `one scale, or one along an axis, and zero points of type ${Object.keys(STORED_RANGES).join(', ')}`,
      received: `${scales.length} scales, ${zeros.length} zero points`,
      remedy: 'quantise weights per tensor or per output channel',
    });
  }
  const type = zero?.type ?? statedType(operation) ?? 'uint8';
  const [least, most] = STORED_RANGES[type];
  const values = constant.values.map((value, i) =>
    clip(roundHalfEven(value / scales[at(i)]) + zeros[at(i)], least, most),
  );
  return { dims: constant.dims, kind: 'integer', values, type };
}

/** The type that a QuantizeLinear without zero points names, from opset 21; null where it names none. */
export function statedType({ attributes }: Operation): StoredType | null {
  return STORED_TYPES[attributes.integer('output_dtype', 0)] ?? null;
}

function roundHalfEven(value: number): number {
  const nearest = Math.round(value);
  return nearest - value === 0.5 && nearest % 2 !== 0 ? nearest - 1 : nearest;
}

function axisOf({ attributes }: Operation, { dims }: Constant): number {
  const stated = attributes.integer('axis', 1);
  return stated < 0 ? stated + dims.length : stated;
}

function alongAxis({ dims }: Constant, count: number, axis: number): Steps | null {
  if (count === 1) return () => 0;
  if (count !== dims[axis]) return null;
  const inner = countOf(dims.slice(axis + 1));
  return (i) => Math.floor(i / inner) % count;
}

/** One step for `block` values that follow each other along the axis; the last block may be shorter. */
function inBlocks({ dims }: Constant, scales: Constant, axis: number, block: number): Steps | null {
  const blocks = Math.ceil(dims[axis] / block);
  const isFit =
    scales.dims.length === dims.length &&
    dims.every((extent, i) => scales.dims[i] === (i === axis ? blocks : extent));
  if (!isFit) return null;
  const inner = countOf(dims.slice(axis + 1));
  return (i) => {
    const place = Math.floor(i / inner) % dims[axis];
    const outer = Math.floor(i / (inner * dims[axis]));
    return (outer * blocks + Math.floor(place / block)) * inner + (i % inner);
  };
}

/**
 * MatMulNBits of onnxruntime: features × the transpose of a matrix [N, K] of four or eight bits, K in blocks of a scale and
 * a zero point each, two values of four bits in a byte.
 * @throws RefusedError `ONNX_ATTRIBUTE`, `ONNX_SHAPE`
 */
export function importMatMulOfBits(operation: Operation, context: ImportContext): void {
  const { node, label } = operation;
  const form = formOf(operation);
  const { inputs, outputs, block, bits } = form;
  const blocks = Math.ceil(inputs / block);
  const packed = context.constant(operation, 1).values;
  const scales = context.weights(operation, 2).values;
  const zeros = zeroPoints(context.findConstant(node.input[3]), form, blocks);
  const perRow = (blocks * block * bits) / 8;
  if (
    packed.length !== outputs * perRow ||
    scales.length !== outputs * blocks ||
    zeros.length !== scales.length
  ) {
    throw new RefusedError('ONNX_SHAPE', 'The blocks of a quantised matrix do not fit it', {
      node: label,
      expected: `${outputs * perRow} bytes, ${outputs * blocks} scales and zero points`,
      received: `${packed.length}, ${scales.length} and ${zeros.length}`,
    });
  }
  const values = new Float64Array(outputs * inputs);
  for (let o = 0; o < outputs; o++) {
    for (let i = 0; i < inputs; i++) {
      const at = o * blocks + Math.floor(i / block);
      values[o * inputs + i] = (valueAt(packed, o * perRow, i, bits) - zeros[at]) * scales[at];
    }
  }
  const name = `${node.output[0]} (weights)`;
  context.defineConstant(name, { dims: [outputs, inputs], kind: 'float', values });
  const input = [node.input[0], name, ...(node.input[5] ? [node.input[5]] : [])];
  const transposed = integerAttribute('transB', 1);
  importGemm(rebuilt(operation, { ...node, opType: 'Gemm', input, attribute: [transposed] }), context);
}

interface BitForm {
  readonly inputs: number;
  readonly outputs: number;
  readonly block: number;
  readonly bits: number;
}

function formOf({ attributes, node, label }: Operation): BitForm {
  const form = {
    ...{ inputs: attributes.integer('K', 0), outputs: attributes.integer('N', 0) },
    ...{ block: attributes.integer('block_size', 0), bits: attributes.integer('bits', 4) },
  };
  const { inputs, outputs, block, bits } = form;
  const isSound = inputs > 0 && outputs > 0 && inputs * outputs <= LARGEST && (bits === 4 || bits === 8);
  if (isSound && block >= 16 && block <= LARGEST && block % 2 === 0 && !node.input[4]) return form;
  throw new RefusedError('ONNX_ATTRIBUTE', 'A matrix of quantised blocks in another form', {
    node: label,
    expected: 'K, N, 4 or 8 bits, blocks of 16 values or more, no g_idx',
    received: `K ${inputs}, N ${outputs}, ${bits} bits, blocks of ${block}${node.input[4] ? ', g_idx' : ''}`,
    remedy: 'give the float model',
  });
}

/** Values of a matrix, far above any of these networks. */
const LARGEST = 2 ** 26;

/** Packed as the matrix is, each row's in bytes of their own, or real numbers; left out: the middle of the range. */
function zeroPoints(
  constant: Constant | undefined,
  { outputs, bits }: BitForm,
  blocks: number,
): Float64Array {
  if (constant === undefined) return new Float64Array(outputs * blocks).fill(2 ** (bits - 1));
  if (constant.kind === 'float') return constant.values;
  const perRow = Math.ceil((blocks * bits) / 8);
  if (constant.values.length !== outputs * perRow) return new Float64Array(0);
  return Float64Array.from({ length: outputs * blocks }, (_, i) =>
    valueAt(constant.values, Math.floor(i / blocks) * perRow, i % blocks, bits),
  );
}

function valueAt(bytes: Float64Array, start: number, index: number, bits: number): number {
  return bits === 8 ? bytes[start + index] : (bytes[start + (index >> 1)] >> (4 * (index & 1))) & 15;
}
