import type { SpikescopeError } from '../../errors.ts';

export const PRESSED_BY = ['button', 'keyboard', 'command'] as const;
/** Through what a person acted. */
export type PressedBy = (typeof PRESSED_BY)[number];

/** What became of a labelled case. */
export interface LearningOutcome {
  /** Whether the update passed the gate and is in use; otherwise it was rolled back. The label is recorded either way. */
  readonly kept: boolean;
  /** Why it was rolled back, in words for a person. */
  readonly reason?: string;
  /** Why nothing could be learned; the verdict is recorded all the same. */
  readonly fault?: SpikescopeError;
  /** Of a class that this case added: whether triage takes its lesions for malignant. */
  readonly addedAs?: 'malignant' | 'benign';
}
