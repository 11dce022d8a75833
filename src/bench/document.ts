import type { InferenceEnergy } from '../evaluation/energy/of-inference.ts';
import type { ModelIdentity } from '../model/bundle/bundle.ts';
import type { ColdStart } from './cold-start.ts';
import type { GraphTiming } from './graph.ts';
import type { GraphLayers } from './layers.ts';
import type { MachineLimits } from './limits.ts';
import type { Machine } from './machine.ts';
import type { NodeSide } from './node-side.ts';
import type { StageTiming } from './stages.ts';

/** What `bench --json` prints; times in ms. */
export interface BenchDocument {
  readonly machine: Machine;
  readonly model: ModelIdentity;
  readonly results: readonly GraphTiming[];
  /** What one core could do at best. */
  readonly limits: MachineLimits;
  /** Layer by layer: the bundle, then the networks with random weights. */
  readonly layers: readonly GraphLayers[];
  readonly node: NodeSide;
  /** Null where it could not be measured; `absent` says why. */
  readonly start: ColdStart | null;
  /** Classification of one image at a time, from the bytes of its file to the reading. */
  readonly stages: StageTiming;
  /** One image at a time on one thread, joules. */
  readonly energy: InferenceEnergy;
  /** Peers and figures that could not be had, and why. */
  readonly absent: Readonly<Record<string, string>>;
}
