/**
 * The integer graph: what the converter emits, the bundle stores, and every engine runs.
 *
 * Every activation is one image tensor of uint8, laid out height × width × channels, with one affine
 * quantisation for the whole tensor: real = scale × (q − zeroPoint) (specification §5, equation 14).
 * Weights are int8 with zero point 0. Accumulators and potentials are int32. There is no batch dimension:
 * a batch is a list of independent images.
 */

/** Height, width, channels. A vector of n features is [1, 1, n]. */
export type Shape = readonly [height: number, width: number, channels: number];

/** Affine 8-bit quantisation; `zeroPoint` in 0…255, `scale` finite and positive. */
export interface Quantisation {
  readonly scale: number;
  readonly zeroPoint: number;
}

export interface ActivationTensor {
  readonly shape: Shape;
  readonly quantisation: Quantisation;
}

/** Rows and columns added around a tensor before a window slides over it. */
export interface Padding {
  readonly top: number;
  readonly left: number;
  readonly bottom: number;
  readonly right: number;
}

/** A fused bounded activation: the output is clipped to these quantised values, 0 ≤ minimum ≤ maximum ≤ 255. */
export interface Clamp {
  readonly minimum: number;
  readonly maximum: number;
}

/**
 * Fixed-point requantisation, one entry per output channel (or one for all where the operator says so):
 * real factor = multiplier × 2^−15 × 2^−shift, multiplier in 1…32767, shift in 0…30. See `requantise.ts`.
 */
export interface Requantisation {
  readonly multiplier: Int16Array;
  readonly shift: Uint8Array;
}

interface NodeBase {
  /** Unique in the graph; the name of the tensor that the node makes. */
  readonly name: string;
  /** Names of the float graph's nodes that this one stands for. */
  readonly sources: readonly string[];
  readonly output: ActivationTensor;
}

/**
 * Convolution with fused bounded activation. `groups` = 1 is dense (pointwise when the kernel is 1×1),
 * `groups` = input channels is depthwise.
 */
export interface ConvolutionNode extends NodeBase {
  readonly op: 'convolution';
  readonly input: string;
  readonly kernel: readonly [height: number, width: number];
  readonly stride: readonly [height: number, width: number];
  readonly padding: Padding;
  readonly groups: number;
  /**
   * Quantised value that stands outside the image, per input channel; the input's zero point unless the input is normalised
   * with a mean.
   */
  readonly paddingValues: Uint8Array;
  /** [output channel][kernel row][kernel column][input channel within the group]. */
  readonly weights: Int8Array;
  /** Real value of one weight step, per output channel; used by reports and by later conversions, never by an engine. */
  readonly weightScales: Float64Array;
  readonly bias: Int32Array;
  readonly requantisation: Requantisation;
  readonly clamp: Clamp;
}

/** Fully connected layer on the flattened input (row, column, channel order). Weights are [output][input]. */
export interface DenseNode extends NodeBase {
  readonly op: 'dense';
  readonly input: string;
  readonly weights: Int8Array;
  readonly weightScales: Float64Array;
  readonly bias: Int32Array;
  readonly requantisation: Requantisation;
  readonly clamp: Clamp;
}

/**
 * Element-wise sum after scale alignment: acc = Σ_i (q_i − z_i) × multipliers[i]; q = z + round(acc / 2^shift).
 * One or more inputs of the output's shape; with one input it is a change of scale.
 * multipliers in 0…32767, shift in 0…30.
 */
export interface AddNode extends NodeBase {
  readonly op: 'add';
  readonly inputs: readonly string[];
  readonly multipliers: Int16Array;
  readonly shift: number;
  readonly clamp: Clamp;
}

/** Channels side by side. Every input has the output's quantisation, height and width. */
export interface ConcatNode extends NodeBase {
  readonly op: 'concat';
  readonly inputs: readonly string[];
}

/**
 * Gate multiply: acc = (x − z_x)(g − z_g), requantised (one entry). The gate has the input's shape or is [1, 1, channels].
 */
export interface MultiplyNode extends NodeBase {
  readonly op: 'multiply';
  readonly input: string;
  readonly gate: string;
  readonly requantisation: Requantisation;
  readonly clamp: Clamp;
}

/** Any function of one quantised value, by a 256-entry table; the sigmoid is one. */
export interface TableNode extends NodeBase {
  readonly op: 'table';
  readonly input: string;
  readonly function: string;
  readonly table: Uint8Array;
}

/**
 * Average pool: acc = Σ (q − z) over the pixels of the window that lie in the image, requantised with entry 0
 * where `requantisation` has one entry (fixed divisor), else with entry n − 1, n being the number of those pixels
 * (then it has kernel height × kernel width entries). A global average pool has the whole image as its kernel.
 */
export interface AveragePoolNode extends NodeBase {
  readonly op: 'averagePool';
  readonly input: string;
  readonly kernel: readonly [height: number, width: number];
  readonly stride: readonly [height: number, width: number];
  readonly padding: Padding;
  readonly requantisation: Requantisation;
  readonly clamp: Clamp;
}

/**
 * Largest value of the pixels of the window that lie in the image; every window has at least one. Output quantisation =
 * input quantisation.
 */
export interface MaxPoolNode extends NodeBase {
  readonly op: 'maxPool';
  readonly input: string;
  readonly kernel: readonly [height: number, width: number];
  readonly stride: readonly [height: number, width: number];
  readonly padding: Padding;
}

/** [h, w, c] → [1, 1, h·w·c], row, column, channel order. No value changes. */
export interface FlattenNode extends NodeBase {
  readonly op: 'flatten';
  readonly input: string;
}

/** A border of the zero point (real 0) around the input. Output quantisation = input quantisation. */
export interface PadNode extends NodeBase {
  readonly op: 'pad';
  readonly input: string;
  readonly padding: Padding;
}

/**
 * A choice of rows, columns and channels: output[y][x][c] = input[rows[y]][columns[x]][channels[c]]. Any may be left out,
 * repeated, or in another order. Output quantisation = input quantisation.
 */
export interface SelectNode extends NodeBase {
  readonly op: 'select';
  readonly input: string;
  readonly rows: Int32Array;
  readonly columns: Int32Array;
  readonly channels: Int32Array;
}

/** The largest, or the smallest, of the inputs' values, place by place. All have the output's shape and quantisation. */
export interface ExtremumNode extends NodeBase {
  readonly op: 'extremum';
  readonly inputs: readonly string[];
  readonly kind: 'maximum' | 'minimum';
}

/** Largest value of all channels of a pixel: [h, w, c] → [h, w, 1]. Output quantisation = input quantisation. */
export interface ChannelMaximumNode extends NodeBase {
  readonly op: 'channelMaximum';
  readonly input: string;
}

export type GraphNode =
  | ConvolutionNode
  | DenseNode
  | AddNode
  | ConcatNode
  | MultiplyNode
  | TableNode
  | AveragePoolNode
  | MaxPoolNode
  | FlattenNode
  | PadNode
  | SelectNode
  | ExtremumNode
  | ChannelMaximumNode;

export type Operator = GraphNode['op'];

/**
 * The last layer: potentials[class] = bias[class] + Σ_i (embedding[i] − z) × weights[class][i], int32, never
 * requantised. One scale for all classes, so that potentials compare: logit = potential × `scale`.
 */
export interface Head {
  /** Name of the tensor that is the embedding; flattened in row, column, channel order. */
  readonly input: string;
  readonly sources: readonly string[];
  /** [class][embedding element]. */
  readonly weights: Int8Array;
  readonly bias: Int32Array;
  readonly scale: number;
}

export interface IntegerGraph {
  readonly input: ActivationTensor;
  /** Class names in the order of the potentials. */
  readonly classes: readonly string[];
  /** In an order in which every node comes after its inputs. `INPUT_NAME` names the graph's input. */
  readonly nodes: readonly GraphNode[];
  readonly head: Head;
}

/** Name by which nodes refer to the graph's input tensor. */
export const INPUT_NAME = 'input';

/** Names of the tensors that a node reads. */
export function inputsOf(node: GraphNode): readonly string[] {
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

/** Whether a node only moves or compares what others computed: nothing is rescaled, nothing integrates. */
export function passesOn(node: GraphNode): node is PassingNode {
  return PASSING.has(node.op);
}

export type PassingNode = Extract<
  GraphNode,
  { op: 'concat' | 'flatten' | 'pad' | 'maxPool' | 'select' | 'extremum' | 'channelMaximum' }
>;

const PASSING: ReadonlySet<Operator> = new Set<PassingNode['op']>([
  'concat',
  'flatten',
  'pad',
  'maxPool',
  'select',
  'extremum',
  'channelMaximum',
]);

/** Number of values in a tensor of this shape. */
export function elementCount(shape: Shape): number {
  return shape[0] * shape[1] * shape[2];
}

/** Every tensor of the graph by name, the input included. */
export function tensorsOf(graph: IntegerGraph): Map<string, ActivationTensor> {
  const tensors = new Map<string, ActivationTensor>([[INPUT_NAME, graph.input]]);
  for (const node of graph.nodes) tensors.set(node.name, node.output);
  return tensors;
}
