import type { ModelBundle } from '../../model/bundle/bundle.ts';
import { elementCount } from '../../model/graph.ts';
import { createCpuEngine } from '../../runtime/cpu-engine.ts';
import { type FloatModel, openFloatModel } from '../float-model.ts';
import { seededRandom } from '../random.ts';
import { type Contestant, type Latency, race } from './race.ts';

/** Inputs that take turns, so that no contestant is timed on one image alone. */
const INPUTS = 8;
const WARM_UP = 50;
export const FLOAT_PEER = 'onnxruntime-float';
export const INTEGER_PEER = 'onnxruntime-int8';

/** Graphs that race against the engine under onnxruntime: ONNX files or their bytes, by the peer's name. */
export type Peers = ReadonlyMap<string, string | Uint8Array>;

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
 * Times the engine, and each peer under onnxruntime, on the same inputs in the same run, as JavaScript sees them: from
 * the call to the settled promise.
 */
export async function timeGraph(
  bundle: ModelBundle,
  { batch, threads, iterations, peers }: TimeGraphOptions,
): Promise<GraphTiming> {
  const engine = await createCpuEngine(bundle.graph, { threads });
  const opened: FloatModel[] = [];
  try {
    const inputs = randomInputs(batch * elementCount(bundle.graph.input.shape));
    const contestants: Contestant[] = [
      { name: 'engine', run: (i) => engine.infer(inputs[i % INPUTS], batch) },
    ];
    for (const [name, model] of peers) {
      const peer = await openFloatModel(model, bundle.preprocessing.width, threads);
      opened.push(peer);
      const prepared = inputs.map((input) => peer.prepare(input, batch));
      contestants.push({ name, run: (i) => peer.run(prepared[i % INPUTS]) });
    }
    const { engine: own, ...times } = Object.fromEntries(await race(contestants, iterations, WARM_UP));
    return {
      graph: bundle.name,
      batch,
      threads,
      instructionSet: engine.instructionSet,
      engine: own,
      peers: times,
      ratios: Object.fromEntries(
        Object.entries(times).map(([name, { median }]) => [name, own.median / median]),
      ),
    };
  } finally {
    await Promise.all([engine.close(), ...opened.map((peer) => peer.close())]);
  }
}

export interface TimeGraphOptions {
  readonly batch: number;
  readonly threads: number;
  /** Timed calls of each contestant. */
  readonly iterations: number;
  readonly peers: Peers;
}

function randomInputs(length: number): Uint8Array[] {
  const random = seededRandom(length);
  return Array.from({ length: INPUTS }, () => Uint8Array.from({ length }, () => Math.floor(256 * random())));
}
