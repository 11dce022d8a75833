/** What a processor takes, rule by rule: from its documentation and its vendor's mapper; nothing was run on a card. */
import type { GraphNode, Head, IntegerGraph, Shape } from '../../model/graph.ts';

/** Where a node stands: its input, and the graph around it. */
export interface Placement {
  readonly graph: IntegerGraph;
  readonly inputShape: Shape;
  /** True where the node reads the image. */
  readonly isFirst: boolean;
}

export interface TargetRules {
  /** Where a node that maps runs. */
  readonly mapped: 'chip' | 'cpu';
  /** Bits of weights and activations behind the first layer, where nobody asks for others. */
  readonly bits: 4 | 8;
  /** Why a node does not map; empty where it does. */
  reasonsAgainst(node: GraphNode, placement: Placement): readonly string[];
  /**
   * For a processor that rescales by its own arithmetic, of a graph that maps: the nearest one that it computes exactly.
   * @throws RefusedError naming what it cannot compute
   */
  readonly exact?: (graph: IntegerGraph) => IntegerGraph;
  reasonsAgainstHead(head: Head, placement: Placement): readonly string[];
}

/** Name under which the head stands in reports. */
export const HEAD_NAME = 'head';
