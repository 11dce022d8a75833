/**
 * The reference interpreter: the integer graph run straight from its definition, one scalar at a time.
 * It is the judge of every engine, by exact equality of potentials, embedding and every tensor between.
 */
import { RefusedError } from '../../errors.ts';
import {
  type ActivationTensor,
  elementCount,
  type GraphNode,
  INPUT_NAME,
  type IntegerGraph,
  tensorsOf,
} from '../graph.ts';
import { convolution, dense, denseAccumulators } from './convolution.ts';
import { add, concat, multiply, pad, table } from './elementwise.ts';
import { averagePool, maxPool } from './pool.ts';
import { channelMaximum, extremum, select } from './select.ts';

export interface Interpretation {
  /** int32, one per class. */
  readonly potentials: Int32Array;
  /** uint8, the head's input, flattened in row, column, channel order. */
  readonly embedding: Uint8Array;
  /** Every tensor by name, the input included. */
  readonly tensors: ReadonlyMap<string, Uint8Array>;
}

/**
 * Runs one image. `input`: uint8 of the graph's input shape, row, column, channel order.
 * The graph must have passed `validateGraph`.
 */
export function interpret(graph: IntegerGraph, input: Uint8Array): Interpretation {
  if (input.length !== elementCount(graph.input.shape)) {
    throw new RefusedError('INPUT_SIZE', 'The input does not fit the graph', {
      expected: `${elementCount(graph.input.shape)} bytes for ${graph.input.shape.join('×')}`,
      received: `${input.length} bytes`,
    });
  }
  const specifications = tensorsOf(graph);
  const tensors = new Map<string, Uint8Array>([[INPUT_NAME, input]]);
  for (const node of graph.nodes) tensors.set(node.name, runNode(node, tensors, specifications));

  const embedding = lookUp(tensors, graph.head.input);
  const { zeroPoint } = lookUp(specifications, graph.head.input).quantisation;
  const potentials = denseAccumulators(graph.head.weights, graph.head.bias, embedding, zeroPoint);
  return { potentials, embedding, tensors };
}

function lookUp<T>(map: ReadonlyMap<string, T>, name: string): T {
  const value = map.get(name);
  if (value === undefined) throw new RangeError(`No tensor is named ${name}`);
  return value;
}

/** One node on tensors that are at hand. */
export function runNode(
  node: GraphNode,
  tensors: ReadonlyMap<string, Uint8Array>,
  specifications: ReadonlyMap<string, ActivationTensor>,
): Uint8Array {
  const valuesOf = (name: string) => lookUp(tensors, name);
  const shapeOf = (name: string) => lookUp(specifications, name).shape;
  const zeroPointOf = (name: string) => lookUp(specifications, name).quantisation.zeroPoint;
  switch (node.op) {
    case 'convolution':
      return convolution(node, valuesOf(node.input), shapeOf(node.input), zeroPointOf(node.input));
    case 'dense':
      return dense(node, valuesOf(node.input), zeroPointOf(node.input));
    case 'add':
      return add(node, node.inputs.map(valuesOf), node.inputs.map(zeroPointOf));
    case 'concat':
      return concat(node, node.inputs.map(valuesOf), node.inputs.map(shapeOf));
    case 'multiply':
      return multiply(
        node,
        valuesOf(node.input),
        valuesOf(node.gate),
        lookUp(specifications, node.input),
        lookUp(specifications, node.gate),
      );
    case 'table':
      return table(node.table, valuesOf(node.input));
    case 'averagePool':
      return averagePool(node, valuesOf(node.input), shapeOf(node.input), zeroPointOf(node.input));
    case 'maxPool':
      return maxPool(node, valuesOf(node.input), shapeOf(node.input));
    case 'flatten':
      return valuesOf(node.input);
    case 'pad':
      return pad(node, valuesOf(node.input), shapeOf(node.input));
    case 'select':
      return select(node, valuesOf(node.input), shapeOf(node.input));
    case 'extremum':
      return extremum(node, node.inputs.map(valuesOf));
    case 'channelMaximum':
      return channelMaximum(valuesOf(node.input), shapeOf(node.input)[2]);
  }
}
