/** Each layer's time beside what it computes and moves, and its share of the machine's peak. */
import { parameterBytesOf } from '../model/cost.ts';
import {
  elementCount,
  type GraphNode,
  type Head,
  type IntegerGraph,
  inputsOf,
  type Shape,
  tensorsOf,
} from '../model/graph.ts';
import { type LayerProfile, profileLayers } from '../runtime/engine/profile.ts';
import { randomInputs } from './graph.ts';
import type { MachineLimits } from './limits.ts';
import { reasonFor } from './reasons.ts';

/** A layer that computes less than this share of the peak is named with the reason. */
export const LOW_SHARE = 0.25;

export interface LayerFigures {
  /** The graph's nodes that are computed together; `head` for the head. */
  readonly nodes: readonly string[];
  /** What it is, for people: `convolution 3×3, 32×32×16 → 32×32×32`. */
  readonly description: string;
  readonly convolution: boolean;
  readonly microseconds: number;
  /** Of the whole inference. */
  readonly timeShare: number;
  /** With weights: convolutions, dense layers, the head. */
  readonly multiplyAdds: number;
  /** Multiply-adds per second. */
  readonly rate: number;
  /** Of the peak of the instruction set; null without multiply-adds or peak. */
  readonly peakShare: number | null;
  /** Parameters and values that must be read or written at least once. */
  readonly bytes: number;
  /** Multiply-adds per byte. */
  readonly intensity: number;
  /** Why it is below `LOW_SHARE`; null where it is not. */
  readonly reason: string | null;
}

export interface GraphLayers {
  readonly graph: string;
  readonly instructionSet: string;
  /** The engine's own time, without Node, one image on one thread. */
  readonly microseconds: number;
  /** Share of the peak over the layers with convolutions as a whole. */
  readonly convolutionShare: number | null;
  readonly layers: readonly LayerFigures[];
}

export interface LayerOptions {
  readonly instructionSet: string;
  readonly rounds?: number;
}

/** @param limits of this machine */
export async function measureLayers(
  name: string,
  graph: IntegerGraph,
  limits: MachineLimits,
  { instructionSet, rounds = 200 }: LayerOptions,
): Promise<GraphLayers> {
  const [input] = randomInputs(elementCount(graph.input.shape), 1);
  const profile = await profileLayers(graph, input, { rounds });
  const peak = limits.multiplyAddPeaks[instructionSet] ?? null;
  const total = sumOf(profile.map(({ nanoseconds }) => nanoseconds));
  const layers = profile.map((layer) => figuresOf(layer, graph, total, peak, limits));
  const convolutions = layers.filter(({ convolution }) => convolution);
  const seconds = sumOf(convolutions.map(({ microseconds }) => microseconds)) / 1e6;
  const multiplyAdds = sumOf(convolutions.map((layer) => layer.multiplyAdds));
  return {
    graph: name,
    instructionSet,
    microseconds: total / 1e3,
    convolutionShare: peak === null || seconds === 0 ? null : multiplyAdds / seconds / peak,
    layers,
  };
}

function figuresOf(
  { nodes: names, convolution, weightMultiplyAdds: multiplyAdds, nanoseconds }: LayerProfile,
  graph: IntegerGraph,
  total: number,
  peak: number | null,
  limits: MachineLimits,
): LayerFigures {
  const nodes = graph.nodes.filter(({ name }) => names.includes(name));
  const rate = multiplyAdds / (nanoseconds / 1e9);
  const bytes = nodes.length === 0 ? headBytes(graph) : bytesOf(nodes, graph);
  const peakShare = peak === null || multiplyAdds === 0 ? null : rate / peak;
  const low = peakShare !== null && peakShare < LOW_SHARE && peak !== null;
  return {
    nodes: names,
    description: nodes.length === 0 ? `head, ${graph.head.weights.length} weights` : describe(nodes, graph),
    convolution,
    microseconds: nanoseconds / 1e3,
    timeShare: nanoseconds / total,
    multiplyAdds,
    rate,
    peakShare,
    bytes,
    intensity: multiplyAdds / bytes,
    reason: low ? reasonFor({ nodes, graph, multiplyAdds, bytes, nanoseconds }, peak, limits) : null,
  };
}

/**
 * Tensors that come in from other layers or go out to them, and all parameters. What stays between fused nodes does not
 * count.
 */
function bytesOf(nodes: readonly GraphNode[], graph: IntegerGraph): number {
  const tensors = tensorsOf(graph);
  const made = new Set(nodes.map(({ name }) => name));
  const read = new Set(nodes.flatMap(inputsOf).filter((name) => !made.has(name)));
  const others: readonly (GraphNode | Head)[] = [
    ...graph.nodes.filter(({ name }) => !made.has(name)),
    graph.head,
  ];
  const wanted = new Set(others.flatMap((other) => ('op' in other ? inputsOf(other) : [other.input])));
  const moved = [...read, ...[...made].filter((name) => wanted.has(name))];
  const values = sumOf(moved.map((name) => elementCount(tensors.get(name)?.shape ?? [0, 0, 0])));
  return values + sumOf(nodes.map(parameterBytesOf));
}

function headBytes({ head }: IntegerGraph): number {
  return parameterBytesOf(head) + head.weights.length / head.bias.length;
}

function describe(nodes: readonly GraphNode[], graph: IntegerGraph): string {
  const [first] = nodes;
  const main = nodes.find(({ op }) => op === 'convolution' || op === 'dense') ?? first;
  const input = tensorsOf(graph).get(inputsOf(main)[0])?.shape ?? graph.input.shape;
  const others = nodes.filter((node) => node !== main).map(({ op }) => op);
  const joined = others.length === 0 ? '' : `, with ${others.join(', ')}`;
  return `${kindOf(main, input)}, ${extents(input)} → ${extents(main.output.shape)}${joined}`;
}

function kindOf(node: GraphNode, input: Shape): string {
  if (!('kernel' in node)) return node.op;
  const stride = node.stride[0] === 1 && node.stride[1] === 1 ? '' : ` stride ${node.stride[0]}`;
  const depthwise = node.op === 'convolution' && node.groups > 1 && node.groups === input[2];
  return `${depthwise ? 'depthwise' : node.op} ${node.kernel.join('×')}${stride}`;
}

function extents(shape: Shape): string {
  return shape.join('×');
}

function sumOf(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0);
}
