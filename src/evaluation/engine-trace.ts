/** Large integer graphs, computed by the engine where it is shown to be the interpreter, which would take minutes. */
import type { Activations } from '../conversion/calibration/contract.ts';
import type { FloatGraph } from '../conversion/float/graph.ts';
import { goldenCases, goldenInputs } from '../conversion/golden.ts';
import { type Agreement, type JudgedImages, measureAgreement } from '../conversion/scrutiny/agreement.ts';
import { SpikescopeError } from '../errors.ts';
import type { GoldenCase, ModelContents } from '../model/bundle/bundle.ts';
import type { IntegerGraph } from '../model/graph.ts';
import { interpret } from '../model/interpreter/interpreter.ts';
import { workOf } from '../model/validate/budget.ts';
import { createTracer, type Tracer } from '../runtime/engine/trace.ts';

/** Work that the interpreter does in some seconds; above it the engine stands in its place. */
const LARGE = 2e9;

/**
 * Golden inputs of a network that was just converted. The interpreter computes all of a small one. Of a large one it
 * computes the first, and the engine the others, once every tensor of the first is the interpreter's.
 * @param options `large`: work from which a network counts as large; `open`: the engine, null where there is none
 */
export async function goldenOf(
  graph: IntegerGraph,
  {
    large = LARGE,
    open = tracerOrNull,
  }: { large?: number; open?: (graph: IntegerGraph) => Tracer | null } = {},
): Promise<readonly GoldenCase[]> {
  const [first, ...others] = goldenInputs(graph);
  const tracer = workOf(graph) * (1 + others.length) < large ? null : open(graph);
  if (tracer === null) return goldenCases(graph);
  try {
    const { tensors, potentials } = interpret(graph, first);
    const own = tracer.trace(first);
    const isAlike =
      isSame(own.potentials, potentials) &&
      graph.nodes.every(({ name }) => isSame(own.tensors.get(name) ?? [], tensors.get(name) ?? []));
    const compute = isAlike ? tracer.trace : (input: Uint8Array) => interpret(graph, input);
    return [
      { input: first, potentials },
      ...others.map((input) => ({ input, potentials: compute(input).potentials })),
    ];
  } finally {
    await tracer.close();
  }
}

/**
 * Null where the interpreter had better go on: the work is small, there is no engine for this machine, or its potentials
 * are not those that the interpreter computed.
 * @param golden inputs with the interpreter's potentials
 * @param images how many there will be
 */
export async function openEngineTrace(
  graph: IntegerGraph,
  golden: readonly GoldenCase[],
  images: number,
): Promise<Tracer | null> {
  if (workOf(graph) * images < LARGE) return null;
  const tracer = tracerOrNull(graph);
  if (tracer === null || golden.every((one) => isJudgedAlike(tracer, one))) return tracer;
  await tracer.close();
  return null;
}

/**
 * How well a converted model agrees with its float graph, by the engine where that may stand for the interpreter.
 * @param activations of the folded float graph
 * @param advance called once per image
 */
export async function measureModelAgreement(
  folded: FloatGraph,
  { graph, golden }: Pick<ModelContents, 'graph' | 'golden'>,
  judged: JudgedImages,
  activations: Activations,
  advance?: () => void,
): Promise<Agreement> {
  const tracer = await openEngineTrace(graph, golden, judged.images.length);
  try {
    const computers = { activations, ...(tracer && { integers: tracer.trace }) };
    return await measureAgreement(folded, graph, judged, computers, advance);
  } finally {
    await tracer?.close();
  }
}

function tracerOrNull(graph: IntegerGraph): Tracer | null {
  try {
    return createTracer(graph);
  } catch (error) {
    if (error instanceof SpikescopeError) return null;
    throw error;
  }
}

function isJudgedAlike(tracer: Tracer, { input, potentials }: GoldenCase): boolean {
  return isSame(tracer.trace(input).potentials, potentials);
}

function isSame(values: ArrayLike<number>, others: ArrayLike<number>): boolean {
  if (values.length !== others.length) return false;
  for (let i = 0; i < values.length; i++) if (values[i] !== others[i]) return false;
  return true;
}
