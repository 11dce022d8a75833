/** Small edits of the float graph. A graph is never changed in place. */
import { type FloatGraph, type FloatNode, floatInputsOf, isPadded, type Window } from './graph.ts';

/** A graph with the look-ups that rewrites need. */
export interface GraphView {
  readonly graph: FloatGraph;
  maker(tensor: string): FloatNode | undefined;
  consumers(tensor: string): readonly FloatNode[];
  /** True where `tensor` goes to one place only: one consumer, and it is not the graph's output. */
  hasOneUse(tensor: string): boolean;
}

export function viewOf(graph: FloatGraph): GraphView {
  const makers = new Map(graph.nodes.map((node) => [node.name, node]));
  const consumers = new Map<string, FloatNode[]>();
  for (const node of graph.nodes) {
    for (const input of new Set(floatInputsOf(node))) {
      const list = consumers.get(input) ?? [];
      list.push(node);
      consumers.set(input, list);
    }
  }
  const consumersOf = (tensor: string) => consumers.get(tensor) ?? [];
  return {
    graph,
    maker: (tensor) => makers.get(tensor),
    consumers: consumersOf,
    hasOneUse: (tensor) => consumersOf(tensor).length === 1 && graph.output !== tensor,
  };
}

/** Whether a window is the whole map that it reads, and no border is added to that. */
export function coversMap({ maker, graph }: GraphView, node: Window & { readonly input: string }): boolean {
  const [height, width] = maker(node.input)?.shape ?? graph.inputShape;
  return node.kernel[0] === height && node.kernel[1] === width && !isPadded(node.padding);
}

export interface Edit {
  /** What stands in a node's place: none, one or several nodes, each after its inputs. */
  readonly replace: ReadonlyMap<string, readonly FloatNode[]>;
  /** Tensors whose consumers now read another one. */
  readonly rename?: ReadonlyMap<string, string>;
}

/** Applies an edit and drops the nodes that nothing reads any more. */
export function applyEdit(graph: FloatGraph, { replace, rename = new Map() }: Edit): FloatGraph {
  const nodes = graph.nodes
    .flatMap((node) => replace.get(node.name) ?? [node])
    .map((node) => withInputs(node, (tensor) => rename.get(tensor) ?? tensor));
  return withoutDeadNodes({ ...graph, nodes, output: rename.get(graph.output) ?? graph.output });
}

export function withInputs(node: FloatNode, renamed: (tensor: string) => string): FloatNode {
  switch (node.op) {
    case 'add':
    case 'concat':
    case 'extremum':
      return { ...node, inputs: node.inputs.map(renamed) };
    case 'multiply':
      return { ...node, input: renamed(node.input), gate: renamed(node.gate) };
    default:
      return { ...node, input: renamed(node.input) };
  }
}

export function withoutDeadNodes(graph: FloatGraph): FloatGraph {
  const alive = new Set([graph.output]);
  for (const node of graph.nodes.toReversed()) {
    if (alive.has(node.name)) for (const input of floatInputsOf(node)) alive.add(input);
  }
  const nodes = graph.nodes.filter(({ name }) => alive.has(name));
  return nodes.length === graph.nodes.length ? graph : { ...graph, nodes };
}

/** `base`, with a number where the graph already has it. */
export function freshName(graph: FloatGraph, base: string): string {
  const taken = new Set(graph.nodes.map(({ name }) => name));
  let name = base;
  for (let i = 2; taken.has(name); i++) name = `${base}.${i}`;
  return name;
}

/** Sources and rewrites of two nodes that become one. */
export function mergedHistory(
  first: FloatNode,
  second: FloatNode,
  rewrite: string,
): Pick<FloatNode, 'sources' | 'rewrites'> {
  return {
    sources: [...new Set([...first.sources, ...second.sources])],
    rewrites: [...new Set([...first.rewrites, ...second.rewrites, rewrite])],
  };
}
