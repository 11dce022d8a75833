/** Convolutions, dense layers and the head of a QDQ graph, with their int8 weights and int32 biases. */
import type { ConvolutionNode, DenseNode, IntegerGraph } from '../../model/graph.ts';
import { realFactors } from './gains.ts';
import { rowsChannelsFirst } from './layout.ts';
import { convolution } from './operators.ts';
import type { QuantisedTensors } from './quantised-tensors.ts';
import type { OnnxWriter } from './writer.ts';

export function emitConvolution(
  writer: OnnxWriter,
  node: ConvolutionNode,
  tensors: QuantisedTensors,
): string {
  const { shape, quantisation } = tensors.specification(node.input);
  const groupInputs = shape[2] / node.groups;
  const outside = Float64Array.from(
    node.paddingValues,
    (value) => (value - quantisation.zeroPoint) * quantisation.scale,
  );
  const { weights, bias } = parametersOf(writer, node.name, {
    weights: rowsChannelsFirst(node.weights, [...node.kernel, groupInputs]),
    dims: [node.output.shape[2], groupInputs, ...node.kernel],
    bias: node.bias,
    scales: weightScales(node, quantisation.scale),
    inputScale: quantisation.scale,
  });
  return convolution(
    writer,
    node.name,
    { ...tensors.stored(node.input), name: tensors.real(node.input) },
    node,
    {
      weights,
      bias,
      groups: node.groups,
      outside: outside.some((value) => value !== 0) ? outside : null,
    },
  );
}

export function emitDense(writer: OnnxWriter, node: DenseNode, tensors: QuantisedTensors): string {
  const { scale } = tensors.specification(node.input).quantisation;
  return emitGemm(writer, node.name, { ...node, scales: weightScales(node, scale) }, tensors);
}

export function emitHead(writer: OnnxWriter, { head }: IntegerGraph, tensors: QuantisedTensors): string {
  const { scale } = tensors.specification(head.input).quantisation;
  return emitGemm(writer, 'head', { ...head, scales: [head.scale / scale] }, tensors);
}

interface DenseParameters {
  readonly input: string;
  readonly weights: Int8Array;
  readonly bias: Int32Array;
  readonly scales: readonly number[];
}

function emitGemm(
  writer: OnnxWriter,
  name: string,
  { input, weights: rows, bias: values, scales }: DenseParameters,
  tensors: QuantisedTensors,
): string {
  const { weights, bias } = parametersOf(writer, name, {
    weights: rowsChannelsFirst(rows, tensors.stored(input).shape),
    dims: [values.length, rows.length / values.length],
    bias: values,
    scales,
    inputScale: tensors.specification(input).quantisation.scale,
  });
  return writer.node('Gemm', name, [tensors.real(input, 'vector'), weights, bias], { transB: 1 });
}

/** Real value of one weight step for each output, as the fixed-point factors have it. */
function weightScales({ requantisation, output }: ConvolutionNode | DenseNode, inputScale: number): number[] {
  return realFactors(requantisation).map((factor) => (factor * output.quantisation.scale) / inputScale);
}

interface LayerParameters {
  readonly weights: Int8Array;
  readonly dims: readonly number[];
  readonly bias: Int32Array;
  /** One for all outputs, or one each. */
  readonly scales: readonly number[];
  readonly inputScale: number;
}

function parametersOf(
  writer: OnnxWriter,
  name: string,
  { weights, dims, bias, scales, inputScale }: LayerParameters,
): { weights: string; bias: string } {
  const perChannel = scales.length > 1;
  const extents = perChannel ? [scales.length] : [];
  const attributes = perChannel ? { axis: 0 } : {};
  const dequantised = (
    label: string,
    values: string,
    steps: readonly number[],
    zeros: Int8Array | Int32Array,
  ) => {
    const scale = writer.floats(`${name}/${label}_scale`, extents, steps);
    const zeroPoint = writer.constant(`${name}/${label}_zero_point`, extents, zeros);
    return writer.node('DequantizeLinear', `${name}/${label}`, [values, scale, zeroPoint], attributes);
  };
  const steps = scales.map((scale) => scale * inputScale);
  return {
    weights: dequantised(
      'weights',
      writer.constant(`${name}/weights_int8`, dims, weights),
      scales,
      new Int8Array(scales.length),
    ),
    bias: dequantised(
      'bias',
      writer.constant(`${name}/bias_int32`, [bias.length], bias),
      steps,
      new Int32Array(scales.length),
    ),
  };
}
