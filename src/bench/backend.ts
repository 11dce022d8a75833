import { SpikescopeError } from '../errors.ts';
import { identityOf, type ModelBundle, type ModelIdentity } from '../model/bundle/bundle.ts';
import { elementCount } from '../model/graph.ts';
import type { BackendName, Engine } from '../runtime/engine/contract.ts';
import { randomInputs } from './graph.ts';
import { type Machine, thisMachine } from './machine.ts';
import { type Latency, latencyOf } from './race.ts';

const WARM_UP = 10;

/** How long one backend takes, as the appliance sees it: from the call to the settled promise. */
export interface BackendTiming {
  readonly batch: number;
  /** Milliseconds per call. */
  readonly latency: Latency;
  readonly imagesPerSecond: number;
}

/** What took the time: a `played card` is a program that stands in for one, and its times say nothing of silicon. */
export type TimedDevice = 'processor' | 'card' | 'played card';

/** What `bench --backend akida --json` prints. */
export interface BackendBench {
  readonly machine: Machine;
  readonly model: ModelIdentity;
  readonly backend: BackendName;
  /** What of it runs the graph. */
  readonly runsOn: string;
  /** What the times are of. */
  readonly timed: TimedDevice;
  readonly results: readonly BackendTiming[];
  /** Null: no meter covers one backend alone. */
  readonly energy: null;
}

export interface TimeBackendOptions {
  /** Images per call, a figure for each. */
  readonly batch: readonly number[];
  /** Timed calls of each. */
  readonly iterations: number;
  /** Whether a card is one that is played. Default false. */
  readonly isPlayed?: boolean;
}

/**
 * Times an engine alone, one batch size after the other, on inputs that take turns.
 * @throws SpikescopeError `BENCH_ANSWER` where it does not answer each input as it did before; and as the engine's `infer`
 */
export async function timeBackend(
  bundle: ModelBundle,
  engine: Engine,
  { batch, iterations, isPlayed = false }: TimeBackendOptions,
): Promise<BackendBench> {
  const results: BackendTiming[] = [];
  for (const size of batch) results.push(await timeBatch(bundle, engine, size, iterations));
  return {
    machine: thisMachine(),
    model: identityOf(bundle),
    backend: engine.backend,
    runsOn: engine.instructionSet,
    timed: engine.backend === 'akida' ? (isPlayed ? 'played card' : 'card') : 'processor',
    results,
    energy: null,
  };
}

async function timeBatch(
  { graph }: ModelBundle,
  engine: Engine,
  batch: number,
  iterations: number,
): Promise<BackendTiming> {
  const inputs = randomInputs(batch * elementCount(graph.input.shape));
  const expected: Int32Array[] = [];
  for (const input of inputs) expected.push((await engine.infer(input, batch)).potentials);
  for (let i = 0; i < WARM_UP; i++) await engine.infer(inputs[i % inputs.length], batch);
  const times: number[] = [];
  for (let i = 0; i < iterations; i++) {
    const started = performance.now();
    const { potentials } = await engine.infer(inputs[i % inputs.length], batch);
    times.push(performance.now() - started);
    // What is quick and wrong is no figure.
    if (!potentials.every((value, c) => value === expected[i % inputs.length][c])) {
      throw new SpikescopeError('BENCH_ANSWER', 'The same input was answered in two ways', {
        expected: expected[i % inputs.length].join(', '),
        received: potentials.join(', '),
        remedy: `do not trust the backend ${engine.backend} here; spikescope doctor looks for what is wrong`,
      });
    }
  }
  const latency = latencyOf(times);
  return { batch, latency, imagesPerSecond: (1000 * batch) / latency.median };
}
