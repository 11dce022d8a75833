/** Which chains become one convolution, and which concatenations disappear: the cheapest of all ways, or as told. */
import { type GraphView, viewOf } from '../float/edit.ts';
import type { FloatGraph } from '../float/graph.ts';
import { fold, simplify } from '../fold/fold.ts';
import { type Chain, linearChains, partitions, withPartition } from './chain.ts';
import { costOf } from './cost.ts';
import { withMergedConcat } from './merge.ts';

/**
 * `auto`: every linear chain is cut where that is cheapest. `keep`: as the float network has it.
 * `compose`: chains that end in a concatenation with their own beginning (ghost modules) become one convolution whole.
 */
export type GhostPolicy = 'auto' | 'compose' | 'keep';
export const GHOST_POLICIES = ['auto', 'compose', 'keep'] as const;

/** The folded graph after composition. */
export function composeAndFold(graph: FloatGraph, policy: GhostPolicy): FloatGraph {
  const simple = simplify(graph);
  if (policy === 'keep') return fold(simple);
  const chosen = linearChains(simple).reduce(
    (current, chain) => (policy === 'compose' ? composeGhost(current, chain) : cheapestCut(current, chain)),
    simple,
  );
  return mergeConcats(fold(chosen), policy === 'compose');
}

function composeGhost(graph: FloatGraph, chain: Chain): FloatGraph {
  const view = viewOf(graph);
  const ends = concatsAfter(view, chain[chain.length - 1].name);
  const isGhost = concatsAfter(view, chain[0].name).some((concat) => ends.includes(concat));
  return isGhost ? (withPartition(graph, chain, [chain.length]) ?? graph) : graph;
}

/** Concatenations that a tensor reaches through nothing but affine steps and bounded activations. */
function concatsAfter(view: GraphView, tensor: string): string[] {
  return view.consumers(tensor).flatMap((node) => {
    if (node.op === 'concat') return [node.name];
    return node.op === 'affine' || node.op === 'clamp' ? concatsAfter(view, node.name) : [];
  });
}

function cheapestCut(graph: FloatGraph, chain: Chain): FloatGraph {
  let best = graph;
  let least = Number.POSITIVE_INFINITY;
  // The chain as it is comes last, so that it loses a tie: fewer layers round less often.
  for (const partition of partitions(chain.length).toSorted((a, b) => a.length - b.length)) {
    const candidate = withPartition(graph, chain, partition);
    if (candidate === null) continue;
    const cost = costOf(mergeConcats(fold(candidate), false));
    if (cost < least) [best, least] = [candidate, cost];
  }
  return best;
}

function mergeConcats(graph: FloatGraph, always: boolean): FloatGraph {
  const concats = graph.nodes.filter((node) => node.op === 'concat');
  return concats.reduce((current, concat) => {
    const merged = withMergedConcat(current, concat);
    if (merged === null) return current;
    return always || costOf(merged) < costOf(current) ? merged : current;
  }, graph);
}
