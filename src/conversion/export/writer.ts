/** An ONNX file under construction: opset 17, one float image in, one vector of logits out. */
import type { Shape } from '../../model/graph.ts';
import { modelType } from '../onnx/schema.ts';

export const EXPORT_OPSET = 17;
/** First version of the file format that holds this operator set. */
const IR_VERSION = 8;
const IMAGE = 'image';
const LOGITS = 'logits';

/** Numbers of ONNX's data types. */
export const DATA_TYPES = { float32: 1, uint8: 2, int8: 3, int32: 6, int64: 7 } as const;
/** Numbers of ONNX's kinds of attribute. */
const FLOAT = 1;
const INT = 2;
const INTS = 7;

/** Whole numbers are INT and INTS; `float` marks the others. */
export type Attributes = Readonly<Record<string, number | readonly number[] | { readonly float: number }>>;

type Values = Float32Array | Uint8Array | Int8Array | Int32Array | BigInt64Array;

interface NodeMessage {
  readonly name: string;
  readonly opType: string;
  readonly input: readonly string[];
  readonly output: readonly string[];
  readonly attribute: readonly object[];
}

export class OnnxWriter {
  /** Name of the image: float32, [n, channels, height, width]. */
  readonly image = IMAGE;
  /** Name of what goes out: float32, [n, count]. */
  readonly logits = LOGITS;
  readonly #nodes: NodeMessage[] = [];
  readonly #initializers: object[] = [];
  readonly #names = new Set<string>([IMAGE, LOGITS]);

  /** Stores a constant. @returns its name */
  constant(base: string, dims: readonly number[], values: Values): string {
    const name = this.#unique(base);
    const rawData = new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
    this.#initializers.push({ name, dims: [...dims], dataType: dataTypeOf(values), rawData });
    return name;
  }

  /** Stores real numbers as float32. @returns their name */
  floats(base: string, dims: readonly number[], values: Iterable<number>): string {
    return this.constant(base, dims, Float32Array.from(values));
  }

  /** Stores extents or axes. @returns their name */
  integers(base: string, values: readonly number[]): string {
    return this.constant(base, [values.length], BigInt64Array.from(values, BigInt));
  }

  /** Appends an operator with one output. @returns the name of its tensor, `base` unless that is taken */
  node(opType: string, base: string, input: readonly string[], attributes: Attributes = {}): string {
    const name = this.#unique(base);
    const attribute = Object.entries(attributes).map(([key, value]) => {
      if (typeof value === 'number') return { name: key, i: value, type: INT };
      return 'float' in value
        ? { name: key, f: value.float, type: FLOAT }
        : { name: key, ints: [...value], type: INTS };
    });
    this.#nodes.push({ name, opType, input, output: [name], attribute });
    return name;
  }

  /**
   * The file. `logits`: the tensor that goes out, [n, `count`]; it becomes the graph's output `logits`. `others`: tensors
   * that go out as well, under their own names.
   */
  async encode(
    [height, width, channels]: Shape,
    logits: string,
    count: number,
    others: readonly string[] = [],
  ): Promise<Uint8Array> {
    const type = await modelType();
    const renamed = (tensor: string) => (tensor === logits ? LOGITS : tensor);
    const message = type.fromObject({
      irVersion: IR_VERSION,
      producerName: 'spikescope',
      opsetImport: [{ domain: '', version: EXPORT_OPSET }],
      graph: {
        name: 'spikescope',
        node: this.#nodes.map((node) => ({
          ...node,
          input: node.input.map(renamed),
          output: node.output.map(renamed),
        })),
        initializer: this.#initializers,
        input: [value(IMAGE, [channels, height, width])],
        output: [value(LOGITS, [count]), ...others.map(shapeless)],
      },
    });
    return type.encode(message).finish();
  }

  #unique(base: string): string {
    let name = base;
    for (let i = 2; this.#names.has(name); i++) name = `${base}.${i}`;
    this.#names.add(name);
    return name;
  }
}

function dataTypeOf(values: Values): number {
  if (values instanceof Float32Array) return DATA_TYPES.float32;
  if (values instanceof Uint8Array) return DATA_TYPES.uint8;
  if (values instanceof Int8Array) return DATA_TYPES.int8;
  return values instanceof Int32Array ? DATA_TYPES.int32 : DATA_TYPES.int64;
}

/** A float32 tensor whose shape the runtime finds out. */
function shapeless(name: string): object {
  return { name, type: { tensorType: { elemType: DATA_TYPES.float32 } } };
}

/** A float32 tensor with a symbolic batch before `extents`. */
function value(name: string, extents: readonly number[]): object {
  const dim = [{ dimParam: 'n' }, ...extents.map((dimValue) => ({ dimValue }))];
  return { name, type: { tensorType: { elemType: DATA_TYPES.float32, shape: { dim } } } };
}
