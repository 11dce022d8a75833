/**
 * Graphs that are quantised already: QuantizeLinear and DequantizeLinear between operators on real numbers (QDQ), and
 * around weights alone. Scales and zero points are noted under the name of the node that states them; what they round is
 * left to the integer graph.
 */
import { RefusedError } from '../../../errors.ts';
import { INPUT_NAME } from '../../../model/graph.ts';
import { type ImportContext, type Operation, type StoredTensor, shapeOf } from '../context.ts';
import { STORED_RANGES, type StoredType } from '../tensor.ts';
import { quantisedConstant, realConstant, statedType } from './quantised-constant.ts';

/** The tensor as whole numbers: bounded by what they can hold. Of sixteen bits, its scale is none of the integer graph's. */
export function importQuantize(operation: Operation, context: ImportContext): void {
  const { node, label } = operation;
  const constant = context.findConstant(node.input[0]);
  if (constant !== undefined) {
    context.defineConstant(node.output[0], quantisedConstant(operation, context, constant));
    return;
  }
  const input = context.activation(operation, 0);
  const parameters = parametersOf(operation, context, statedType(operation));
  const { type, scale, zeroPoint } = parameters;
  const maker = context.nodes.find(({ name }) => name === input.name);
  const [output] = node.output;
  if (input.name === INPUT_NAME) {
    context.store(output, { activation: input, ...parameters });
    return;
  }
  // A normalisation of the image: the device feeds bytes as they are, whatever these would be rounded to.
  if (maker?.op === 'affine' && maker.input === INPUT_NAME) {
    context.store(output, { activation: input, ...parameters });
    return;
  }
  const clamp = { minimum: -zeroPoint * scale, maximum: (spanOf(type) - zeroPoint) * scale };
  const isByte = isByteType(type);
  const draft = { op: 'clamp', input: input.name, clamp } as const;
  const bounded = context.append(
    operation,
    isByte ? { ...draft, isStored: true } : draft,
    shapeOf(input.dims),
  );
  if (isByte) context.stated.activations.set(label, { scale, zeroPoint });
  else context.losesScales = true;
  context.store(output, { activation: { ...input, name: bounded }, ...parameters });
}

export function importDequantize(operation: Operation, context: ImportContext): void {
  const [tensor] = operation.node.input;
  const constant = context.findConstant(tensor);
  if (constant !== undefined) {
    context.defineConstant(operation.node.output[0], realConstant(operation, context, constant));
    return;
  }
  const stored = context.stored.get(tensor);
  if (stored === undefined) {
    throw new RefusedError('ONNX_OPERANDS', 'A DequantizeLinear of what nothing quantised', {
      node: operation.label,
      field: tensor,
      remedy: 'give a graph with QuantizeLinear before every DequantizeLinear, or the float model',
    });
  }
  const { activation, table } = stored;
  const { scale, zeroPoint } = parametersOf(operation, context, stored.type);
  if (table === undefined) {
    realAgain(operation, context, stored, { scale, zeroPoint });
    return;
  }
  const input = { scale: stored.scale, zeroPoint: stored.zeroPoint };
  const formula = { kind: 'stored', input, output: { scale, zeroPoint }, table } as const;
  context.stated.activations.set(operation.label, { scale, zeroPoint });
  context.emit(
    operation,
    { op: 'function', input: activation.name, formula },
    activation.dims,
    activation.order,
  );
}

/** The real tensor; bytes that are read by another scale or zero point than they were written by stand for other numbers. */
function realAgain(
  operation: Operation,
  context: ImportContext,
  { activation, scale: written, zeroPoint: from }: StoredTensor,
  { scale: read, zeroPoint: to }: Omit<Parameters, 'type'>,
): void {
  if (written === read && from === to) {
    context.alias(operation, activation);
    return;
  }
  const channels = shapeOf(activation.dims)[2];
  const scale = new Float64Array(channels).fill(read / written);
  const offset = new Float64Array(channels).fill((from - to) * read);
  context.emit(
    operation,
    { op: 'affine', input: activation.name, scale, offset },
    activation.dims,
    activation.order,
  );
}

/** What only moves values, and so does with bytes what it does with real numbers. */
const MOVING: ReadonlySet<string> = new Set([
  ...['Concat', 'Flatten', 'Identity', 'MaxPool', 'Reshape', 'Slice', 'Split', 'Squeeze', 'Transpose'],
  'Unsqueeze',
]);
const READING: ReadonlySet<string> = new Set(['Cast', 'DequantizeLinear', 'Gather']);

/**
 * One operator, whatever it reads: what only moves values may move bytes.
 * @throws RefusedError `ONNX_OPERATOR` where any other one reads bytes, `ONNX_SHAPE` where bytes of different scales meet
 */
export function importAmongBytes(
  importer: (operation: Operation, context: ImportContext) => void,
  operation: Operation,
  context: ImportContext,
): void {
  const { node, label } = operation;
  const [first, ...others] = node.input.flatMap((input) => context.stored.get(input) ?? []);
  importer(operation, context);
  if (first === undefined || READING.has(node.opType)) return;
  if (!MOVING.has(node.opType)) {
    throw new RefusedError('ONNX_OPERATOR', `${node.opType} of bytes has no integer form`, {
      node: label,
      received: node.opType,
      remedy: 'give the file with QuantizeLinear and DequantizeLinear around operators, or the float model',
    });
  }
  const isOne = others.every(
    ({ type, scale, zeroPoint }) =>
      type === first.type && scale === first.scale && zeroPoint === first.zeroPoint,
  );
  if (!isOne || (node.opType === 'Concat' && others.length + 1 !== node.input.length)) {
    throw new RefusedError('ONNX_SHAPE', `${node.opType} of bytes that stand for different numbers`, {
      node: label,
      expected: 'one scale and one zero point',
    });
  }
  for (const output of node.output) {
    const activation = context.findActivation(output);
    if (activation !== undefined) context.stored.set(output, { ...first, activation });
  }
}

/** A look-up of 256 bytes by the bytes of a tensor. @returns false where it is none */
export function importLookUp(operation: Operation, context: ImportContext): boolean {
  const [entries, indices] = operation.node.input;
  const table = context.findConstant(entries);
  const stored = context.stored.get(indices);
  if (table === undefined || stored === undefined || table.values.length !== 256) return false;
  if (!isByteType(stored.type)) return false;
  context.stored.set(operation.node.output[0], { ...stored, table: Uint8Array.from(table.values) });
  return true;
}

/** A cast of bytes to the type of indices. @returns false where it is none */
export function importCastOfBytes(operation: Operation, context: ImportContext): boolean {
  const stored = context.stored.get(operation.node.input[0]);
  if (stored === undefined) return false;
  context.stored.set(operation.node.output[0], stored);
  return true;
}

interface Parameters {
  readonly type: StoredType;
  readonly scale: number;
  /** Counted from the least number that the type holds. */
  readonly zeroPoint: number;
}

/** Steps from the least number of a type to the largest. */
function spanOf(type: StoredType): number {
  const [least, most] = STORED_RANGES[type];
  return most - least;
}

function isByteType(type: StoredType): boolean {
  return spanOf(type) === 255;
}

/**
 * One scale and one zero point for the whole tensor.
 * @param type where there is no zero point to say it; null: that which ONNX takes then
 * @throws RefusedError `ONNX_ATTRIBUTE`
 */
function parametersOf(operation: Operation, context: ImportContext, type: StoredType | null): Parameters {
  const scales = context.weights(operation, 1).values;
  const zero = context.findConstant(operation.node.input[2]);
  const own = zero === undefined ? (type ?? 'uint8') : zero.type;
  if (own !== undefined && scales.length === 1 && scales[0] > 0) {
    const zeroPoint = (zero?.values[0] ?? 0) - STORED_RANGES[own][0];
    if (Number.isInteger(zeroPoint) && zeroPoint >= 0 && zeroPoint <= spanOf(own))
      return { type: own, scale: scales[0], zeroPoint };
  }
  throw new RefusedError('ONNX_ATTRIBUTE', 'Activations are quantised to 8 or 16 bits, by one scale', {
    node: operation.label,
    expected: `one positive scale, a zero point of type ${Object.keys(STORED_RANGES).join(', ')}`,
    received: `${scales.length} scales, ${zero?.type ?? 'no zero point'}`,
    remedy: 'quantise activations per tensor to 8 bits, or give the float model',
  });
}
