/**
 * Which nodes of a graph are no neurons. What integrates and fires makes more spikes the more it is driven: a table that
 * rises and falls again counts nothing, whatever integers it gives.
 */
import type { GraphNode, IntegerGraph } from '../graph.ts';

/** Whether the node's values can be counts of spikes. */
export function isSpikeCount(node: GraphNode): boolean {
  return node.op !== 'table' || isMonotone(node.table);
}

/** Names of the nodes whose values are no counts of spikes; only a graph without any is a spiking network. */
export function nodesWithoutSpikes({ nodes }: IntegerGraph): string[] {
  return nodes.filter((node) => !isSpikeCount(node)).map(({ name }) => name);
}

/** Rising throughout, or falling throughout as an inhibited neuron does. */
function isMonotone(table: Uint8Array): boolean {
  const steps = Array.from(table.subarray(1), (value, i) => value - table[i]);
  return steps.every((step) => step >= 0) || steps.every((step) => step <= 0);
}
