/** The part of an evaluation that is about triage, as `evaluate --json` prints it. Shares are 0…1. */
import type { RocPoint } from '../../statistics/operating.ts';
import type { Estimate, Share } from '../../statistics/shares.ts';
import type { Attribute } from './groups.ts';

/** Shares of images; an interval draws whole lesions. */
export interface TriageRates {
  readonly images: number;
  /** Of the malignant, those called `refer`. */
  readonly sensitivity: Share;
  /** Of those of the watched class (melanoma), those called `refer`. */
  readonly watchedSensitivity: Share;
  /** Of the benign, those called `routine`: spared a journey. */
  readonly specificity: Share;
  /** Called `routine` although malignant, and although of the watched class. */
  readonly malignantRoutine: Share;
  readonly watchedRoutine: Share;
  /** Of all. */
  readonly indeterminate: Share;
}

export interface TriageGroup extends TriageRates {
  readonly name: string;
}

/** How often a name that reassures is withheld, because triage is not `routine`. */
export interface Withheld {
  /** Of all readings, those that would have been named otherwise. */
  readonly all: Share;
  /** By the name that was withheld: of the readings that would bear it. */
  readonly byName: Readonly<Record<string, Share>>;
  /** What is said instead, in numbers of readings. */
  readonly instead: Readonly<Record<string, number>>;
  /** Of the watched class, those that bear a reassuring name, and those that would if none were withheld. */
  readonly watchedReassured: Share;
  readonly watchedReassuredUnguarded: Share;
}

export interface DecisionPoint {
  /** Threshold probability p: one missed malignant lesion weighs as much as (1 − p) / p journeys for nothing. */
  readonly threshold: number;
  /** Net benefit by malignancy, of referring everybody; of referring nobody it is 0. */
  readonly model: number;
  readonly referAll: number;
}

export interface TriageDocument {
  readonly threshold: number;
  /** Sensitivity that the threshold was chosen for. */
  readonly promised: number;
  readonly malignant: readonly string[];
  readonly watched: string | null;
  /** Of malignancy, malignant against benign; every image counts once. */
  readonly auc: Estimate;
  readonly overall: TriageRates;
  readonly groups: Readonly<Record<Attribute, readonly TriageGroup[]>>;
  readonly withheld: Withheld;
  readonly roc: readonly RocPoint[];
  readonly decisionCurve: readonly DecisionPoint[];
  /** Net benefit at the threshold of triage taken as the threshold probability, by triage and of referring everybody. */
  readonly netBenefit: { readonly model: Estimate; readonly referAll: Estimate };
}
