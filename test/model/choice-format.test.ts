import { describe, expect, it } from 'vitest';
import { RefusedError } from '../../src/errors.ts';
import type { ModelContents } from '../../src/model/bundle/bundle.ts';
import { CHOICE_FORMAT, packContainer, TRIAGE_FORMAT } from '../../src/model/bundle/container.ts';
import { documentOf } from '../../src/model/bundle/document.ts';
import { parseBundle } from '../../src/model/bundle/read.ts';
import { bundleBytes } from '../../src/model/bundle/write.ts';
import type { GraphNode, IntegerGraph } from '../../src/model/graph.ts';
import { interpret } from '../../src/model/interpreter/interpreter.ts';
import { validateGraph } from '../../src/model/validate/validate.ts';
import { tinyModel } from '../support/tiny-model.ts';

const convolution = 'convolution';
const quantisation = { scale: 0.05, zeroPoint: 3 };

/** The tiny model with nodes between its convolution and its end; the last one has the convolution's shape. */
function withNodes(...nodes: readonly GraphNode[]): ModelContents {
  const contents = tinyModel();
  const [first, flatten] = contents.graph.nodes;
  const last = nodes[nodes.length - 1].name;
  const end = { ...flatten, input: last } as GraphNode;
  const graph: IntegerGraph = { ...contents.graph, nodes: [first, ...nodes, end] };
  const golden = contents.golden.map(({ input }) => ({
    input,
    potentials: interpret(graph, input).potentials,
  }));
  return { ...contents, graph, golden };
}

const base = { sources: [], output: { shape: [2, 2, 2], quantisation } } as const;
const select = (change: Partial<Extract<GraphNode, { op: 'select' }>> = {}): GraphNode => ({
  ...base,
  op: 'select',
  name: 'chosen',
  input: convolution,
  rows: Int32Array.of(1, 0),
  columns: Int32Array.of(0, 0),
  channels: Int32Array.of(1, 0),
  ...change,
});
const extremum: GraphNode = {
  ...base,
  op: 'extremum',
  name: 'larger',
  inputs: ['chosen', convolution],
  kind: 'maximum',
};

function codeOf(action: () => unknown): string {
  try {
    action();
  } catch (error) {
    if (error instanceof RefusedError) return error.code;
    throw error;
  }
  return 'none';
}

describe('a bundle whose graph chooses and compares', () => {
  const contents = withNodes(select(), extremum);
  const bytes = bundleBytes(contents);

  it('reads back as it was written', () => {
    const { graph } = parseBundle(bytes, 'model');
    expect(graph).toEqual(contents.graph);
    const again = parseBundle(bundleBytes({ ...contents, graph }), 'model');
    expect(again.graph).toEqual(graph);
  });

  it('has a format of its own, which one without such nodes has not', () => {
    expect(bytes[8]).toBe(CHOICE_FORMAT);
    expect(bundleBytes(tinyModel())[8]).toBeLessThan(CHOICE_FORMAT);
  });

  it('is refused when it says that it is of an older format', () => {
    const { document, data } = documentOf(contents);
    const older = packContainer(document, data, undefined, TRIAGE_FORMAT);
    expect(codeOf(() => parseBundle(older, 'model'))).toBe('BUNDLE_SCHEMA');
  });

  it.each<[string, Partial<Extract<GraphNode, { op: 'select' }>>, string]>([
    ['a row outside', { rows: Int32Array.of(0, 2) }, 'GRAPH_PARAMETERS'],
    ['a channel before the first', { channels: Int32Array.of(-1, 0) }, 'GRAPH_PARAMETERS'],
    ['a choice of another length', { columns: Int32Array.of(0) }, 'GRAPH_SHAPE'],
    [
      'another quantisation',
      { output: { shape: [2, 2, 2], quantisation: { scale: 0.1, zeroPoint: 3 } } },
      'GRAPH_QUANTISATION',
    ],
  ])('is refused with %s', (_, change, code) => {
    const { graph } = withNodes(select());
    const [first, , end] = graph.nodes;
    const damaged = { ...graph, nodes: [first, select(change), end] };
    expect(codeOf(() => validateGraph(damaged))).toBe(code);
  });
});
