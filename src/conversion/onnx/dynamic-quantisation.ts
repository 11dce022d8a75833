/**
 * Graphs that choose their scales for every image anew (DynamicQuantizeLinear, ConvInteger, MatMulInteger): a fixed integer
 * graph cannot. Whatever the scale, sums of whole numbers times it are those of the real numbers; so the scale becomes 1,
 * the tensor stays real, and calibration chooses for all images.
 */
import { RefusedError } from '../../errors.ts';
import type { OnnxNode, OnnxTensor } from './decode.ts';
import { integerAttribute, isStandard, makersOf, nodeOf } from './nodes.ts';

/** The operator on real numbers, and the axis of the outputs among its weights'. */
const INTEGER_FORMS: Readonly<Record<string, RealForm>> = {
  ConvInteger: { opType: 'Conv', outputAxis: 0 },
  MatMulInteger: { opType: 'MatMul', outputAxis: -1 },
};

interface RealForm {
  readonly opType: string;
  readonly outputAxis: number;
}

const FLOAT32 = 1;
const UINT8 = 2;

/** @throws RefusedError `ONNX_OPERATOR` where sums are not multiplied by the scale that their tensor was divided by */
export function withoutDynamic(nodes: readonly OnnxNode[]): OnnxNode[] {
  if (!nodes.some(({ opType, domain }) => isStandard({ domain }) && INTEGER_FORMS[opType] !== undefined))
    return [...nodes];
  const makers = makersOf(nodes);
  const readers = new Map<string, OnnxNode[]>();
  for (const node of nodes) {
    for (const input of node.input) readers.set(input, [...(readers.get(input) ?? []), node]);
  }
  return nodes.flatMap((node, index) => {
    const named = { ...node, name: node.name || `${node.opType}_${index}` };
    if (!isStandard(node)) return [node];
    if (node.opType === 'DynamicQuantizeLinear') return unscaled(named);
    const real = INTEGER_FORMS[node.opType];
    if (real === undefined) return [node];
    const source = makers.get(node.input[0] ?? '');
    const isDynamic = source?.opType === 'DynamicQuantizeLinear' && source.output[0] === node.input[0];
    if (isDynamic && !isScaledBack(node, source.output[1] ?? '', readers)) throw notScaledBack(named, source);
    return inRealNumbers(named, real, isDynamic);
  });
}

/** The tensor as it is, a scale of 1 and a zero point of 0. */
function unscaled({ name, input, output }: OnnxNode): OnnxNode[] {
  const [values, scale, zeroPoint] = output;
  return [
    nodeOf('Identity', { name, input: input.slice(0, 1), output: [values ?? ''] }),
    ...(scale ? [constant(`${name} (scale)`, scale, one())] : []),
    ...(zeroPoint ? [constant(`${name} (zero point)`, zeroPoint, zero())] : []),
  ];
}

/** Whole numbers as real ones: steps of 1. */
function inRealNumbers(node: OnnxNode, { opType, outputAxis }: RealForm, isDynamic: boolean): OnnxNode[] {
  const { name, input, output, attribute } = node;
  const step = `${output[0]} (step)`;
  const asReal = (index: number) =>
    nodeOf('DequantizeLinear', {
      ...{ name: `${name} (input ${index})`, output: [`${output[0]} (input ${index})`] },
      input: [input[index] ?? '', step, input[index + 2] ?? ''],
      attribute: index === 1 ? [integerAttribute('axis', outputAxis)] : [],
    });
  const operands = isDynamic ? [asReal(1)] : [asReal(0), asReal(1)];
  const real = operands.map((each) => each.output[0]);
  return [
    constant(`${name} (step)`, step, one()),
    ...operands,
    nodeOf(opType, { name, output, attribute, input: isDynamic ? [input[0], ...real] : real }),
  ];
}

/** Whether every reader of the sums makes them real and multiplies them by the scale, alone or with the weights' own. */
function isScaledBack(
  { output: [sums] }: OnnxNode,
  scale: string,
  readers: ReadonlyMap<string, readonly OnnxNode[]>,
): boolean {
  const scales = new Set([scale]);
  for (const node of readers.get(scale) ?? []) if (node.opType === 'Mul') scales.add(node.output[0]);
  const casts = readers.get(sums) ?? [];
  const factors = casts.flatMap(({ output }) => readers.get(output[0]) ?? []);
  return (
    casts.length > 0 &&
    factors.length > 0 &&
    casts.every(({ opType }) => opType === 'Cast') &&
    factors.every(({ opType, input }) => opType === 'Mul' && input.some((each) => scales.has(each)))
  );
}

function notScaledBack({ name, opType }: OnnxNode, source: OnnxNode): RefusedError {
  return new RefusedError('ONNX_OPERATOR', `${opType} whose sums depend on a scale chosen for every image`, {
    node: name,
    expected: `its sums through Cast and Mul by the scale of ${source.name || source.opType}`,
    received: opType,
    remedy: 'give the float model, or one quantised with fixed scales (quantize_static)',
  });
}

function constant(name: string, output: string, t: OnnxTensor): OnnxNode {
  const attribute = [{ name: 'value', t, floats: [], ints: [], refAttrName: '' }];
  return nodeOf('Constant', { name, input: [], output: [output], attribute });
}

function scalar(dataType: number): OnnxTensor {
  return {
    ...{ name: '', dims: [], dataType, dataLocation: 0, externalData: [] },
    ...{ floatData: [], int32Data: [], int64Data: [], doubleData: [] },
  };
}
const one = (): OnnxTensor => ({ ...scalar(FLOAT32), floatData: [1] });
const zero = (): OnnxTensor => ({ ...scalar(UINT8), int32Data: [0] });
