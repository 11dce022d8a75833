import type { Square } from '../../frame.ts';
import type { Triage } from '../../model/answers.ts';
import type { ModelIdentity } from '../../model/bundle/bundle.ts';
import type { Quality, RetakeReason } from '../../preprocess/quality.ts';
import type { BackendName } from '../engine/contract.ts';

/** The reason of a retake that no quality check gives: the frame shows no lesion. */
export const OUT_OF_SCOPE = 'out-of-scope';
/** Why a capture must be retaken: what the integrity check found, or that it shows no lesion. */
export type ReadingReason = RetakeReason | typeof OUT_OF_SCOPE;

/** Milliseconds spent per stage. */
export interface Timings {
  readonly decode: number;
  readonly quality: number;
  readonly crop: number;
  readonly inference: number;
  readonly readout: number;
  readonly total: number;
}

/** The answer to one capture. */
export interface Reading {
  /** False when the integrity check failed or no lesion is seen: then `diagnosis` is `retake` without probabilities. */
  readonly accepted: boolean;
  readonly reasons: readonly ReadingReason[];
  /** A class name, `indeterminate` or `retake`. */
  readonly diagnosis: string;
  /** By class name, summing to 1; empty for a retake. */
  readonly probabilities: Readonly<Record<string, number>>;
  /** int32 by class name, after tiling if it took place; empty for a retake. */
  readonly potentials: Readonly<Record<string, number>>;
  readonly tiled: boolean;
  /** The square of the image that was read; null for a retake. */
  readonly crop: Square | null;
  readonly quality: Quality;
  readonly timings: Timings;
  readonly model: ModelIdentity;
  readonly backend: BackendName;
  /** What to do; null for a retake, absent where the bundle does not triage. */
  readonly triage?: Triage | null;
  /** Probability that the lesion has to be seen to, 0…1; null for a retake, absent likewise. */
  readonly malignancy?: number | null;
  /** Whether the lesion is unlike those of training; absent where the model cannot tell, and for a retake. */
  readonly unfamiliar?: boolean;
  /** True where the names of the classes are a guess of the conversion; else absent. */
  readonly assumedClasses?: true;
  /** SHA-256 of the learned head that read it, in hexadecimal; absent where the factory's alone did, and for a retake. */
  readonly head?: string;
}
