/** ONNX networks in few words: layers with weights that keep the size of what goes through them. */
import { type Attribute, float, floats, int, ints, OnnxBuilder, tensor, text } from './onnx.ts';

/** Whole numbers are INT and INTS; `float` and `floats` mark the others. */
export type AttributeValue =
  | number
  | string
  | readonly number[]
  | { readonly float: number }
  | { readonly floats: readonly number[] }
  | { readonly tensor: object };

export type Attributes = Readonly<Record<string, AttributeValue>>;

function attributeOf(value: AttributeValue): Attribute {
  if (typeof value === 'number') return int(value);
  if (typeof value === 'string') return text(value);
  if ('float' in value) return float(value.float);
  if ('floats' in value) return floats(...value.floats);
  if ('tensor' in value) return tensor(value.tensor);
  return ints(...value);
}

export interface SketchOptions {
  readonly side?: number;
  readonly opset?: number;
  readonly seed?: number;
}

/** One square RGB image in. */
export class OnnxSketch extends OnnxBuilder {
  readonly image = 'image';

  constructor({ side = 8, opset = 17, seed = 1 }: SketchOptions = {}) {
    super({ opset, seed, image: ['n', 3, side, side] });
  }

  /** Any node. @returns the name of its output */
  draw(opType: string, input: readonly string[], attributes: Attributes = {}): string {
    const converted = Object.entries(attributes).map(([name, value]) => [name, attributeOf(value)] as const);
    return this.node(opType, input, Object.fromEntries(converted));
  }

  /** A node with several outputs. @returns their names */
  drawMany(
    opType: string,
    input: readonly string[],
    count: number,
    attributes: Attributes = {},
  ): readonly string[] {
    const first = this.draw(opType, input, attributes);
    const node = this.nodes[this.nodes.length - 1];
    const names = Array.from({ length: count }, (_, i) => (i === 0 ? first : `${first}.${i}`));
    node.output = [...names];
    return names;
  }

  /** Random in ±√(3 / inputs). */
  scaled(dims: readonly number[], inputs: number): string {
    return this.weights(dims, undefined, Math.sqrt(3 / inputs));
  }

  between(minimum: number, maximum: number, dims: readonly number[]): string {
    const count = dims.reduce((product, extent) => product * extent, 1);
    const values = Array.from({ length: count }, () => minimum + (maximum - minimum) * this.random.next());
    return this.weights(dims, values);
  }

  scalar(value: number): string {
    return this.weights([], [value]);
  }

  /** With bias; `kernel` is square unless two extents are given. */
  conv(
    input: string,
    inputs: number,
    outputs: number,
    kernel: number | readonly [number, number] = 3,
    attributes: Attributes = {},
  ): string {
    const [height, width] = typeof kernel === 'number' ? [kernel, kernel] : kernel;
    const perGroup = inputs / (typeof attributes.group === 'number' ? attributes.group : 1);
    const weights = this.scaled([outputs, perGroup, height, width], perGroup * height * width);
    return this.draw('Conv', [input, weights, this.between(-0.3, 0.3, [outputs])], attributes);
  }

  batchNorm(input: string, channels: number): string {
    const gamma = this.between(0.5, 1.5, [channels]);
    const beta = this.between(-0.4, 0.4, [channels]);
    const mean = this.between(-0.3, 0.3, [channels]);
    const variance = this.between(0.4, 2, [channels]);
    return this.draw('BatchNormalization', [input, gamma, beta, mean, variance], {
      epsilon: { float: 1e-3 },
    });
  }

  relu6(input: string): string {
    return this.draw('Clip', [input, this.scalar(0), this.scalar(6)]);
  }

  linear(input: string, inputs: number, outputs: number): string {
    const weights = this.scaled([outputs, inputs], inputs);
    return this.draw('Gemm', [input, weights, this.between(-0.3, 0.3, [outputs])], { transB: 1 });
  }

  /** Global average, flatten, linear: a map becomes logits. */
  classify(map: string, channels: number, classes: number): string {
    return this.linear(this.draw('Flatten', [this.draw('GlobalAveragePool', [map])]), channels, classes);
  }
}
