/** Models that come after another, as a release brings them: signed or not is not asked here. */
import type { ModelBundle, ModelContents } from '../../src/model/bundle/bundle.ts';
import type { LabelledEmbeddings } from '../../src/model/bundle/learning-section.ts';
import { parseBundle } from '../../src/model/bundle/read.ts';
import { bundleBytes } from '../../src/model/bundle/write.ts';
import { interpret } from '../../src/model/interpreter/interpreter.ts';

/** A whole bundle with other contents, read back from its bytes. */
export function changed(bundle: ModelContents, changes: Partial<ModelContents>): ModelBundle {
  return parseBundle(bundleBytes({ ...bundle, ...changes }), 'next.spikescope');
}

/** The same with golden outputs that this graph makes: what a publisher's tools write of any graph, good or bad. */
export function consistent(contents: ModelContents): ModelBundle {
  const golden = contents.golden.map(({ input }) => ({
    ...{ input, potentials: interpret(contents.graph, input).potentials },
  }));
  return changed(contents, { golden });
}

/** Another head over the same embedding: each class's potential is larger by so much, on every set of the bundle too. */
export function raised(bundle: ModelBundle, by: readonly number[], version = '1.1.0'): ModelBundle {
  const { graph, learning } = bundle;
  if (learning === undefined) throw new Error('this bundle cannot learn');
  const lift = (potential: number, i: number) => potential + by[i % by.length];
  const moved = (set: LabelledEmbeddings) => ({ ...set, potentials: set.potentials.map(lift) });
  return consistent({
    ...{ ...bundle, version },
    graph: { ...graph, head: { ...graph.head, bias: graph.head.bias.map(lift) } },
    learning: { ...learning, guard: moved(learning.guard), rehearsal: moved(learning.rehearsal) },
  });
}

/** The same head over other features. */
export function withOtherEmbedding(bundle: ModelBundle, version = '2.0.0'): ModelBundle {
  const nodes = bundle.graph.nodes.map((node) =>
    node.op === 'convolution' ? { ...node, weights: node.weights.map((weight) => -weight) } : node,
  );
  return consistent({ ...bundle, version, graph: { ...bundle.graph, nodes } });
}
