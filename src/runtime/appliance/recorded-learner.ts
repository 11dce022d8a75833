import { isRehearsed, type SourceKind } from '../../capture/kinds.ts';
import { SpikescopeError } from '../../errors.ts';
import type { Risk } from '../../model/bundle/class-table-section.ts';
import type { Journal } from '../../store/journal.ts';
import type { GivenLabel } from '../../telehealth/label.ts';
import type { HeadInput } from '../inference/head.ts';
import type { LearningOutcome, PressedBy } from '../learning/outcome.ts';
import type { Learner } from './appliance.ts';
import type { LastUpdate, RecordedReading } from './flow/parts.ts';
import { labelOf, type Verdicts } from './verdicts.ts';

export interface RecordedLearnerOptions {
  /** Records the verdicts that it learns from in the commits of its updates; null where the device does not learn. */
  readonly learner: Learner | null;
  readonly verdicts: Verdicts;
  readonly journal: Pick<Journal, 'record' | 'labels'>;
  /** What the device reads now. */
  readonly source: SourceKind;
  /** Called when a verdict is in the journal, to publish it. */
  readonly onRecorded: () => void;
}

/** What undo takes back. */
type Target =
  | { readonly kind: 'update'; readonly update: LastUpdate }
  | { readonly kind: 'verdict'; readonly verdict: GivenLabel };

/** A learner with whom a verdict holds whether or not it is learned: it is recorded, published, and can be taken back. */
export class RecordedLearner implements Learner {
  readonly #options: RecordedLearnerOptions;

  constructor(options: RecordedLearnerOptions) {
    this.#options = options;
  }

  observe(id: string, headInput: HeadInput | null): void {
    this.#options.learner?.observe(id, headInput);
  }

  /** @throws SpikescopeError `JOURNAL_*`, `LABEL_INVALID`: then there is no verdict */
  async learn(reading: RecordedReading, label: string, by: PressedBy, risk?: Risk): Promise<LearningOutcome> {
    const { learner, verdicts, journal, onRecorded } = this.#options;
    const outcome = learner
      ? await learner.learn(reading, label, by, risk).catch(unlearned)
      : { kept: false, reason: 'this device does not learn' };
    if (verdicts.standing(reading.id) === null) {
      journal.record(verdicts.given(reading.id, { label, by, learned: false }));
    }
    onRecorded();
    return outcome;
  }

  async undo(by: PressedBy): Promise<boolean> {
    const { learner, verdicts, journal, onRecorded } = this.#options;
    const target = this.#target();
    if (target === null) return false;
    if (target.kind === 'verdict') journal.record(verdicts.withdrawn(target.verdict.result, by));
    const isDone = target.kind === 'verdict' || (await learner?.undo(by)) === true;
    onRecorded();
    return isDone;
  }

  lastUpdate(): LastUpdate | null {
    const target = this.#target();
    if (target === null) return null;
    return target.kind === 'update' ? target.update : { label: target.verdict.label };
  }

  /**
   * The newest of what can be taken back: the last update of the head in use, with its verdict, or a verdict that taught
   * nothing. What other heads have learned they keep, and a demonstration takes back nothing that was said of patients.
   */
  #target(): Target | null {
    const { learner, journal, source } = this.#options;
    const update = learner && (learner.lastUpdate ? learner.lastUpdate() : { label: null });
    const withdrawn = new Set<string>();
    for (const { caseId, payload } of journal.labels()) {
      if (update !== null && update.caseId === caseId) break;
      const label = labelOf(payload);
      if (label?.verdict === 'withdrawn') withdrawn.add(label.withdraws);
      else if (label !== null && !label.learned && !withdrawn.has(label.id)) {
        if (isRehearsed(label.source) || !isRehearsed(source)) return { kind: 'verdict', verdict: label };
      }
    }
    return update && { kind: 'update', update };
  }
}

/** That nothing could be learned takes nothing from the verdict; what is no label, or cannot be recorded, is none. */
function unlearned(error: unknown): LearningOutcome {
  const fault =
    error instanceof SpikescopeError
      ? error
      : new SpikescopeError('INTERNAL', 'Learning failed', { cause: error });
  if (fault.code === 'LABEL_INVALID' || fault.code.startsWith('JOURNAL_')) throw fault;
  return { kept: false, reason: fault.message, fault };
}
