/** Every bound that the engines rely on, checked once when a graph enters the program. */
import { type ActivationTensor, elementCount, type Head, INPUT_NAME, type IntegerGraph } from '../graph.ts';
import { requireModest } from './budget.ts';
import { validateNode } from './nodes.ts';
import {
  fail,
  requireAccumulators,
  requireCount,
  requireKnown,
  requireTensor,
  type Tensors,
} from './requirements.ts';

/**
 * @throws RefusedError `GRAPH_NAME`, `GRAPH_ORDER`, `GRAPH_SHAPE`, `GRAPH_QUANTISATION`, `GRAPH_PARAMETERS`,
 * `GRAPH_ACCUMULATOR`, `GRAPH_SIZE`, `GRAPH_WORK`, each naming the node
 */
export function validateGraph(graph: IntegerGraph): void {
  const tensors = new Map<string, ActivationTensor>([[INPUT_NAME, graph.input]]);
  requireTensor(INPUT_NAME, graph.input);
  for (const node of graph.nodes) {
    if (tensors.has(node.name)) fail('GRAPH_NAME', node.name, 'a name of its own', 'a name already taken');
    requireTensor(node.name, node.output);
    validateNode(node, tensors);
    tensors.set(node.name, node.output);
  }
  validateHead(graph.head, graph.classes.length, tensors);
  requireModest(graph);
}

function validateHead(head: Head, classes: number, tensors: Tensors): void {
  const embedding = requireKnown(tensors, 'head', head.input);
  requireCount('head', 'biases', classes, head.bias.length);
  requireCount('head', 'weights', classes * elementCount(embedding.shape), head.weights.length);
  requireAccumulators('head', head.weights, head.bias, embedding);
}
