import type { ModelBundle } from '../../model/bundle/bundle.ts';
import { elementCount } from '../../model/graph.ts';
import { createCpuEngine } from '../../runtime/cpu-engine.ts';
import { openFloatModel } from '../float-model.ts';
import { seededRandom } from '../random.ts';
import { type Contestant, type Latency, race } from './race.ts';

/** Inputs that take turns, so that no contestant is timed on one image alone. */
const INPUTS = 8;
const WARM_UP = 50;
export const FLOAT_PEER = 'onnxruntime-float';

export interface GraphTiming {
  readonly graph: string;
  readonly batch: number;
  readonly threads: number;
  readonly instructionSet: string;
  readonly engine: Latency;
  readonly peers: Readonly<Record<string, Latency>>;
  /** Engine's median over each peer's. */
  readonly ratios: Readonly<Record<string, number>>;
}

/**
 * Times the engine, and the float graph under onnxruntime where it is given, on the same inputs in the same run, as
 * JavaScript sees both: from the call to the settled promise.
 * @param floatFile ONNX file of the same graph
 */
export async function timeGraph(
  bundle: ModelBundle,
  { batch, threads, iterations, floatFile }: TimeGraphOptions,
): Promise<GraphTiming> {
  const engine = await createCpuEngine(bundle.graph, { threads });
  const float =
    floatFile === undefined ? null : await openFloatModel(floatFile, bundle.preprocessing.width, threads);
  try {
    const inputs = randomInputs(batch * elementCount(bundle.graph.input.shape));
    const contestants: Contestant[] = [
      { name: 'engine', run: (i) => engine.infer(inputs[i % INPUTS], batch) },
    ];
    if (float !== null) {
      const prepared = inputs.map((input) => float.prepare(input, batch));
      contestants.push({ name: FLOAT_PEER, run: (i) => float.run(prepared[i % INPUTS]) });
    }
    const { engine: own, ...peers } = Object.fromEntries(await race(contestants, iterations, WARM_UP));
    return {
      graph: bundle.name,
      batch,
      threads,
      instructionSet: engine.instructionSet,
      engine: own,
      peers,
      ratios: Object.fromEntries(
        Object.entries(peers).map(([name, { median }]) => [name, own.median / median]),
      ),
    };
  } finally {
    await Promise.all([engine.close(), float?.close()]);
  }
}

export interface TimeGraphOptions {
  readonly batch: number;
  readonly threads: number;
  /** Timed calls of each contestant. */
  readonly iterations: number;
  readonly floatFile?: string;
}

function randomInputs(length: number): Uint8Array[] {
  const random = seededRandom(length);
  return Array.from({ length: INPUTS }, () => Uint8Array.from({ length }, () => Math.floor(256 * random())));
}
