import type { Interval, ResamplingOptions } from '../../statistics/resampling.ts';

/** What corruption costs, in `evaluate --corruptions --json`. Shares are 0…1. */
export interface CorruptionDocument {
  readonly corruptions: readonly CorruptionRow[];
  /** Without corruption. */
  readonly clean: TriageFigures;
  /** Mean over the corruptions of the Top-1 lost. */
  readonly meanLost: Estimate;
  readonly intervals: ResamplingOptions & { readonly unit: 'lesion' | 'image' };
}

export interface CorruptionRow extends TriageFigures {
  readonly name: string;
  readonly words: string;
  readonly top1: number;
  /** Top-1 without corruption minus Top-1 with it. */
  readonly lost: Estimate;
  /** Share that the integrity check would send back; they are read all the same. */
  readonly retakeShare: number;
}

/** Null where the model does not triage, or the split holds no such lesion. */
export interface TriageFigures {
  /** Share of the images of malignant lesions that are referred. */
  readonly sensitivity: number | null;
  /** Share of the images of other lesions that are not. */
  readonly specificity: number | null;
}

export interface Estimate {
  readonly value: number;
  readonly interval: Interval;
}
