/** ONNX networks with random weights, in few words; a tensor is known by its name and what stands in it. */
import { OnnxWriter } from '../../conversion/export/writer.ts';
import { seededRandom } from '../../random.ts';

/** A tensor [n, channels, side, side]. */
export interface FeatureMap {
  readonly name: string;
  readonly channels: number;
  readonly side: number;
}

export interface Layer {
  readonly channels: number;
  readonly kernel: number;
  readonly stride?: number;
  readonly groups?: number;
}

export class NetworkBuilder {
  readonly image: FeatureMap;
  readonly #writer = new OnnxWriter();
  readonly #random: () => number;
  readonly #side: number;

  /** @param side of the square RGB image, pixels */
  constructor(side: number, seed: number) {
    this.#random = seededRandom(seed);
    this.#side = side;
    this.image = { name: this.#writer.image, channels: 3, side };
  }

  /** Without bias, padded so that stride 1 keeps the side; batch norm behind it, as it comes out of a training. */
  convolution(input: FeatureMap, { channels, kernel, stride = 1, groups = 1 }: Layer): FeatureMap {
    const perGroup = input.channels / groups;
    const taps = kernel * kernel * perGroup;
    const border = Math.floor(kernel / 2);
    const dims = [channels, perGroup, kernel, kernel];
    // He's initialisation keeps the size of what goes through: uniform in ±√(6 / inputs).
    const weights = this.#uniform('weights', dims, -Math.sqrt(6 / taps), Math.sqrt(6 / taps));
    const name = this.#writer.node('Conv', 'convolution', [input.name, weights], {
      kernel_shape: [kernel, kernel],
      strides: [stride, stride],
      pads: [border, border, border, border],
      group: groups,
    });
    const side = Math.floor((input.side + 2 * border - kernel) / stride) + 1;
    return this.#batchNorm({ name, channels, side });
  }

  relu(input: FeatureMap): FeatureMap {
    return { ...input, name: this.#writer.node('Relu', 'relu', [input.name]) };
  }

  relu6(input: FeatureMap): FeatureMap {
    const bounds = [0, 6].map((bound) => this.#writer.floats('bound', [], [bound]));
    return { ...input, name: this.#writer.node('Clip', 'relu6', [input.name, ...bounds]) };
  }

  add(one: FeatureMap, other: FeatureMap): FeatureMap {
    return { ...one, name: this.#writer.node('Add', 'sum', [one.name, other.name]) };
  }

  maxPool(input: FeatureMap, kernel: number, border = 0): FeatureMap {
    const name = this.#writer.node('MaxPool', 'pool', [input.name], {
      kernel_shape: [kernel, kernel],
      strides: [2, 2],
      pads: [border, border, border, border],
    });
    return { ...input, name, side: Math.floor((input.side + 2 * border - kernel) / 2) + 1 };
  }

  globalAverage(input: FeatureMap): FeatureMap {
    return { ...input, name: this.#writer.node('GlobalAveragePool', 'average', [input.name]), side: 1 };
  }

  flatten(input: FeatureMap): FeatureMap {
    const name = this.#writer.node('Flatten', 'vector', [input.name], { axis: 1 });
    return { name, channels: input.channels * input.side ** 2, side: 1 };
  }

  dense(input: FeatureMap, channels: number): FeatureMap {
    const reach = Math.sqrt(6 / input.channels);
    const weights = this.#uniform('weights', [channels, input.channels], -reach, reach);
    const bias = this.#uniform('bias', [channels], -0.1, 0.1);
    return {
      ...input,
      name: this.#writer.node('Gemm', 'dense', [input.name, weights, bias], { transB: 1 }),
      channels,
    };
  }

  /** The file; `logits` go out. */
  encode(logits: FeatureMap): Promise<Uint8Array> {
    return this.#writer.encode([this.#side, this.#side, 3], logits.name, logits.channels);
  }

  #batchNorm(input: FeatureMap): FeatureMap {
    const dims = [input.channels];
    const [scale, variance] = ['scale', 'variance'].map((name) => this.#uniform(name, dims, 0.8, 1.2));
    const [offset, mean] = ['offset', 'mean'].map((name) => this.#uniform(name, dims, -0.2, 0.2));
    const operands = [input.name, scale, offset, mean, variance];
    return { ...input, name: this.#writer.node('BatchNormalization', 'normalised', operands) };
  }

  #uniform(name: string, dims: readonly number[], minimum: number, maximum: number): string {
    const length = dims.reduce((product, extent) => product * extent, 1);
    const values = Float32Array.from({ length }, () => minimum + (maximum - minimum) * this.#random());
    return this.#writer.constant(name, dims, values);
  }
}
