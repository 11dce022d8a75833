/** What installing a release consists of, and what is known of it. docs/design/updates.md has the order of steps. */
import type { Release } from '../release.ts';
import type { Target } from '../target.ts';

/** Each part of a device that a release replaces has two slots: one in use, one to write to. */
export const SLOTS = ['a', 'b'] as const;
export type Slot = (typeof SLOTS)[number];

/** In their order; what fails in one of them leaves the device as it was. */
export const STAGES = ['parse', 'verify', 'check', 'write', 'prove', 'activate', 'confirm'] as const;
export type Stage = (typeof STAGES)[number];

/** What is told while a release is installed. */
export interface StageProgress {
  readonly stage: Stage;
  /** Name of the target, such as `stable/qana64-1.2.0.spikescope`. */
  readonly target: string;
  /** Steps of the stage that are done, of how many; bytes where it moves bytes. */
  readonly done: number;
  readonly of: number;
}

/** A release that lies in the inactive slot, written whole. */
export interface Candidate {
  readonly target: Target;
  readonly release: Release;
  /** The bundle, the configuration's YAML, or the folder of the application. */
  readonly path: string;
}

/** One thing that was looked at while a release was proven on this device. */
export interface ProofItem {
  /** Such as `golden.cpu`, `balancedAccuracy`, `triageSensitivity`, `latency`, `learned`, `starts`. */
  readonly name: string;
  readonly passed: boolean;
  /** What was measured, where it is a figure; milliseconds or a share, 0…1. */
  readonly measured: number | null;
  /** What it is held to, in words or as a figure. */
  readonly required: string;
}

export interface Proof {
  readonly passed: boolean;
  readonly items: readonly ProofItem[];
}

/** Proves a candidate on this very device. What cannot even be run is a failed item, not an error. */
export type Prove = (candidate: Candidate, onStep: (done: number, of: number) => void) => Promise<Proof>;
