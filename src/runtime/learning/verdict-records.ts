import type { EventDraft } from '../../store/chain.ts';
import type { PressedBy } from './outcome.ts';

/** What is recorded of a person's verdicts, in the same commit as what is learned from them. */
export interface VerdictRecords {
  /** Of a verdict on a case; none where the journal has no reading of it. */
  given(caseId: string, verdict: VerdictDetails): EventDraft[];
  /** What withdraws the verdict on a case that holds now; none where none does. */
  withdrawn(caseId: string, by: PressedBy | 'recovery'): EventDraft[];
}

export interface VerdictDetails {
  readonly label: string;
  readonly by: PressedBy;
  /** Whether the head has learned it. */
  readonly learned: boolean;
}
