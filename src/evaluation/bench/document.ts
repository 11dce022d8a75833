import type { ModelIdentity } from '../../model/bundle/bundle.ts';
import type { InferenceEnergy } from '../energy/of-inference.ts';
import type { GraphTiming } from './graph.ts';
import type { Machine } from './machine.ts';
import type { StageTiming } from './stages.ts';

/** What `bench --json` prints; times in ms. */
export interface BenchDocument {
  readonly machine: Machine;
  readonly model: ModelIdentity;
  readonly results: readonly GraphTiming[];
  /** Classification of one image at a time, from the bytes of its file to the reading. */
  readonly stages: StageTiming;
  /** One image at a time on one thread, joules. */
  readonly energy: InferenceEnergy;
  /** Peers that could not be timed, and why. */
  readonly absent: Readonly<Record<string, string>>;
}
