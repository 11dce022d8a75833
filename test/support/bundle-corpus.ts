/** Small bundles of every kind, from which the fuzz of the loader starts; they lie in test/corpus/bundles. */
import type { ModelContents } from '../../src/model/bundle/bundle.ts';
import { bundleBytes } from '../../src/model/bundle/write.ts';
import type { IntegerGraph, Operator } from '../../src/model/graph.ts';
import { interpret } from '../../src/model/interpreter/interpreter.ts';
import { randomGraph, randomInput } from './graphs.ts';
import { learnableBundle } from './learnable.ts';
import { Random } from './random.ts';
import { scopedModel } from './scoped-model.ts';
import { tinyModel, tinyTable } from './tiny-model.ts';
import { programmedModel } from './tiny-programs.ts';

const OPERATORS: readonly Operator[] = [
  ...(['add', 'averagePool', 'concat', 'convolution', 'dense'] as const),
  ...(['flatten', 'maxPool', 'multiply', 'pad', 'table'] as const),
];
const MAXIMUM_BYTES = 24_000;

/**
 * By name, the same bytes every time: a plain one, one that learns, one that tells of its classes, one that tells what is no
 * lesion, one with programs of cards, and random graphs with every operator.
 */
export function corpusBundles(): Map<string, Uint8Array> {
  const { digest: _, ...learning } = learnableBundle(1, 3);
  const bundles = new Map([
    ['plain', bundleBytes(tinyModel())],
    ['learning', bundleBytes(learning)],
    ['class-table', bundleBytes({ ...tinyModel(), classTable: tinyTable() })],
    ['scope', bundleBytes(scopedModel())],
    ['akida-programs', bundleBytes(programmedModel())],
  ]);
  const missing = new Set<string>(OPERATORS);
  for (let seed = 0; missing.size > 0; seed++) {
    const graph = randomGraph(seed, 5);
    if (graph.input.shape[2] !== 3 || !graph.nodes.some(({ op }) => missing.has(op))) continue;
    const bytes = bundleBytes(modelOf(graph, seed));
    if (bytes.length > MAXIMUM_BYTES) continue;
    bundles.set(`random-${seed}`, bytes);
    for (const { op } of graph.nodes) missing.delete(op);
  }
  return bundles;
}

function modelOf(graph: IntegerGraph, seed: number): ModelContents {
  const tiny = tinyModel();
  const [height, width] = graph.input.shape;
  const input = randomInput(graph, new Random(seed));
  return {
    ...tiny,
    name: `random ${seed}`,
    graph,
    preprocessing: { ...tiny.preprocessing, width, height },
    readout: { ...tiny.readout, thresholds: graph.classes.map(() => 0) },
    golden: [{ input, potentials: interpret(graph, input).potentials }],
  };
}
