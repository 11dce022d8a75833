/** Integer graphs for tests: any operator in any setting, and one of QANA's shape. */
import {
  type ActivationTensor,
  type Clamp,
  elementCount,
  type GraphNode,
  INPUT_NAME,
  type IntegerGraph,
  type Padding,
  type Quantisation,
  type Requantisation,
  type Shape,
} from '../../src/model/graph.ts';
import { ACCUMULATOR_LIMIT, fixedPointFor } from '../../src/model/requantise.ts';
import { validateGraph } from '../../src/model/validate/validate.ts';
import { Random } from './random.ts';

/** Channel counts around every width that a vector kernel might care about. */
const CHANNELS = [1, 2, 3, 4, 5, 7, 8, 12, 15, 16, 17, 24, 31, 32, 33, 48, 63, 64, 65, 80, 96, 128, 130];
const MAXIMUM_ELEMENTS = 6_000;
const MAXIMUM_PRODUCTS = 250_000;

interface Named extends ActivationTensor {
  readonly name: string;
}

/** A random input for a graph; one in eight is a single repeated value, often an extreme one. */
export function randomInput(graph: IntegerGraph, random: Random): Uint8Array {
  const length = elementCount(graph.input.shape);
  if (random.chance(1 / 8)) return new Uint8Array(length).fill(random.pick([0, 255, random.integer(0, 255)]));
  return random.bytes(length);
}

/**
 * A valid graph of up to `maximumNodes` operators: odd sizes, strides, groups, asymmetric padding, single channels,
 * extreme weights, factors, zero points and clamps. Small enough for the interpreter.
 */
export function randomGraph(seed: number, maximumNodes = 8): IntegerGraph {
  const builder = new Builder(new Random(seed));
  builder.start(builder.randomShape());
  const count = builder.random.integer(1, maximumNodes);
  for (let i = 0; i < count; i++) builder.addRandomNode();
  return builder.finish(builder.random.integer(1, 9));
}

/** Random graphs half of whose operators choose rows, columns and channels, or compare values. */
export function choosingGraph(seed: number, maximumNodes = 8): IntegerGraph {
  const builder = new Builder(new Random(seed));
  builder.start(builder.randomShape());
  for (let i = builder.random.integer(1, maximumNodes); i > 0; i--) builder.addRandomNode(true);
  return builder.finish(builder.random.integer(1, 9));
}

/** A graph with the layers and sizes of QANA at 64×64 (system specification §3) and random numbers in it. */
export function qanaShapedGraph(seed: number): IntegerGraph {
  const builder = new Builder(new Random(seed), true);
  let x = builder.start([64, 64, 3]);
  for (const filters of [32, 64, 128, 256]) {
    const linear = builder.pointwise(x, filters / 2);
    const quantisation = builder.randomQuantisation();
    const near = builder.pointwise(x, filters / 2, quantisation);
    const far = builder.pointwise(builder.depthwise3x3(linear), filters / 2, quantisation);
    const ghost = builder.concat([near, far]);
    const mask = builder.table(builder.pointwise(builder.depthwise3x3(ghost), filters));
    const gated = builder.multiply(ghost, mask);
    const sum = builder.add([gated, builder.pointwise(x, filters)]);
    x = builder.averagePool(sum, [2, 2], [2, 2], noPadding);
  }
  x = builder.pointwise(builder.depthwise3x3(x), 256);
  const squeezed = builder.averagePool(x, [4, 4], [4, 4], noPadding);
  const gate = builder.table(builder.dense(builder.dense(squeezed, 16), 256));
  builder.multiply(x, gate);
  return builder.finish(7);
}

/**
 * Convolutions of any width with what an engine may compute together with them behind: a table, a multiplication or an
 * addition with another tensor, which stands on either side. Where it asks for it, all zero points are zero.
 */
export function joinedGraph(seed: number): IntegerGraph {
  const random = new Random(seed);
  const builder = new Builder(random, false, random.chance(0.5));
  const [height, width, channels] = builder.randomShape();
  let x = builder.start([height, width, random.chance(0.5) ? 3 : channels]);
  for (let i = random.integer(1, 3); i > 0; i--) {
    const pixels = height * width;
    const products = 9 * pixels * x.shape[2];
    const outputs = random.pick(
      CHANNELS.filter((count) => pixels * count <= MAXIMUM_ELEMENTS && products * count <= MAXIMUM_PRODUCTS),
    );
    const other = random.chance(0.5) ? builder.sameSize(x, outputs, 1) : builder.pointwise(x, outputs);
    let chain = builder.sameSize(x, outputs, random.pick([1, 3]));
    if (random.chance(0.6)) chain = builder.table(chain);
    const pair = random.chance(0.5) ? [chain, other] : [other, chain];
    x = random.pick([
      () => builder.multiply(pair[0], pair[1]),
      () => builder.add(pair),
      () => builder.add([pair[0], pair[1], chain]),
    ])();
    if (random.chance(0.3)) builder.table(other);
  }
  return builder.finish(random.integer(1, 9));
}

/** Depthwise convolutions of several windows and largest values of many channels, with strides and borders of any width. */
export function stridedGraph(seed: number): IntegerGraph {
  const random = new Random(seed);
  const builder = new Builder(random);
  const channels = random.pick([32, 48, ...CHANNELS.filter((count) => count >= 63), 144, 200]);
  const pixels = Math.floor(MAXIMUM_ELEMENTS / channels);
  const height = random.integer(1, Math.min(9, pixels));
  let x = builder.start([height, random.integer(1, Math.min(12, Math.floor(pixels / height))), channels]);
  for (let i = random.integer(1, 3); i > 0; i--) {
    x = random.chance(0.7) ? builder.stridedDepthwise(x) : builder.strided(x, random.pick(CHANNELS));
    builder.randomPool(x);
  }
  return builder.finish(3);
}

/** A first layer on a small image of three channels. */
export function imageGraph(seed: number): IntegerGraph {
  const random = new Random(seed);
  const builder = new Builder(random);
  const kernel = random.pick([3, 5, 7]);
  const x = builder.start([random.integer(1, 9), random.integer(5, 40), 3]);
  builder.strided(x, random.pick([1, 8, 16, 24, 32, 33]), [kernel, kernel]);
  return builder.finish(3);
}

const noPadding: Padding = { top: 0, left: 0, bottom: 0, right: 0 };

class Builder {
  readonly random: Random;
  /** Typical settings only. */
  readonly #tame: boolean;
  readonly #noZeroPoints: boolean;
  readonly #tensors: Named[] = [];
  readonly #nodes: GraphNode[] = [];
  readonly #quantisations: Quantisation[];

  constructor(random: Random, tame = false, noZeroPoints = false) {
    this.random = random;
    this.#tame = tame;
    this.#noZeroPoints = noZeroPoints;
    this.#quantisations = [this.#freshQuantisation(), this.#freshQuantisation()];
  }

  start(shape: Shape): Named {
    const input = { name: INPUT_NAME, shape, quantisation: this.randomQuantisation() };
    this.#tensors.push(input);
    return input;
  }

  finish(classes: number): IntegerGraph {
    const [input] = this.#tensors;
    const embedding = this.#last();
    const length = elementCount(embedding.shape);
    const graph: IntegerGraph = {
      input: { shape: input.shape, quantisation: input.quantisation },
      classes: Array.from({ length: classes }, (_, i) => `class ${i}`),
      nodes: this.#nodes,
      head: {
        input: embedding.name,
        sources: [],
        weights: this.#weights(classes * length),
        bias: Int32Array.from({ length: classes }, () => this.random.integer(-10_000, 10_000)),
        scale: 1,
      },
    };
    validateGraph(graph);
    return graph;
  }

  randomShape(): Shape {
    const channels = this.random.pick(CHANNELS);
    const limit = Math.max(1, Math.min(17, Math.floor(Math.sqrt(MAXIMUM_ELEMENTS / channels))));
    return [this.random.integer(1, limit), this.random.integer(1, limit), channels];
  }

  #freshQuantisation(): Quantisation {
    const zeroPoint = this.random.chance(0.25)
      ? this.random.pick([0, 255, 128])
      : this.random.integer(0, 255);
    return { scale: 2 ** -this.random.integer(2, 9), zeroPoint: this.#noZeroPoints ? 0 : zeroPoint };
  }

  /** Often one of a few, so that tensors can be concatenated. */
  randomQuantisation(): Quantisation {
    return this.random.chance(0.6) ? this.random.pick(this.#quantisations) : this.#freshQuantisation();
  }

  /** `choices`: also choices of rows, columns and channels, and comparisons. */
  addRandomNode(choices = false): void {
    const input = this.random.chance(0.7) ? this.#last() : this.random.pick(this.#tensors);
    const operators = [
      () => this.#randomConvolution(input),
      () => this.#randomConvolution(input),
      () => this.#randomDepthwise(input),
      () => this.#likePooling(input),
      () => this.#randomAdd(input),
      () => this.#randomConcat(input),
      () => this.#randomMultiply(input),
      () => this.table(input),
      () => this.randomPool(input),
      () => this.#randomPad(input),
      () => this.#vectorLayer(input),
    ];
    // Last and in lists of their own, so that graphs without them stay as they were for every seed.
    const choosing = [
      () => this.#randomSelect(input),
      () => this.#randomSelect(input),
      () => this.#randomExtremum(input),
      () => this.#channelMaximum(input),
    ];
    if (choices && this.random.chance(0.5)) this.random.pick(choosing)();
    else this.random.pick(operators)();
  }

  // Operators with typical settings.

  pointwise(input: Named, channels: number, quantisation = this.randomQuantisation()): Named {
    return this.#convolution(input, channels, [1, 1], [1, 1], noPadding, 1, quantisation);
  }

  /** A convolution with an odd kernel whose output is as large as its input. */
  sameSize(input: Named, channels: number, kernel: number): Named {
    const border = (kernel - 1) / 2;
    const around: Padding = { top: border, left: border, bottom: border, right: border };
    return this.#convolution(input, channels, [kernel, kernel], [1, 1], around, 1);
  }

  depthwise3x3(input: Named): Named {
    const around: Padding = { top: 1, left: 1, bottom: 1, right: 1 };
    return this.#convolution(input, input.shape[2], [3, 3], [1, 1], around, input.shape[2]);
  }

  stridedDepthwise(input: Named): Named {
    const channels = input.shape[2];
    const kernel = this.random.pick([
      [3, 3],
      [3, 3],
      [5, 5],
      [7, 7],
      [2, 3],
    ] as const);
    return this.#convolution(input, channels, kernel, this.#stride(), this.#padding(2), channels);
  }

  strided(input: Named, outputs: number, kernel = this.#kernel()): Named {
    return this.#convolution(input, outputs, kernel, this.#stride(), this.#padding(3), 1);
  }

  dense(input: Named, outputs: number): Named {
    const length = elementCount(input.shape);
    const layer = this.#layer(outputs, length, input.quantisation);
    return this.#push({ op: 'dense', input: input.name, ...layer, ...this.#base([1, 1, outputs]) });
  }

  add(inputs: readonly Named[]): Named {
    const shift = this.#tame ? 12 : this.random.integer(0, 30);
    const largest = Math.min(32767, 2 ** shift);
    const multipliers = Int16Array.from(inputs, () => this.random.integer(Math.floor(largest / 4), largest));
    return this.#push({
      op: 'add',
      inputs: inputs.map(({ name }) => name),
      multipliers,
      shift,
      clamp: this.#clamp(),
      ...this.#base(inputs[0].shape),
    });
  }

  concat(inputs: readonly Named[]): Named {
    const [height, width] = inputs[0].shape;
    const channels = inputs.reduce((sum, { shape }) => sum + shape[2], 0);
    return this.#push({
      op: 'concat',
      inputs: inputs.map(({ name }) => name),
      ...this.#base([height, width, channels], inputs[0].quantisation),
    });
  }

  multiply(input: Named, gate: Named): Named {
    return this.#push({
      op: 'multiply',
      input: input.name,
      gate: gate.name,
      requantisation: this.#requantisation(1, 80 * 80),
      clamp: this.#clamp(),
      ...this.#base(input.shape),
    });
  }

  table(input: Named): Named {
    return this.#push({
      op: 'table',
      input: input.name,
      function: 'random',
      table: this.random.bytes(256),
      ...this.#base(input.shape),
    });
  }

  averagePool(
    input: Named,
    kernel: readonly [number, number],
    stride: readonly [number, number],
    padding: Padding,
  ): Named {
    const area = kernel[0] * kernel[1];
    const entries = this.#tame || this.random.chance(0.5) ? 1 : area;
    return this.#push({
      op: 'averagePool',
      input: input.name,
      kernel,
      stride,
      padding,
      requantisation: this.#requantisation(entries, 80 * Math.sqrt(area)),
      clamp: this.#clamp(),
      ...this.#base(windowed(input.shape, kernel, stride, padding, input.shape[2])),
    });
  }

  // Operators with any settings.

  #randomConvolution(input: Named): void {
    const channels = input.shape[2];
    const groups = this.random.chance(0.7) ? 1 : this.random.pick(divisors(channels));
    const kernel = this.random.chance(0.4) ? ([1, 1] as const) : this.#kernel();
    const padding = this.random.chance(0.3) ? noPadding : this.#padding(4);
    const outputs =
      groups * this.random.integer(1, Math.max(1, Math.floor(this.random.pick(CHANNELS) / groups)));
    this.#convolution(input, outputs, kernel, this.#stride(), padding, groups);
  }

  #randomDepthwise(input: Named): void {
    if (this.random.chance(0.4)) {
      this.depthwise3x3(input);
      return;
    }
    const channels = input.shape[2];
    const factor = this.random.chance(0.7) ? 1 : this.random.integer(2, 3);
    this.#convolution(input, channels * factor, this.#kernel(), this.#stride(), this.#padding(3), channels);
  }

  #likePooling(input: Named): void {
    const padding: Padding = {
      top: 0,
      left: 0,
      bottom: input.shape[0] % 2,
      right: input.shape[1] % 2,
    };
    this.averagePool(input, [2, 2], [2, 2], padding);
  }

  #randomAdd(input: Named): void {
    const same = this.#tensors.filter(({ shape }) => shape.every((extent, i) => extent === input.shape[i]));
    this.add([input, ...Array.from({ length: this.random.integer(0, 3) }, () => this.random.pick(same))]);
  }

  #randomConcat(input: Named): void {
    const [height, width] = input.shape;
    const same = this.#tensors.filter(
      ({ shape, quantisation }) =>
        shape[0] === height &&
        shape[1] === width &&
        quantisation.scale === input.quantisation.scale &&
        quantisation.zeroPoint === input.quantisation.zeroPoint,
    );
    const inputs = [input];
    let channels = input.shape[2];
    for (let i = this.random.integer(0, 3); i > 0; i--) {
      const other = this.random.pick(same);
      channels += other.shape[2];
      if (height * width * channels > MAXIMUM_ELEMENTS) break;
      inputs.push(other);
    }
    this.concat(inputs);
  }

  #randomMultiply(input: Named): void {
    const gates = this.#tensors.filter(
      ({ shape }) =>
        shape[2] === input.shape[2] &&
        ((shape[0] === input.shape[0] && shape[1] === input.shape[1]) || (shape[0] === 1 && shape[1] === 1)),
    );
    if (this.random.chance(0.3)) {
      const [height, width] = input.shape;
      gates.push(this.averagePool(input, [height, width], [1, 1], noPadding));
    }
    this.multiply(input, this.random.pick(gates));
  }

  randomPool(input: Named): void {
    const kernel = this.#kernel();
    const padding = this.#padding(1, Math.min(...kernel) - 1);
    const stride = this.#stride();
    const shape = windowed(input.shape, kernel, stride, padding, input.shape[2]);
    const fits = shape[0] >= 1 && shape[1] >= 1 && elementCount(shape) <= MAXIMUM_ELEMENTS;
    const meets =
      (shape[0] - 1) * stride[0] - padding.top < input.shape[0] &&
      (shape[1] - 1) * stride[1] - padding.left < input.shape[1];
    if (!fits || !meets) return;
    if (this.random.chance(0.5)) {
      this.averagePool(input, kernel, stride, padding);
      return;
    }
    const base = this.#base(shape, input.quantisation);
    this.#push({ op: 'maxPool', input: input.name, kernel, stride, padding, ...base });
  }

  #randomPad(input: Named): void {
    const padding = this.#padding(3);
    const [height, width, channels] = input.shape;
    const shape: Shape = [
      height + padding.top + padding.bottom,
      width + padding.left + padding.right,
      channels,
    ];
    if (elementCount(shape) > MAXIMUM_ELEMENTS) return;
    this.#push({ op: 'pad', input: input.name, padding, ...this.#base(shape, input.quantisation) });
  }

  #randomSelect(input: Named): void {
    const [height, width, channels] = input.shape;
    const rows = this.#choice(height, Math.min(height + 2, 17));
    const columns = this.#choice(width, Math.min(width + 2, 17));
    const limit = Math.max(1, Math.floor(MAXIMUM_ELEMENTS / (rows.length * columns.length)));
    const chosen = this.#choice(channels, Math.min(channels * 2, limit));
    const base = this.#base([rows.length, columns.length, chosen.length], input.quantisation);
    this.#push({ op: 'select', input: input.name, rows, columns, channels: chosen, ...base });
  }

  /** All of an axis, a run of it, every second place, two halves shuffled, one place repeated, or anything. */
  #choice(extent: number, most: number): Int32Array {
    const all = Array.from({ length: Math.min(extent, most) }, (_, i) => i);
    const half = Math.ceil(all.length / 2);
    const start = this.random.integer(0, all.length - 1);
    const places = this.random.pick([
      () => all,
      () => all,
      () => all.slice(start, start + this.random.integer(1, all.length)),
      () => all.filter((i) => i % 2 === start % 2),
      () => all.map((i) => (i % 2 === 0 ? i / 2 : Math.min(half + (i - 1) / 2, all.length - 1))),
      () => all.map(() => start),
      () => Array.from({ length: this.random.integer(1, most) }, () => this.random.integer(0, extent - 1)),
    ])();
    return Int32Array.from(places.length === 0 ? [start] : places);
  }

  #randomExtremum(input: Named): void {
    const alike = this.#alike(input);
    const others = Array.from({ length: this.random.integer(0, 3) }, () => this.random.pick(alike));
    this.#push({
      op: 'extremum',
      inputs: [input, ...others].map(({ name }) => name),
      kind: this.random.pick(['maximum', 'minimum'] as const),
      ...this.#base(input.shape, input.quantisation),
    });
  }

  /** Tensors of one's shape and quantisation. */
  #alike({ shape, quantisation }: Named): Named[] {
    return this.#tensors.filter(
      (other) =>
        other.shape.every((extent, i) => extent === shape[i]) &&
        other.quantisation.scale === quantisation.scale &&
        other.quantisation.zeroPoint === quantisation.zeroPoint,
    );
  }

  #channelMaximum(input: Named): void {
    const [height, width] = input.shape;
    this.#push({
      op: 'channelMaximum',
      input: input.name,
      ...this.#base([height, width, 1], input.quantisation),
    });
  }

  #vectorLayer(input: Named): void {
    const length = elementCount(input.shape);
    if (this.random.chance(0.5)) {
      this.#push({ op: 'flatten', input: input.name, ...this.#base([1, 1, length], input.quantisation) });
      return;
    }
    const outputs = this.random.pick(CHANNELS);
    if (outputs * length <= MAXIMUM_PRODUCTS) this.dense(input, outputs);
  }

  #convolution(
    input: Named,
    outputs: number,
    kernel: readonly [number, number],
    stride: readonly [number, number],
    padding: Padding,
    groups: number,
    quantisation = this.randomQuantisation(),
  ): Named {
    const shape = windowed(input.shape, kernel, stride, padding, outputs);
    const length = kernel[0] * kernel[1] * (input.shape[2] / groups);
    const small = elementCount(shape) <= MAXIMUM_ELEMENTS && elementCount(shape) * length <= MAXIMUM_PRODUCTS;
    if (shape[0] < 1 || shape[1] < 1 || !(this.#tame || small)) return input;
    const plain = this.#tame || this.random.chance(0.6);
    return this.#push({
      op: 'convolution',
      input: input.name,
      kernel,
      stride,
      padding,
      groups,
      paddingValues: plain
        ? new Uint8Array(input.shape[2]).fill(input.quantisation.zeroPoint)
        : this.random.bytes(input.shape[2]),
      ...this.#layer(outputs, length, input.quantisation),
      ...this.#base(shape, quantisation),
    });
  }

  // Parameters.

  #layer(outputs: number, length: number, { zeroPoint }: Quantisation) {
    const weights = this.#weights(outputs * length);
    const bias = new Int32Array(outputs);
    const reach = Math.max(zeroPoint, 255 - zeroPoint);
    const spread = Math.sqrt(length) * 60 * 75;
    const huge = !this.#tame && this.random.chance(0.1);
    for (let o = 0; o < outputs; o++) {
      let magnitude = 0;
      for (let i = 0; i < length; i++) magnitude += Math.abs(weights[o * length + i]);
      const room = ACCUMULATOR_LIMIT - magnitude * reach;
      bias[o] = Math.round((this.random.next() * 2 - 1) * (huge ? room : Math.min(room, spread)));
    }
    return {
      weights,
      weightScales: new Float64Array(outputs).fill(2 ** -7),
      bias,
      requantisation: this.#requantisation(outputs, spread),
      clamp: this.#clamp(),
    };
  }

  #weights(length: number): Int8Array {
    const kind = this.#tame ? 1 : this.random.next();
    if (kind < 0.1) return new Int8Array(length).fill(this.random.pick([-128, 127]));
    if (kind < 0.2) return Int8Array.from({ length }, () => this.random.pick([-128, 127]));
    return Int8Array.from({ length }, () => this.random.integer(-128, 127));
  }

  /** Mostly factors that spread accumulators of this standard deviation over the 8-bit range, some extreme ones. */
  #requantisation(entries: number, spread: number): Requantisation {
    const multiplier = new Int16Array(entries);
    const shift = new Uint8Array(entries);
    const extreme = !this.#tame && this.random.chance(0.15);
    for (let i = 0; i < entries; i++) {
      if (extreme) {
        multiplier[i] = this.random.pick([1, 32767, this.random.integer(1, 32767)]);
        shift[i] = this.random.pick([0, 1, 30, this.random.integer(0, 30)]);
        continue;
      }
      const factor = Math.min((50 * (0.3 + this.random.next() * 2)) / spread, 0.999);
      const fixed = fixedPointFor(factor);
      const larger = this.random.integer(0, Math.max(0, Math.min(3, 30 - fixed.shift)));
      multiplier[i] =
        fixed.multiplier * 2 ** larger <= 32767 ? fixed.multiplier * 2 ** larger : fixed.multiplier;
      shift[i] = multiplier[i] === fixed.multiplier ? fixed.shift : fixed.shift + larger;
    }
    return { multiplier, shift };
  }

  #clamp(): Clamp {
    if (this.#tame || this.random.chance(0.75)) return { minimum: 0, maximum: 255 };
    const [a, b] = [this.random.integer(0, 255), this.random.integer(0, 255)];
    return { minimum: Math.min(a, b), maximum: Math.max(a, b) };
  }

  #kernel(): readonly [number, number] {
    if (this.random.chance(0.4)) return [3, 3];
    return [this.random.integer(1, 5), this.random.integer(1, 5)];
  }

  #stride(): readonly [number, number] {
    if (this.random.chance(0.5)) return [1, 1];
    return this.random.chance(0.6) ? [2, 2] : [this.random.integer(1, 3), this.random.integer(1, 3)];
  }

  #padding(largest: number, limit = largest): Padding {
    const side = () => Math.min(limit, this.random.integer(0, largest));
    if (this.random.chance(0.4)) {
      const all = Math.min(1, limit);
      return { top: all, left: all, bottom: all, right: all };
    }
    return { top: side(), left: side(), bottom: side(), right: side() };
  }

  #base(shape: Shape, quantisation = this.randomQuantisation()) {
    return { name: `node ${this.#nodes.length}`, sources: [], output: { shape, quantisation } };
  }

  #push(node: GraphNode): Named {
    this.#nodes.push(node);
    const tensor = { name: node.name, ...node.output };
    this.#tensors.push(tensor);
    return tensor;
  }

  #last(): Named {
    return this.#tensors[this.#tensors.length - 1];
  }
}

function windowed(
  [height, width]: Shape,
  kernel: readonly [number, number],
  stride: readonly [number, number],
  padding: Padding,
  channels: number,
): Shape {
  return [
    Math.floor((height + padding.top + padding.bottom - kernel[0]) / stride[0]) + 1,
    Math.floor((width + padding.left + padding.right - kernel[1]) / stride[1]) + 1,
    channels,
  ];
}

function divisors(value: number): number[] {
  return Array.from({ length: value }, (_, i) => i + 1).filter((divisor) => value % divisor === 0);
}
