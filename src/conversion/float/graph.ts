/**
 * The float graph: what the importer makes of an ONNX model and every rewrite keeps equal. One image, height × width ×
 * channels, no batch dimension. Weights are laid out as in the integer graph: [output][row][column][input].
 */
import { elementCount, type Padding, type Shape } from '../../model/graph.ts';
import type { Formula } from '../formula/formula.ts';

/** A bounded activation in real values; either bound may be infinite. */
export interface FloatClamp {
  readonly minimum: number;
  readonly maximum: number;
}

interface NodeBase {
  /** Unique in the graph; the name of the tensor that the node makes. */
  readonly name: string;
  readonly shape: Shape;
  /** ONNX nodes that this one stands for. */
  readonly sources: readonly string[];
  /** What was folded or composed into this node, in the words of the manifest. */
  readonly rewrites: readonly string[];
}

export interface Window {
  readonly kernel: readonly [height: number, width: number];
  readonly stride: readonly [height: number, width: number];
  readonly padding: Padding;
}

export interface FloatConvolution extends NodeBase, Window {
  readonly op: 'convolution';
  readonly input: string;
  readonly groups: number;
  /** Real value outside the image, per input channel; null for 0. */
  readonly paddingValues: Float64Array | null;
  readonly weights: Float64Array;
  readonly bias: Float64Array;
  readonly clamp: FloatClamp | null;
}

export interface FloatDense extends NodeBase {
  readonly op: 'dense';
  readonly input: string;
  readonly weights: Float64Array;
  readonly bias: Float64Array;
  readonly clamp: FloatClamp | null;
}

/** y = x × scale + offset, per channel. Gone after folding. */
export interface FloatAffine extends NodeBase {
  readonly op: 'affine';
  readonly input: string;
  readonly scale: Float64Array;
  readonly offset: Float64Array;
}

/** A bounded activation of its own. Gone after folding. */
export interface FloatClampNode extends NodeBase {
  readonly op: 'clamp';
  readonly input: string;
  readonly clamp: FloatClamp;
  /** Whether a quantised file stores bytes here: a change of scale where the bounds are others than before. */
  readonly isStored?: true;
}

export interface FloatSigmoid extends NodeBase {
  readonly op: 'sigmoid';
  readonly input: string;
}

/** Any function of one number, the same for every value of the tensor. */
export interface FloatFunction extends NodeBase {
  readonly op: 'function';
  readonly input: string;
  readonly formula: Formula;
}

export interface FloatAdd extends NodeBase {
  readonly op: 'add';
  readonly inputs: readonly string[];
  readonly clamp: FloatClamp | null;
}

export interface FloatConcat extends NodeBase {
  readonly op: 'concat';
  readonly inputs: readonly string[];
}

export interface FloatMultiply extends NodeBase {
  readonly op: 'multiply';
  readonly input: string;
  /** The input's shape, or [1, 1, channels]. */
  readonly gate: string;
  readonly clamp: FloatClamp | null;
}

export interface FloatAveragePool extends NodeBase, Window {
  readonly op: 'averagePool';
  readonly input: string;
  /** True: the divisor is the whole window; false: the pixels of the window that lie in the image. */
  readonly countPadding: boolean;
  readonly clamp: FloatClamp | null;
}

export interface FloatMaxPool extends NodeBase, Window {
  readonly op: 'maxPool';
  readonly input: string;
}

/**
 * [h, w, c] → [1, 1, h·w·c] in row, column, channel order (ONNX flattens channel first; the importer permutes the weights).
 */
export interface FloatFlatten extends NodeBase {
  readonly op: 'flatten';
  readonly input: string;
}

export interface FloatPad extends NodeBase {
  readonly op: 'pad';
  readonly input: string;
  readonly padding: Padding;
}

/** A choice of rows, columns and channels: output[y][x][c] = input[rows[y]][columns[x]][channels[c]]. */
export interface FloatSelect extends NodeBase {
  readonly op: 'select';
  readonly input: string;
  readonly rows: Int32Array;
  readonly columns: Int32Array;
  readonly channels: Int32Array;
}

/** The largest, or the smallest, of tensors of one shape, place by place. */
export interface FloatExtremum extends NodeBase {
  readonly op: 'extremum';
  readonly inputs: readonly string[];
  readonly kind: 'maximum' | 'minimum';
}

/** Largest value of all channels of a pixel. */
export interface FloatChannelMaximum extends NodeBase {
  readonly op: 'channelMaximum';
  readonly input: string;
}

export type FloatNode =
  | FloatConvolution
  | FloatDense
  | FloatAffine
  | FloatClampNode
  | FloatSigmoid
  | FloatFunction
  | FloatAdd
  | FloatConcat
  | FloatMultiply
  | FloatAveragePool
  | FloatMaxPool
  | FloatFlatten
  | FloatPad
  | FloatSelect
  | FloatExtremum
  | FloatChannelMaximum;

/** Nodes with a fused bounded activation. */
export type ClampingNode = Extract<FloatNode, { clamp: FloatClamp | null }>;

export interface FloatGraph {
  readonly inputShape: Shape;
  /** Every node comes after its inputs; `INPUT_NAME` names the image. */
  readonly nodes: readonly FloatNode[];
  /** Name of the tensor that holds the logits. */
  readonly output: string;
  /** For each logit in ONNX's order, its index in the output tensor. */
  readonly outputOrder: Int32Array;
}

/** 0, 1, 2 …: the choice that leaves an axis as it is. */
export function everything(extent: number): Int32Array {
  return Int32Array.from({ length: extent }, (_, i) => i);
}

/** Whether a choice along an axis of this extent leaves it as it is. */
export function isEverything(choice: Int32Array, extent: number): boolean {
  return choice.length === extent && choice.every((place, i) => place === i);
}

/** What only moves or compares values: its tensors share one quantisation. */
export function sharesQuantisation({ op }: FloatNode): boolean {
  return SHARING.has(op);
}

const SHARING: ReadonlySet<FloatNode['op']> = new Set([
  'concat',
  'maxPool',
  'flatten',
  'pad',
  'select',
  'extremum',
  'channelMaximum',
] as const);

export const NO_PADDING: Padding = { top: 0, left: 0, bottom: 0, right: 0 };

export function floatInputsOf(node: FloatNode): readonly string[] {
  switch (node.op) {
    case 'add':
    case 'concat':
    case 'extremum':
      return node.inputs;
    case 'multiply':
      return [node.input, node.gate];
    default:
      return [node.input];
  }
}

/** Multiply-adds of one image. */
export function multiplyAddsOf(node: FloatNode): number {
  switch (node.op) {
    case 'convolution':
      return (elementCount(node.shape) * node.weights.length) / node.shape[2];
    case 'dense':
      return node.weights.length;
    default:
      return 0;
  }
}

export function isPadded({ top, left, bottom, right }: Padding): boolean {
  return top + left + bottom + right > 0;
}

/** Shape of a tensor of the graph, the image included. */
export function shapeIn(graph: FloatGraph, tensor: string): Shape {
  return graph.nodes.find(({ name }) => name === tensor)?.shape ?? graph.inputShape;
}
