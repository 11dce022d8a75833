import type { LayerActivity } from '../../model/spiking/activity.ts';
import type { EnergyEstimate } from '../energy/estimate.ts';
import type { InferenceEnergy } from '../energy/of-inference.ts';

/** Means per image. */
export interface WindowFigures {
  /** Steps of a window. */
  readonly steps: number;
  readonly spikes: number;
  readonly synapticOperations: number;
  readonly activeSynapses: number;
  /** Share of images with the winning class of the integer engine. */
  readonly agreement: number;
  /** Share of images whose winning class is the true one; null without labels. */
  readonly top1: number | null;
}

/** What `inspect --activity --json` adds under `activity`. */
export interface ActivityDocument {
  /** Where the images came from. */
  readonly source: string;
  readonly images: number;
  /** Files that do not decode; they are in no figure. */
  readonly unreadable: number;
  /** Images on which the simulation over 255 steps was compared with the engine: potentials and embedding are equal. */
  readonly equalToEngine: number;
  /** Over 255 steps, means per image; input first, head last. */
  readonly layers: readonly LayerActivity[];
  /** From the shortest window to the longest. */
  readonly windows: readonly WindowFigures[];
  readonly energy: InferenceEnergy & { readonly estimate: EnergyEstimate };
}
