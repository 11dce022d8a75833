/** Small ONNX models, encoded from scratch, and onnxruntime to run them. */
import { modelType } from '../../src/conversion/onnx/schema.ts';
import { Random } from './random.ts';

const FLOAT = 1;
const INT64 = 7;

export type Attribute = Readonly<Record<string, unknown>>;
export const int = (i: number): Attribute => ({ i, type: 2 });
export const float = (f: number): Attribute => ({ f, type: 1 });
export const text = (s: string): Attribute => ({ s: Buffer.from(s), type: 3 });
export const ints = (...values: number[]): Attribute => ({ ints: values, type: 7 });
export const floats = (...values: number[]): Attribute => ({ floats: values, type: 6 });
export const tensor = (t: object): Attribute => ({ t, type: 4 });

export type Dimension = number | string | null;

export interface BuilderOptions {
  readonly opset?: number;
  /** Extents of the image, batch first. */
  readonly image?: readonly Dimension[];
  readonly imageType?: number;
  readonly seed?: number;
}

/** Collects nodes and weights; every piece can be altered before it is encoded. */
export class OnnxBuilder {
  readonly nodes: Record<string, unknown>[] = [];
  readonly initializers: Record<string, unknown>[] = [];
  readonly inputs: object[];
  readonly outputs: object[] = [];
  readonly valueInfo: object[] = [];
  readonly opset: number;
  readonly random: Random;

  constructor({ opset = 13, image = ['n', 3, 8, 8], imageType = FLOAT, seed = 1 }: BuilderOptions = {}) {
    this.opset = opset;
    this.random = new Random(seed);
    this.inputs = [value('image', image, imageType)];
  }

  /** Stores weights; random in ±`reach` unless given. @returns their name */
  weights(dims: readonly number[], values?: readonly number[], reach = 0.6): string {
    const count = dims.reduce((product, extent) => product * extent, 1);
    const floatData = values ?? Array.from({ length: count }, () => (this.random.next() * 2 - 1) * reach);
    return this.store({ dims, dataType: FLOAT, floatData });
  }

  integers(...values: number[]): string {
    return this.store({ dims: [values.length], dataType: INT64, int64Data: values });
  }

  store(initializer: Record<string, unknown>): string {
    const name = `w${this.initializers.length}`;
    this.initializers.push({ name, ...initializer });
    return name;
  }

  /** Appends a node. @returns the name of its output */
  node(
    opType: string,
    input: readonly string[],
    attributes: Readonly<Record<string, Attribute>> = {},
  ): string {
    const output = `${opType.toLowerCase()}_${this.nodes.length}`;
    const attribute = Object.entries(attributes).map(([name, content]) => ({ name, ...content }));
    this.nodes.push({
      name: `${opType}_${this.nodes.length}`,
      opType,
      input: [...input],
      output: [output],
      attribute,
    });
    return output;
  }

  convolution(input: string, outputs: number, inputs: number, kernel = 3, pad = 1): string {
    const attributes = { pads: ints(pad, pad, pad, pad), kernel_shape: ints(kernel, kernel) };
    return this.node(
      'Conv',
      [input, this.weights([outputs, inputs, kernel, kernel]), this.weights([outputs])],
      attributes,
    );
  }

  batchNormalization(input: string, channels: number): string {
    const positive = Array.from({ length: channels }, () => 0.3 + this.random.next());
    return this.node('BatchNormalization', [
      input,
      this.weights([channels]),
      this.weights([channels]),
      this.weights([channels]),
      this.weights([channels], positive),
    ]);
  }

  output(name: string, dims?: readonly Dimension[]): this {
    this.outputs.push(value(name, dims, FLOAT));
    return this;
  }

  /** Operator sets beside the standard's, of which nodes are. */
  #contributed(): object[] {
    const domains = new Set(this.nodes.flatMap(({ domain }) => (domain ? [domain] : [])));
    return [...domains].map((domain) => ({ domain, version: 1 }));
  }

  async encode(): Promise<Uint8Array> {
    const type = await modelType();
    const message = type.fromObject({
      irVersion: 8,
      opsetImport: [{ domain: '', version: this.opset }, ...this.#contributed()],
      graph: {
        name: 'test',
        node: this.nodes,
        initializer: this.initializers,
        input: this.inputs,
        output: this.outputs,
        valueInfo: this.valueInfo,
      },
    });
    return type.encode(message).finish();
  }
}

function value(name: string, dims: readonly Dimension[] | undefined, elemType: number): object {
  const dim = dims?.map((extent) =>
    typeof extent === 'number' ? { dimValue: extent } : extent === null ? {} : { dimParam: extent },
  );
  return { name, type: { tensorType: { elemType, ...(dim && { shape: { dim } }) } } };
}

/** Height × width × channels → channels × height × width. */
export function channelsFirst(
  image: Float32Array,
  [height, width, channels]: readonly number[],
): Float32Array {
  return Float32Array.from(image, (_, i) => {
    const pixel = i % (height * width);
    return image[pixel * channels + Math.floor(i / (height * width))];
  });
}

export const onnxruntime = await import('onnxruntime-node').catch(() => null);

/** What onnxruntime makes of one image, height × width × channels. */
export async function runOnnxruntime(
  model: Uint8Array,
  image: Float32Array,
  shape: readonly [number, number, number],
): Promise<Float32Array> {
  if (onnxruntime === null) throw new Error('onnxruntime-node is not installed');
  // As the specification says, without rewrites: with them, a Pad before a MaxPool loses its zeros.
  const session = await onnxruntime.InferenceSession.create(model, {
    intraOpNumThreads: 1,
    logSeverityLevel: 3,
    graphOptimizationLevel: 'disabled',
  });
  const [height, width, channels] = shape;
  const feed = new onnxruntime.Tensor('float32', channelsFirst(image, shape), [1, channels, height, width]);
  const [result] = Object.values(await session.run({ image: feed }));
  await session.release();
  if (!(result.data instanceof Float32Array)) throw new Error('onnxruntime gave no floats');
  return result.data;
}
