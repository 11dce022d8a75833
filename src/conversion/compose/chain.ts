/** Chains of convolutions with nothing between, and the ways to cut them into single convolutions. */
import { applyEdit, type GraphView, viewOf } from '../float/edit.ts';
import { type FloatConvolution, type FloatGraph, type FloatNode, shapeIn } from '../float/graph.ts';
import { composed, isComposable } from './pair.ts';

export type Chain = readonly FloatConvolution[];

/** Longer chains are cut: the number of ways to cut grows as 2^length. */
const LONGEST_CHAIN = 5;

/** Longest chains first come first served, in the order of their last convolutions. */
export function linearChains(graph: FloatGraph): Chain[] {
  const view = viewOf(graph);
  const convolutions = graph.nodes.filter((node) => node.op === 'convolution');
  const continued = new Set(
    convolutions.flatMap((node) => (predecessor(node, view) === undefined ? [] : [node.input])),
  );
  return convolutions
    .filter(({ name }) => !continued.has(name))
    .map((last) => {
      const chain = [last];
      for (
        let before = predecessor(last, view);
        before && chain.length < LONGEST_CHAIN;
        before = predecessor(before, view)
      ) {
        chain.unshift(before);
      }
      return chain;
    })
    .filter((chain) => chain.length > 1);
}

function predecessor(node: FloatConvolution, view: GraphView): FloatConvolution | undefined {
  const maker: FloatNode | undefined = view.maker(node.input);
  return maker?.op === 'convolution' && isComposable(maker, node) ? maker : undefined;
}

/** Every way to cut a chain into runs of neighbours, as lengths: [1, 1, 1] leaves a chain of three as it is. */
export function partitions(length: number): number[][] {
  if (length === 0) return [[]];
  return Array.from({ length }, (_, i) => i + 1).flatMap((first) =>
    partitions(length - first).map((rest) => [first, ...rest]),
  );
}

/** The graph with each run of the chain as one convolution; null where a run does not compose exactly. */
export function withPartition(
  graph: FloatGraph,
  chain: Chain,
  partition: readonly number[],
): FloatGraph | null {
  let current = graph;
  let start = 0;
  for (const length of partition) {
    const run = chain.slice(start, start + length);
    start += length;
    const single = composedRun(graph, run);
    if (single === null) return null;
    if (length > 1) current = applyEdit(current, { replace: new Map([[single.name, [single]]]) });
  }
  return current;
}

function composedRun(graph: FloatGraph, [first, ...others]: Chain): FloatConvolution | null {
  const channels = shapeIn(graph, first.input)[2];
  let result = first;
  for (const next of others) {
    if (!isComposable(result, next)) return null;
    result = composed(result, next, channels);
  }
  return result;
}
