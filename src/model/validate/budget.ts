/**
 * What a graph may cost before an engine is made of it: memory and work. The limits lie above networks of 224×224 pixels
 * such as VGG-16 (15.5 thousand million multiply-adds, 138 million weights); what they keep out is a small file that
 * asks for gigabytes or minutes.
 */
import {
  type ActivationTensor,
  elementCount,
  type GraphNode,
  type IntegerGraph,
  inputsOf,
  tensorsOf,
} from '../graph.ts';
import { fail, MAXIMUM_TENSOR } from './requirements.ts';

/** Largest sum of tensors and padded copies, elements. */
const MAXIMUM_ACTIVATIONS = 2 ** 27;
/** Bytes of all weights as the widest kernels hold them. */
const MAXIMUM_PACKED = 2 ** 29;
/** Embeddings are kept for every image of a batch. */
const MAXIMUM_EMBEDDING = 2 ** 20;
/** Units of `workOf` for one image: below a second on one core of a Raspberry Pi 5 by its peak. */
const MAXIMUM_WORK = 2 ** 35;
/** The same for all golden inputs, which are replayed before a bundle is trusted. */
export const MAXIMUM_REPLAY = 2 ** 37;

/** Outputs that a kernel computes side by side at least, whether there are as many or not. */
const LANES = 16;
/** What reading, comparing or moving one value costs, in multiply-adds of a matrix product. */
const PER_VALUE = 16;
/** Bytes of what an engine keeps for each row, column and channel of a choice at most. */
const PLACE_BYTES = 32;
/** Bytes of a packed weight at most. */
const PACKED_BYTES = 2;

/** @throws RefusedError `GRAPH_SIZE`, `GRAPH_WORK`, naming the node at which a limit is passed */
export function requireModest(graph: IntegerGraph): void {
  const tensors = tensorsOf(graph);
  const total = { activations: elementCount(graph.input.shape), packed: 0, work: 0 };
  for (const node of graph.nodes) {
    const inputs = inputsOf(node).flatMap((name) => tensors.get(name) ?? []);
    const padded = paddedElements(node, inputs[0]);
    if (padded > MAXIMUM_TENSOR) {
      fail('GRAPH_SIZE', node.name, `at most ${MAXIMUM_TENSOR} elements with padding`, `${padded}`);
    }
    total.activations += padded + elementCount(node.output.shape);
    total.packed += packedWeights(node) * PACKED_BYTES + selectedPlaces(node) * PLACE_BYTES;
    total.work += workOfNode(node, inputs);
    requireWithin(node.name, 'GRAPH_SIZE', total.activations, MAXIMUM_ACTIVATIONS, 'activations');
    requireWithin(node.name, 'GRAPH_SIZE', total.packed, MAXIMUM_PACKED, 'bytes of packed weights');
    requireWithin(node.name, 'GRAPH_WORK', total.work, MAXIMUM_WORK, 'multiply-adds or as much work');
  }
  const embedding = tensors.get(graph.head.input);
  const elements = embedding === undefined ? 0 : elementCount(embedding.shape);
  requireWithin('head', 'GRAPH_SIZE', elements, MAXIMUM_EMBEDDING, 'values of an embedding');
  const packed = total.packed + elements * roundedUp(graph.classes.length, LANES) * PACKED_BYTES;
  requireWithin('head', 'GRAPH_SIZE', packed, MAXIMUM_PACKED, 'bytes of packed weights');
}

/**
 * Work of one image, in multiply-adds of a dense matrix product: what fills a kernel's lanes badly counts as if it filled
 * them, and values that are only read, compared or moved count too.
 */
export function workOf(graph: IntegerGraph): number {
  const tensors = tensorsOf(graph);
  const nodes = graph.nodes.reduce(
    (sum, node) =>
      sum +
      workOfNode(
        node,
        inputsOf(node).flatMap((name) => tensors.get(name) ?? []),
      ),
    0,
  );
  return nodes + graph.head.weights.length * LANES;
}

function workOfNode(node: GraphNode, inputs: readonly ActivationTensor[]): number {
  const outputs = elementCount(node.output.shape);
  const read = inputs.reduce((sum, { shape }) => sum + elementCount(shape), outputs);
  const values = PER_VALUE * (read + paddedElements(node, inputs[0]));
  switch (node.op) {
    case 'convolution':
    case 'dense':
      return values + packedWeights(node) * node.output.shape[0] * node.output.shape[1];
    case 'averagePool':
    case 'maxPool':
      return values + PER_VALUE * outputs * node.kernel[0] * node.kernel[1];
    default:
      return values;
  }
}

/** Weights of a layer, each group's outputs rounded up to whole lanes. */
function packedWeights(node: GraphNode): number {
  if (node.op !== 'convolution' && node.op !== 'dense') return 0;
  const outputs = node.output.shape[2];
  const groups = node.op === 'convolution' ? node.groups : 1;
  return (node.weights.length / outputs) * groups * roundedUp(outputs / groups, LANES);
}

function selectedPlaces(node: GraphNode): number {
  return node.op === 'select' ? node.rows.length + node.columns.length + node.channels.length : 0;
}

/** Elements of the padded copy of a window's input; 0 where none is made. */
function paddedElements(node: GraphNode, input: ActivationTensor): number {
  if (node.op !== 'convolution' && node.op !== 'averagePool' && node.op !== 'maxPool') return 0;
  const { top, bottom, left, right } = node.padding;
  if (top + bottom + left + right === 0) return 0;
  const [height, width, channels] = input.shape;
  return (height + top + bottom) * (width + left + right) * channels;
}

function requireWithin(node: string, code: string, received: number, most: number, what: string): void {
  if (received > most) fail(code, node, `at most ${most} ${what}`, `${received}`);
}

function roundedUp(value: number, step: number): number {
  return Math.ceil(value / step) * step;
}
