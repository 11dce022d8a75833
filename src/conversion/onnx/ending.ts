/**
 * Where the network's answer comes from: which output, and what stands between it and the logits. A softmax or sigmoid at
 * the end is the host's readout; an ArgMax tells less than the logits; what only reshapes a vector is looked through.
 */
import { RefusedError } from '../../errors.ts';
import type { OnnxGraph, OnnxNode, OnnxValue } from './decode.ts';
import { makersOf } from './nodes.ts';
import { REAL_TYPES } from './tensor.ts';

/** What the last operator made of the logits; `none` where they are given as they are. */
export type Readout = 'none' | 'softmax' | 'sigmoid';

export interface Ending {
  /** The tensor that is imported as the answer. */
  readonly tensor: string;
  /** The output of that name or that leads to it, for the shape that the file states. Null for an inner tensor. */
  readonly value: OnnxValue | null;
  /** Axis of an ArgMax behind it, which has to be that of the classes; null where there is none. */
  readonly argMaxAxis: number | null;
  /** The node that is left to the host's readout: it gives on what it is given. */
  readonly readoutNode: OnnxNode | null;
  readonly readout: Readout;
  /** What was left out, for people. */
  readonly notes: readonly string[];
}

const READOUTS: Readonly<Record<string, Readout>> = {
  Softmax: 'softmax',
  LogSoftmax: 'softmax',
  Sigmoid: 'sigmoid',
};
/** They leave every value as it is, or round it, and the order of the classes. */
const RESHAPING = new Set([
  'Identity',
  'Cast',
  'Flatten',
  'Reshape',
  'Squeeze',
  'Unsqueeze',
  'Transpose',
  'Dropout',
  'QuantizeLinear',
  'DequantizeLinear',
]);

/**
 * @param wanted a tensor's name, as with `--output`
 * @throws RefusedError `ONNX_OUTPUTS` where the answer is not told apart, or no tensor has the name
 */
export function endingOf(graph: OnnxGraph, wanted: string | undefined): Ending {
  const makers = makersOf(graph.node);
  if (wanted !== undefined) {
    if (!makers.has(wanted)) throw unknownOutput(graph, wanted);
    return endingAt(wanted, graph, makers);
  }
  const endings = distinct(graph.output.map(({ name }) => endingAt(name, graph, makers)));
  if (endings.length === 1) return withUnused(endings[0], graph);
  // An index or a map tells no classes apart, and an embedding seldom is as short as a list of classes.
  const vectors = endings.filter(({ value }) => value !== null && isVectorOfReals(value));
  if (vectors.length === 1) return withUnused(vectors[0], graph);
  throw new RefusedError('ONNX_OUTPUTS', 'The network gives several answers', {
    expected: 'one vector of logits, or --output with the name of one',
    received: graph.output.map(described).join(', ') || 'none',
    remedy: 'name the one that holds the logits with --output',
  });
}

function endingAt(name: string, graph: OnnxGraph, makers: ReadonlyMap<string, OnnxNode>): Ending {
  const notes: string[] = [];
  let tensor = name;
  let argMaxAxis: number | null = null;
  const last = behindReshapes(tensor, makers).maker;
  if (last?.opType === 'ArgMax' && last.input.length > 0) {
    argMaxAxis = last.attribute.find((each) => each.name === 'axis')?.i ?? 0;
    tensor = last.input[0];
    notes.push('ArgMax at the end left out: the logits tell more');
  }
  const { maker, isRounded } = behindReshapes(tensor, makers);
  const readout = maker === undefined ? 'none' : (READOUTS[maker.opType] ?? 'none');
  // The bounds of rounded probabilities are none of logits.
  const isCut = maker !== undefined && readout !== 'none' && isRounded;
  if (isCut) tensor = maker.output[0];
  return {
    tensor,
    value:
      argMaxAxis === null && !isCut ? (graph.output.find((output) => output.name === name) ?? null) : null,
    argMaxAxis,
    readoutNode: readout === 'none' ? null : (maker ?? null),
    readout,
    notes,
  };
}

/** The first node behind a tensor that does more than reshape or round it, and whether something rounds. */
function behindReshapes(
  tensor: string,
  makers: ReadonlyMap<string, OnnxNode>,
): { readonly maker: OnnxNode | undefined; readonly isRounded: boolean } {
  const seen = new Set<string>();
  let isRounded = false;
  let at = tensor;
  for (let maker = makers.get(at); maker !== undefined; maker = makers.get(at)) {
    if (!RESHAPING.has(maker.opType) || seen.has(at) || maker.input.length === 0) return { maker, isRounded };
    isRounded ||= maker.opType === 'QuantizeLinear';
    seen.add(at);
    at = maker.input[0];
  }
  return { maker: undefined, isRounded };
}

/** Outputs that lead to the same logits are one answer: the one whose tensor is a readout's, or else the first. */
function distinct(endings: readonly Ending[]): Ending[] {
  const bySource = new Map<string, Ending>();
  for (const ending of endings) {
    const source = ending.readoutNode?.input[0] ?? ending.tensor;
    const known = bySource.get(source);
    if (known === undefined || (known.value === null && ending.value !== null)) bySource.set(source, ending);
  }
  return [...bySource.values()];
}

function withUnused(ending: Ending, graph: OnnxGraph): Ending {
  const unused = graph.output.filter(({ name }) => name !== (ending.value?.name ?? graph.output[0].name));
  if (unused.length === 0) return ending;
  const names = unused.map(({ name }) => name).join(', ');
  return { ...ending, notes: [...ending.notes, `other outputs left out: ${names}`] };
}

function isVectorOfReals({ type }: OnnxValue): boolean {
  const tensor = type?.tensorType;
  const extents = tensor?.shape?.dim.slice(1).map(({ dimValue }) => dimValue ?? Number.NaN) ?? [];
  const long = extents.filter((extent) => extent !== 1);
  return REAL_TYPES.includes(tensor?.elemType ?? 0) && long.length === 1 && long[0] <= MOST_CLASSES;
}

/** Longer vectors are taken for embeddings, where there is a choice. */
const MOST_CLASSES = 100;

function described({ name, type }: OnnxValue): string {
  const extents = type?.tensorType?.shape?.dim.map(({ dimValue, dimParam }) => dimValue ?? dimParam ?? '?');
  return extents === undefined ? name : `${name} [${extents.join(', ')}]`;
}

function unknownOutput({ output }: OnnxGraph, wanted: string): RefusedError {
  return new RefusedError('ONNX_OUTPUTS', 'No node of the network makes a tensor of this name', {
    field: '--output',
    expected: `an output, such as ${output.map(described).join(', ')}, or a tensor within`,
    received: wanted,
  });
}

/** The nodes that the answer depends on, and the readout's own; the others have no part in it. */
export function livingNodes(nodes: readonly OnnxNode[], { tensor }: Ending): OnnxNode[] {
  const makers = makersOf(nodes);
  const alive = new Set<OnnxNode>();
  const waiting = [tensor];
  for (let name = waiting.pop(); name !== undefined; name = waiting.pop()) {
    const maker = makers.get(name);
    if (maker === undefined || alive.has(maker)) continue;
    alive.add(maker);
    waiting.push(...maker.input);
  }
  return nodes.filter((node) => alive.has(node));
}
