/** The state of one import: what is known of every ONNX tensor while the graph is walked in order. */
import { RefusedError } from '../../errors.ts';
import { elementCount, INPUT_NAME, type Quantisation, type Shape } from '../../model/graph.ts';
import type { FloatNode } from '../float/graph.ts';
import type { Attributes } from './attributes.ts';
import type { OnnxNode } from './decode.ts';
import type { Constant, StoredType } from './tensor.ts';

/** A tensor that depends on the image. */
export interface Activation {
  /** Its name in the float graph. */
  readonly name: string;
  /** ONNX extents, batch first (1): [1, C, H, W], [1, C] or [1, C, 1]. */
  readonly dims: readonly number[];
  /** For each element of a vector in ONNX's order, its index in the float graph's tensor; null where both agree. */
  readonly order: Int32Array | null;
  /** Which of N, C, H, W (0…3) each axis is, where a Transpose moved them: `dims` follow this order then. */
  readonly axes?: readonly number[];
}

/** A map whose channels lie on two axes. */
export interface ChannelGrid {
  /** Tensor in ONNX whose map it is. */
  readonly of: string;
  /** [1, first, second, H, W] */
  readonly dims: readonly number[];
  /** For each channel, counted along the two axes, its place in the map. */
  readonly channels: Int32Array;
}

/** A tensor of bytes, as a graph holds it between QuantizeLinear and DequantizeLinear. */
export interface StoredTensor {
  readonly activation: Activation;
  readonly type: StoredType;
  readonly scale: number;
  /** Counted from the least number that the type holds. */
  readonly zeroPoint: number;
  /** What was looked up for every byte; its own quantisation is said by the DequantizeLinear that follows. */
  readonly table?: Uint8Array;
}

/** Brings one operator into the float graph. */
export type Importer = (operation: Operation, context: ImportContext) => void;

/** Omits from each kind of node what the context fills in. */
type Draft<N> = N extends FloatNode ? Omit<N, 'name' | 'shape' | 'sources' | 'rewrites'> : never;
export type NodeDraft = Draft<FloatNode>;

/** One ONNX node as its handler sees it. */
export interface Operation {
  readonly node: OnnxNode;
  /** The node's own name, or its operator and place in the file. */
  readonly label: string;
  readonly attributes: Attributes;
}

/** Extents of the float graph's tensor for ONNX extents [1, C, H, W] or [1, C, 1…]. */
export function shapeOf(dims: readonly number[]): Shape {
  return dims.length === 4 ? [dims[2], dims[3], dims[1]] : [1, 1, dims[1]];
}

/** Values of all constants that are computed: those of the largest file, once more. */
const MOST_COMPUTED = 2 ** 27;
/** Elements of all tensors of one image: ResNet-50 at 1,024 pixels, nothing folded, has 2^29.4. */
const MOST_ELEMENTS = 2 ** 30;

export class ImportContext {
  readonly opset: number;
  readonly outputs: ReadonlySet<string>;
  readonly nodes: FloatNode[] = [];
  /** Tensors of bytes, by their ONNX names. */
  readonly stored = new Map<string, StoredTensor>();
  /** What the file says of scales and zero points, by the names of nodes. */
  readonly stated = {
    activations: new Map<string, Quantisation>(),
    weights: new Map<string, Float64Array>(),
  };
  /** Whether activations have steps that no byte can have. */
  losesScales = false;
  /** Maps whose channels lie on two axes for a while, by their ONNX names. */
  readonly grids = new Map<string, ChannelGrid>();
  readonly #activations = new Map<string, Activation>();
  readonly #constants: Map<string, Constant>;
  readonly #names = new Set<string>([INPUT_NAME]);
  /** Tensors whose maker was refused: what depends on them is not reported again. */
  readonly #unknown = new Set<string>();

  #computed = 0;
  #elements = 0;

  constructor(opset: number, constants: Map<string, Constant>, outputs: ReadonlySet<string>) {
    this.opset = opset;
    this.#constants = constants;
    this.outputs = outputs;
  }

  define(tensor: string, activation: Activation): void {
    this.#activations.set(tensor, activation);
  }

  defineConstant(tensor: string, constant: Constant): void {
    this.#constants.set(tensor, constant);
  }

  /** Counts what folding has made. @throws RefusedError `ONNX_TOO_LARGE` where a file makes much of little */
  chargeConstant({ label }: Operation, values: number): void {
    this.#computed += values;
    if (this.#computed <= MOST_COMPUTED) return;
    throw new RefusedError('ONNX_TOO_LARGE', 'The constants that the graph computes are too large together', {
      node: label,
      expected: `at most ${MOST_COMPUTED} values`,
      remedy: 'run the exporter’s simplification first, or use a smaller network',
    });
  }

  markUnknown(node: OnnxNode): void {
    for (const output of node.output) this.#unknown.add(output);
  }

  dependsOnUnknown(node: OnnxNode): boolean {
    return node.input.some((input) => this.#unknown.has(input));
  }

  findActivation(tensor: string): Activation | undefined {
    return this.#activations.get(tensor);
  }

  findConstant(tensor: string | undefined): Constant | undefined {
    return tensor === undefined || tensor === '' ? undefined : this.#constants.get(tensor);
  }

  /** @throws RefusedError `ONNX_CONSTANT_OPERAND` where the input is a constant, `ONNX_OPERANDS` where it is left out */
  activation(operation: Operation, index: number): Activation {
    const tensor = this.#operand(operation, index);
    const found = this.#activations.get(tensor);
    if (this.grids.has(tensor)) {
      throw new RefusedError('ONNX_RANK', `${operation.node.opType} on a tensor of five axes`, {
        node: operation.label,
        expected: 'at most four axes; five only within a channel shuffle',
        received: `[${this.grids.get(tensor)?.dims.join(', ')}]`,
      });
    }
    if (found === undefined) {
      throw new RefusedError(
        'ONNX_CONSTANT_OPERAND',
        'An operator works on a constant where the image belongs',
        {
          node: operation.label,
          field: tensor,
          remedy: 'run the exporter’s constant folding first',
        },
      );
    }
    return found;
  }

  /**
   * An activation with height and width, its channels in ONNX's order.
   * @throws RefusedError `ONNX_RANK`, `ONNX_SHAPE` where the channels are the pixels of a flattened map
   */
  image(operation: Operation, index: number): Activation {
    const activation = this.activation(operation, index);
    if (activation.dims.length !== 4) {
      throw new RefusedError('ONNX_RANK', `${operation.node.opType} needs an image with height and width`, {
        node: operation.label,
        expected: '[N, C, H, W]',
        received: `[${activation.dims.join(', ')}]`,
      });
    }
    if (activation.order !== null) {
      throw new RefusedError(
        'ONNX_SHAPE',
        `${operation.node.opType} of a map that was flattened into channels`,
        {
          node: operation.label,
          expected: 'channels that no Flatten or Reshape made',
          remedy: 'use a linear layer (Gemm or MatMul) on flattened features',
        },
      );
    }
    return activation;
  }

  /** A weight that is stored in the model. @throws RefusedError `ONNX_DYNAMIC_WEIGHT`, `ONNX_OPERANDS` */
  constant(operation: Operation, index: number): Constant {
    const tensor = this.#operand(operation, index);
    const found = this.#constants.get(tensor);
    if (found === undefined) {
      throw new RefusedError('ONNX_DYNAMIC_WEIGHT', 'A parameter is computed from the image', {
        node: operation.label,
        field: tensor,
        expected: 'a constant stored in the model',
        remedy: 'store it as an initializer, or rebuild the layer as a gate (Sigmoid, then Mul)',
      });
    }
    return found;
  }

  /** Float parameters, all finite. @throws RefusedError `ONNX_NOT_FINITE`, `ONNX_DATA_TYPE` */
  weights(operation: Operation, index: number): Constant {
    const found = this.constant(operation, index);
    if (found.kind !== 'float') {
      throw new RefusedError('ONNX_DATA_TYPE', 'A weight is not of type float32', {
        node: operation.label,
        field: operation.node.input[index],
        expected: 'float32',
        received: 'integers',
      } as const);
    }
    const bad = found.values.findIndex((value) => !Number.isFinite(value));
    if (bad >= 0) {
      throw new RefusedError('ONNX_NOT_FINITE', 'A weight is not a finite number', {
        node: operation.label,
        field: `${operation.node.input[index]}[${bad}]`,
        received: `${found.values[bad]}`,
        remedy: 'the training diverged or the file is damaged; export a sound checkpoint',
      });
    }
    return found;
  }

  #operand({ node, label }: Operation, index: number): string {
    const tensor = node.input[index];
    if (tensor === undefined || tensor === '') {
      throw new RefusedError('ONNX_OPERANDS', `${node.opType} lacks an input`, {
        node: label,
        expected: `input ${index}`,
        received: `${node.input.length} inputs`,
        remedy: 'export the model again',
      });
    }
    return tensor;
  }

  /** Appends a node of the float graph that makes the operation's first output. */
  emit(
    operation: Operation,
    draft: NodeDraft,
    dims: readonly number[],
    order: Int32Array | null = null,
  ): void {
    const name = this.append(operation, draft, shapeOf(dims));
    this.define(operation.node.output[0], { name, dims, order });
  }

  /** Appends a node without giving it an ONNX name. @returns its name in the float graph */
  append(operation: Operation, draft: NodeDraft, shape: Shape): string {
    const name = this.#uniqueName(operation.label);
    if (shape.some((extent) => extent < 1) || elementCount(shape) > 2 ** 26) {
      throw new RefusedError('ONNX_SHAPE', 'A tensor of the graph has an impossible size', {
        node: operation.label,
        expected: 'positive extents, at most 2^26 elements',
        received: shape.join('×'),
      });
    }
    this.#elements += elementCount(shape);
    if (this.#elements > MOST_ELEMENTS) {
      throw new RefusedError('ONNX_TOO_LARGE', 'The tensors of the graph are too large together', {
        node: operation.label,
        expected: `at most ${MOST_ELEMENTS} elements for one image`,
        remedy: 'use smaller images (--size), or a smaller network',
      });
    }
    this.nodes.push({ ...draft, name, shape, sources: [operation.label], rewrites: [] });
    return name;
  }

  /** A tensor of bytes. */
  store(tensor: string, stored: StoredTensor): void {
    this.stored.set(tensor, stored);
    this.define(tensor, stored.activation);
  }

  /** Notes the steps of a layer's weights, where the file has them and one per output, or one for all. */
  stateWeights({ label }: Operation, { steps }: Constant, outputAxis: number): void {
    if (steps === undefined || (steps.axis !== null && steps.axis !== outputAxis)) return;
    this.stated.weights.set(label, steps.scales);
  }

  /** The operation's output is its input under another name. */
  alias(operation: Operation, activation: Activation): void {
    this.define(operation.node.output[0], activation);
  }

  #uniqueName(label: string): string {
    const base = label.slice(0, 200);
    let name = base;
    for (let i = 2; this.#names.has(name); i++) name = `${base}.${i}`;
    this.#names.add(name);
    return name;
  }
}
