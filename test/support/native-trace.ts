import type { IntegerGraph } from '../../src/model/graph.ts';
import type { Interpretation } from '../../src/model/interpreter/interpreter.ts';
import type { NativeTrace } from '../../src/native/addon.ts';

/** First tensor, in the graph's order, in which the engine and the interpreter differ, or null when none does. */
export function firstDifference(
  graph: IntegerGraph,
  expected: Interpretation,
  traced: NativeTrace,
): string | null {
  for (const node of graph.nodes) {
    const want = expected.tensors.get(node.name);
    const have = traced.tensors[node.name];
    const at = want?.findIndex((value, i) => value !== have[i]) ?? -1;
    if (at >= 0) {
      const index = `element ${at} of ${node.output.shape.join('×')}`;
      return `${node.op} ${node.name}, ${index}: expected ${want?.[at]}, received ${have[at]}`;
    }
  }
  const at = expected.potentials.findIndex((value, i) => value !== traced.potentials[i]);
  return at < 0
    ? null
    : `potential ${at}: expected ${expected.potentials[at]}, received ${traced.potentials[at]}`;
}
