/** Large integer graphs, held against their float graphs by the engine: the interpreter would take minutes. */
import { LARGE } from '../conversion/calibration/activations.ts';
import type { Activations } from '../conversion/calibration/contract.ts';
import type { FloatGraph } from '../conversion/float/graph.ts';
import { type Agreement, type JudgedImages, measureAgreement } from '../conversion/scrutiny/agreement.ts';
import { SpikescopeError } from '../errors.ts';
import type { GoldenCase, ModelContents } from '../model/bundle/bundle.ts';
import type { IntegerGraph } from '../model/graph.ts';
import { workOf } from '../model/validate/budget.ts';
import { createTracer, type Tracer } from '../runtime/engine/trace.ts';

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
  const own = tracer.trace(input).potentials;
  return potentials.every((value, i) => own[i] === value);
}
