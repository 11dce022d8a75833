import { applyEdit, type Edit, type GraphView, viewOf } from '../float/edit.ts';
import type { FloatGraph, FloatNode } from '../float/graph.ts';

/** A rewrite that leaves every output of the graph equal in exact arithmetic. Null where it does not apply to `node`. */
export type Rule = (node: FloatNode, view: GraphView) => Edit | null;

/** Applies rules until none applies; earlier rules go first, and among nodes the first in the graph. */
export function applyRules(graph: FloatGraph, rules: readonly Rule[]): FloatGraph {
  let current = graph;
  for (let edit = firstEdit(current, rules); edit !== null; edit = firstEdit(current, rules)) {
    current = applyEdit(current, edit);
  }
  return current;
}

function firstEdit(graph: FloatGraph, rules: readonly Rule[]): Edit | null {
  const view = viewOf(graph);
  for (const rule of rules) {
    for (const node of graph.nodes) {
      const edit = rule(node, view);
      if (edit !== null) return edit;
    }
  }
  return null;
}

/** `second` disappears into `merged`, which stands where `first` stood. */
export function mergeInto(first: FloatNode, second: FloatNode, merged: FloatNode): Edit {
  return {
    replace: new Map([
      [first.name, [merged]],
      [second.name, []],
    ]),
    rename: new Map([[second.name, merged.name]]),
  };
}
