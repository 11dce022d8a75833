/** The layers of an integer graph that Akida 1.0 takes, one chip layer each, with what flows into them. */
import {
  type ConvolutionNode,
  type DenseNode,
  INPUT_NAME,
  type IntegerGraph,
  type MaxPoolNode,
  type Shape,
  tensorsOf,
} from '../../model/graph.ts';
import type { Channel } from './activation.ts';

export interface ChipLayer {
  readonly node: ConvolutionNode | DenseNode;
  /** The max pool that is part of the layer. */
  readonly pool: MaxPoolNode | null;
  readonly input: { readonly shape: Shape; readonly zeroPoint: number; readonly maximum: number };
  readonly isFirst: boolean;
}

/** Layers in their order; the head is not among them. Nodes without a layer of their own are left out. */
export function chipLayersOf(graph: IntegerGraph): ChipLayer[] {
  const tensors = tensorsOf(graph);
  const makers = new Map(graph.nodes.map((node) => [node.name, node]));
  return graph.nodes.flatMap((node) => {
    if (node.op !== 'convolution' && node.op !== 'dense') return [];
    const tensor = tensors.get(node.input) ?? graph.input;
    const pool = graph.nodes.find(
      (other): other is MaxPoolNode => other.op === 'maxPool' && other.input === node.name,
    );
    const { shape, quantisation } = tensor;
    const maximum = maximumOf(node.input, makers);
    return [
      {
        node,
        pool: pool ?? null,
        input: { shape, zeroPoint: quantisation.zeroPoint, maximum },
        isFirst: node.input === INPUT_NAME,
      },
    ];
  });
}

/** Largest value of a tensor, by the bound of the activation that made it. */
export function maximumOf(
  tensor: string,
  makers: ReadonlyMap<string, IntegerGraph['nodes'][number]>,
): number {
  const maker = makers.get(tensor);
  if (maker === undefined) return 255;
  if ('clamp' in maker) return maker.clamp.maximum;
  return 'input' in maker ? maximumOf(maker.input, makers) : 255;
}

/** One output channel, with the potentials that values of 0…maximum at every input can cause. */
export function channelOf({ node, input }: ChipLayer, channel: number): Channel {
  const perOutput = node.weights.length / node.bias.length;
  let [least, most, sum] = [0, 0, 0];
  for (let i = channel * perOutput; i < (channel + 1) * perOutput; i++) {
    const weight = node.weights[i];
    sum += weight;
    if (weight < 0) least += weight * input.maximum;
    else most += weight * input.maximum;
  }
  return {
    multiplier: node.requantisation.multiplier[channel],
    shift: node.requantisation.shift[channel],
    offset: node.bias[channel] - input.zeroPoint * sum,
    maximum: node.clamp.maximum,
    reach: { least, most },
  };
}

/** Shape of a tensor before whatever flattens it. */
export function imageShapeOf(graph: IntegerGraph, tensor: string): Shape {
  const maker = graph.nodes.find(({ name }) => name === tensor);
  if (maker?.op === 'flatten') return imageShapeOf(graph, maker.input);
  return maker?.output.shape ?? graph.input.shape;
}
