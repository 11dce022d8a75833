/** A folded float graph as a chain of tfjs's operators. Layout [n, height, width, channels], weights uploaded once. */
import type { Tensor, Tensor2D, Tensor4D } from '@tensorflow/tfjs-core';
import {
  type FloatAveragePool,
  type FloatClamp,
  type FloatConvolution,
  type FloatDense,
  type FloatGraph,
  type FloatMaxPool,
  type FloatNode,
  isPadded,
  shapeIn,
} from '../../conversion/float/graph.ts';
import { RefusedError } from '../../errors.ts';
import { elementCount, INPUT_NAME, type Padding, type Shape } from '../../model/graph.ts';

export type Tfjs = typeof import('@tensorflow/tfjs-core');

type Tensors = ReadonlyMap<string, Tensor4D>;
type Operator = (tensors: Tensors) => Tensor4D;
type Pads = [[number, number], [number, number], [number, number], [number, number]];

export interface TfjsNetwork {
  run(image: Tensor4D): Tensor;
  dispose(): void;
}

/** @throws RefusedError `PEER_OPERATOR` where tfjs has no such operator */
export function compileForTfjs(tf: Tfjs, graph: FloatGraph): TfjsNetwork {
  const compiler = new Compiler(tf, graph);
  const steps = graph.nodes.map((node) => ({ name: node.name, operator: compiler.compile(node) }));
  return {
    run: (image) => {
      const tensors = new Map<string, Tensor4D>([[INPUT_NAME, image]]);
      for (const { name, operator } of steps) tensors.set(name, operator(tensors));
      return lookUp(tensors, graph.output);
    },
    dispose: () => compiler.dispose(),
  };
}

function lookUp(tensors: Tensors, name: string): Tensor4D {
  const tensor = tensors.get(name);
  if (tensor === undefined) throw new RangeError(`No tensor is named ${name}`);
  return tensor;
}

class Compiler {
  readonly #tf: Tfjs;
  readonly #graph: FloatGraph;
  readonly #parameters: Tensor[] = [];

  constructor(tf: Tfjs, graph: FloatGraph) {
    this.#tf = tf;
    this.#graph = graph;
  }

  dispose(): void {
    for (const parameter of this.#parameters) parameter.dispose();
  }

  compile(node: FloatNode): Operator {
    const tf = this.#tf;
    switch (node.op) {
      case 'convolution':
        return this.#convolution(node);
      case 'dense':
        return this.#dense(node);
      case 'sigmoid':
        return (tensors) => tf.sigmoid(lookUp(tensors, node.input));
      case 'add':
        return (tensors) =>
          this.#bounded(
            node.inputs.map((input) => lookUp(tensors, input)).reduce((sum, term) => tf.add(sum, term)),
            node.clamp,
          );
      case 'concat':
        return (tensors) =>
          tf.concat(
            node.inputs.map((input) => lookUp(tensors, input)),
            3,
          );
      case 'multiply':
        return (tensors) =>
          this.#bounded(tf.mul(lookUp(tensors, node.input), lookUp(tensors, node.gate)), node.clamp);
      case 'averagePool':
      case 'maxPool':
        return this.#pool(node);
      case 'flatten':
        return (tensors) => tf.reshape(lookUp(tensors, node.input), [-1, ...node.shape]);
      case 'pad':
        return (tensors) => tf.pad(lookUp(tensors, node.input), padsOf(node.padding));
      case 'affine':
      case 'clamp':
        throw unsupported(node, 'a folded graph');
      case 'select':
      case 'extremum':
      case 'channelMaximum':
        throw unsupported(node, 'no choice and no comparison of tensors');
      case 'function':
        throw unsupported(node, 'sigmoids alone among functions of one number');
    }
  }

  #convolution(node: FloatConvolution): Operator {
    const tf = this.#tf;
    const channels = shapeIn(this.#graph, node.input)[2];
    const depthwise = node.groups === channels && node.shape[2] === channels;
    if (node.paddingValues !== null || (node.groups !== 1 && !depthwise)) {
      throw unsupported(node, 'zeros around the image, one group or one per channel');
    }
    const { weights, shape } = inputFirst(node, channels, depthwise);
    const filter = this.#keep(tf.tensor4d(weights, shape));
    const bias = this.#keep(tf.tensor1d(Float32Array.from(node.bias)));
    const { activation, rest } = activationOf(node.clamp);
    const convolve = depthwise ? tf.fused.depthwiseConv2d : tf.fused.conv2d;
    const fixed = {
      filter,
      bias,
      activation,
      strides: [node.stride[0], node.stride[1]] satisfies [number, number],
    };
    const { padding } = node;
    const even = isEven(padding);
    const padded = (x: Tensor4D) => (even ? x : tf.pad(x, padsOf(padding)));
    const pad = even ? padding.top : 0;
    return (tensors) =>
      this.#bounded(convolve({ x: padded(lookUp(tensors, node.input)), ...fixed, pad }), rest);
  }

  #dense(node: FloatDense): Operator {
    const tf = this.#tf;
    const units = node.shape[2];
    const inputs = elementCount(shapeIn(this.#graph, node.input));
    const weights = Float32Array.from(
      node.weights,
      (_, i) => node.weights[(i % units) * inputs + Math.floor(i / units)],
    );
    const matrix = this.#keep(tf.tensor2d(weights, [inputs, units]));
    const bias = this.#keep(tf.tensor1d(Float32Array.from(node.bias)));
    const { activation, rest } = activationOf(node.clamp);
    return (tensors) => {
      const vector: Tensor2D = tf.reshape(lookUp(tensors, node.input), [-1, inputs]);
      const product = tf.fused.matMul({ a: vector, b: matrix, bias, activation });
      return this.#bounded(tf.reshape(product, [-1, 1, 1, units]), rest);
    };
  }

  #pool(node: FloatAveragePool | FloatMaxPool): Operator {
    const tf = this.#tf;
    const average = node.op === 'averagePool';
    if (average && node.countPadding && isPadded(node.padding)) throw unsupported(node, 'no padding');
    const kernel: [number, number] = [...node.kernel];
    const stride: [number, number] = [...node.stride];
    const pad = isPadded(node.padding) ? padsOf(node.padding) : 'valid';
    const pool = average ? tf.avgPool : tf.maxPool;
    const clamp = average ? node.clamp : null;
    return (tensors) => this.#bounded(pool(lookUp(tensors, node.input), kernel, stride, pad), clamp);
  }

  #bounded(tensor: Tensor4D, clamp: FloatClamp | null): Tensor4D {
    const { activation, rest } = activationOf(clamp);
    if (activation === 'relu') return this.#tf.relu(tensor);
    if (activation === 'relu6') return this.#tf.relu6(tensor);
    return rest === null ? tensor : this.#tf.clipByValue(tensor, rest.minimum, rest.maximum);
  }

  #keep<T extends Tensor>(tensor: T): T {
    this.#parameters.push(tensor);
    return tensor;
  }
}

/** What tfjs fuses, and what is left to do. */
function activationOf(clamp: FloatClamp | null): {
  readonly activation: 'linear' | 'relu' | 'relu6';
  readonly rest: FloatClamp | null;
} {
  if (clamp?.minimum === 0 && clamp.maximum === Number.POSITIVE_INFINITY)
    return { activation: 'relu', rest: null };
  if (clamp?.minimum === 0 && clamp.maximum === 6) return { activation: 'relu6', rest: null };
  return { activation: 'linear', rest: clamp };
}

/** [output][row][column][input] → [row][column][input][output]; depthwise [row][column][channel][1]. */
function inputFirst(
  { weights, kernel: [height, width], shape }: FloatConvolution,
  channels: number,
  depthwise: boolean,
): { weights: Float32Array; shape: [number, number, number, number] } {
  const outputs = shape[2];
  const perOutput = weights.length / outputs;
  const moved = Float32Array.from(
    weights,
    (_, i) => weights[(i % outputs) * perOutput + Math.floor(i / outputs)],
  );
  return {
    weights: moved,
    shape: depthwise ? [height, width, channels, 1] : [height, width, channels, outputs],
  };
}

/** The same on every side, which tfjs's convolutions take as their own. */
function isEven({ top, left, bottom, right }: Padding): boolean {
  return top === left && top === bottom && top === right;
}

function padsOf({ top, left, bottom, right }: Padding): Pads {
  return [
    [0, 0],
    [top, bottom],
    [left, right],
    [0, 0],
  ];
}

function unsupported(node: { name: string; op: string; shape: Shape }, expected: string): RefusedError {
  return new RefusedError('PEER_OPERATOR', 'tfjs has no operator for a node of this graph', {
    node: node.name,
    expected,
    received: node.op,
  });
}
