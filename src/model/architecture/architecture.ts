/**
 * A float network in no framework's terms: layers in order, each reading tensors that earlier layers made. Training
 * executes it, the exporter turns it into a float graph, the checkpoint stores it. Tensors are laid out
 * height × width × channels; a batch adds one dimension before them.
 */
import type { Shape } from '../graph.ts';

interface LayerBase {
  /** Unique in the network; the name of the tensor that the layer makes. */
  readonly name: string;
}

interface WindowLayer extends LayerBase {
  readonly input: string;
  /** Odd side of the square kernel. Zeros around the image keep the extents at ⌈input / stride⌉. */
  readonly kernel: number;
  readonly stride: number;
  readonly bias: boolean;
  /**
   * Where these zeros lie. By default as many as are needed, an odd one below and right (TensorFlow's `same`); `centred`:
   * (kernel − 1) / 2 on every side, whether they are read or not (PyTorch's habit).
   */
  readonly border?: 'centred';
}

/** Sum over all input channels; pointwise where the kernel is 1. */
export interface ConvolutionLayer extends WindowLayer {
  readonly op: 'convolution';
  readonly filters: number;
}

/** One filter per input channel. */
export interface DepthwiseLayer extends WindowLayer {
  readonly op: 'depthwise';
}

/** Fully connected, over the flattened input in row, column, channel order. Makes [1, 1, units]. */
export interface DenseLayer extends LayerBase {
  readonly op: 'dense';
  readonly input: string;
  readonly units: number;
  readonly bias: boolean;
}

/** γ(x − μ)/√(σ² + ε) + β per channel; μ and σ² of the batch in training, running ones otherwise. */
export interface BatchNormLayer extends LayerBase {
  readonly op: 'batchNorm';
  readonly input: string;
  readonly epsilon: number;
}

/** min(max(x, 0), maximum); null for no upper bound. */
export interface ReluLayer extends LayerBase {
  readonly op: 'relu';
  readonly input: string;
  readonly maximum: number | null;
}

export interface SigmoidLayer extends LayerBase {
  readonly op: 'sigmoid';
  readonly input: string;
}

/** Channels side by side. */
export interface ConcatLayer extends LayerBase {
  readonly op: 'concat';
  readonly inputs: readonly string[];
}

/** Sum of tensors of one shape. */
export interface AddLayer extends LayerBase {
  readonly op: 'add';
  readonly inputs: readonly string[];
}

/** input ⊙ gate; the gate has the input's shape or is [1, 1, channels]. */
export interface MultiplyLayer extends LayerBase {
  readonly op: 'multiply';
  readonly input: string;
  readonly gate: string;
}

/** Windows of size × size side by side; what is left over at the border is dropped. */
export interface PoolLayer extends LayerBase {
  readonly op: 'averagePool' | 'maxPool';
  readonly input: string;
  readonly size: number;
}

/** Mean over height and width. Makes [1, 1, channels]. */
export interface GlobalMeanLayer extends LayerBase {
  readonly op: 'globalMean';
  readonly input: string;
}

/** [h, w, c] → [1, 1, h·w·c], row, column, channel order. */
export interface FlattenLayer extends LayerBase {
  readonly op: 'flatten';
  readonly input: string;
}

/** In training each value is zero with probability `rate`, the others grow by 1/(1 − rate); nothing otherwise. */
export interface DropoutLayer extends LayerBase {
  readonly op: 'dropout';
  readonly input: string;
  readonly rate: number;
}

export type Layer =
  | ConvolutionLayer
  | DepthwiseLayer
  | DenseLayer
  | BatchNormLayer
  | ReluLayer
  | SigmoidLayer
  | ConcatLayer
  | AddLayer
  | MultiplyLayer
  | PoolLayer
  | GlobalMeanLayer
  | FlattenLayer
  | DropoutLayer;

export interface Architecture {
  readonly name: string;
  /** RGB in 0…1. */
  readonly inputShape: Shape;
  /** Every layer comes after its inputs; `INPUT_NAME` of the integer graph names the image. */
  readonly layers: readonly Layer[];
  /** Name of the tensor that holds the logits, [1, 1, classes]. */
  readonly output: string;
}

/** Names of the tensors that a layer reads. */
export function layerInputs(layer: Layer): readonly string[] {
  switch (layer.op) {
    case 'concat':
    case 'add':
      return layer.inputs;
    case 'multiply':
      return [layer.input, layer.gate];
    default:
      return [layer.input];
  }
}

/**
 * The last dense layer's input: what incremental learning and SMOTE call the embedding. Null where the output is no dense
 * layer.
 */
export function embeddingOf({ layers, output }: Architecture): string | null {
  const head = layers.find(({ name }) => name === output);
  return head?.op === 'dense' ? head.input : null;
}
