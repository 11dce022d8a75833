/**
 * Operators that compute on bytes (QOperator), written out as what they say: DequantizeLinear before, the operator on real
 * numbers, QuantizeLinear behind. So one reader serves both ways of writing a quantised graph.
 */
import type { OnnxAttribute, OnnxNode } from './decode.ts';
import { withoutDynamic } from './dynamic-quantisation.ts';
import { integerAttribute, isStandard, nodeOf } from './nodes.ts';

/** Of onnxruntime's contributed operators. */
const MICROSOFT = 'com.microsoft';

/** Places of a quantised tensor among the inputs: its values, their scale, their zero point. */
type Place = readonly [values: number, scale: number, zeroPoint: number];

interface Form {
  readonly opType: string;
  /** Tensors of bytes, in the order in which the operator on real numbers takes them. */
  readonly operands: readonly Place[];
  /** Scale and zero point of the result. */
  readonly result: readonly [scale: number, zeroPoint: number];
  /** Of the second operand where each output has a scale of its own: their axis. */
  readonly outputAxis?: (node: OnnxNode) => number;
  /** A bias of whole numbers, whose step is the product of both operands' steps. */
  readonly bias?: number;
}

const unary = (opType: string): Form => ({ opType, operands: [[0, 1, 2]], result: [3, 4] });
const binary = (opType: string): Form => ({
  opType,
  operands: [
    [0, 1, 2],
    [3, 4, 5],
  ],
  result: [6, 7],
});

const isTransposed = ({ attribute }: OnnxNode) =>
  attribute.some(({ name, i }) => name === 'transB' && i === 1);

const STANDARD: ReadonlyMap<string, Form> = new Map([
  ['QLinearConv', { ...binary('Conv'), outputAxis: () => 0, bias: 8 }],
  ['QLinearMatMul', { ...binary('MatMul'), outputAxis: () => -1 }],
]);

const CONTRIBUTED: ReadonlyMap<string, Form> = new Map([
  ['QLinearAdd', binary('Add')],
  ['QLinearMul', binary('Mul')],
  ['QLinearAveragePool', unary('AveragePool')],
  ['QLinearGlobalAveragePool', unary('GlobalAveragePool')],
  ['QLinearLeakyRelu', unary('LeakyRelu')],
  ['QLinearSigmoid', unary('Sigmoid')],
  ['QLinearSoftmax', unary('Softmax')],
  [
    'QGemm',
    {
      ...{ ...binary('Gemm'), bias: 6, result: [7, 8] },
      outputAxis: (node: OnnxNode) => (isTransposed(node) ? 0 : 1),
    },
  ],
]);

/** Contributed operators that read as standard ones, or have importers of their own. */
const SAME_NAME: ReadonlySet<string> = new Set(['DequantizeLinear', 'MatMulNBits', 'QuantizeLinear']);
/** Says that the channels come last where it is not 0, which only a runtime's own rewriting writes. */
const CHANNELS_LAST = 'channels_last';

/** The nodes, with no operator on bytes among them but those that QDQ graphs have. */
export function spelledOut(nodes: readonly OnnxNode[]): OnnxNode[] {
  return withoutDynamic(nodes).flatMap((node, index) => {
    const name = node.name || `${node.opType}_${index}`;
    const isContributed = node.domain === MICROSOFT;
    if (isContributed && node.opType === 'QLinearConcat') return concatenation({ ...node, name });
    const form = formOf(node);
    if (form !== undefined) return written({ ...node, name }, form);
    return [isContributed && SAME_NAME.has(node.opType) ? { ...node, name, domain: '' } : node];
  });
}

function formOf({ opType, domain, attribute }: OnnxNode): Form | undefined {
  if (domain === MICROSOFT) {
    const isLast = attribute.some(({ name, i }) => name === CHANNELS_LAST && (i ?? 0) !== 0);
    return isLast ? undefined : CONTRIBUTED.get(opType);
  }
  return isStandard({ domain }) ? STANDARD.get(opType) : undefined;
}

function written(node: OnnxNode, { opType, operands, result, outputAxis, bias }: Form): OnnxNode[] {
  const before = operands.map((place, index) => {
    const axis = index === 1 ? outputAxis?.(node) : undefined;
    return dequantised(node, place, axis === undefined ? [] : [integerAttribute('axis', axis)]);
  });
  const offset = bias !== undefined && node.input[bias] ? biasOf(node, bias, operands) : [];
  const last = offset.at(-1);
  const real = nodeOf(opType, {
    name: node.name,
    input: [...before, ...(last === undefined ? [] : [last])].map(({ output }) => output[0]),
    output: node.output,
    attribute: node.attribute.filter(({ name }) => name !== CHANNELS_LAST),
  });
  return [...before, ...offset, ...quantised(real, node.input[result[0]] ?? '', node.input[result[1]] ?? '')];
}

/** Scale and zero point of the whole come first, then three inputs for each part. */
function concatenation(node: OnnxNode): OnnxNode[] {
  const count = Math.floor((node.input.length - 2) / 3);
  const before = Array.from({ length: Math.max(0, count) }, (_, part) => {
    const first = 2 + 3 * part;
    return dequantised(node, [first, first + 1, first + 2], []);
  });
  const real = nodeOf('Concat', {
    ...{ name: node.name, output: node.output, attribute: node.attribute },
    input: before.map(({ output }) => output[0]),
  });
  return [...before, ...quantised(real, node.input[0] ?? '', node.input[1] ?? '')];
}

function dequantised(
  { name, input, output }: OnnxNode,
  [values, scale, zeroPoint]: Place,
  attribute: readonly OnnxAttribute[],
): OnnxNode {
  return nodeOf('DequantizeLinear', {
    ...{ name: `${name} (input ${values})`, output: [`${output[0]} (input ${values})`], attribute },
    input: [values, scale, zeroPoint].map((index) => input[index] ?? ''),
  });
}

function biasOf({ name, input, output }: OnnxNode, bias: number, operands: readonly Place[]): OnnxNode[] {
  const step = nodeOf('Mul', {
    ...{ name: `${name} (step of the bias)`, output: [`${output[0]} (step of the bias)`] },
    input: operands.map(([, scale]) => input[scale] ?? ''),
  });
  const real = nodeOf('DequantizeLinear', {
    ...{ name: `${name} (input ${bias})`, output: [`${output[0]} (input ${bias})`] },
    ...{ attribute: [integerAttribute('axis', 0)] },
    input: [input[bias], step.output[0]],
  });
  return [step, real];
}

/** A node and what makes bytes of its result; without a scale the result is real. */
function quantised(real: OnnxNode, scale: string, zeroPoint: string): OnnxNode[] {
  if (scale === '') return [real];
  const label = `${real.output[0]} (real)`;
  const behind = nodeOf('QuantizeLinear', {
    ...{ name: `${real.name} (output)`, output: real.output },
    input: [label, scale, zeroPoint],
  });
  return [{ ...real, output: [label] }, behind];
}
