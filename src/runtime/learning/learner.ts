import { randomUUID } from 'node:crypto';
import { SpikescopeError } from '../../errors.ts';
import type { ModelBundle } from '../../model/bundle/bundle.ts';
import { classTableOf, riskOf } from '../../model/bundle/class-table.ts';
import type { Risk } from '../../model/bundle/class-table-section.ts';
import type { LearningSection } from '../../model/bundle/learning-section.ts';
import type { EventDraft, RecordDraft } from '../../store/chain.ts';
import type { HeadInput, LearnedHead } from '../inference/head.ts';
import { type Background, backgroundOf } from './background.ts';
import {
  type Actor,
  changeBackRecord,
  type LearningJournal,
  labelIn,
  recordsOf,
  updateRecord,
} from './change-record.ts';
import { type Correction, correctedPotentials, noCorrection } from './correction.ts';
import { caseOf, HoldOut, type HoldOutFigures, type HoldOutJudgement } from './hold-out.ts';
import { KeptState, type KeptStateOptions } from './kept-state.ts';
import { checkedLabel, checkRisk, type LabelRules, labelProblem } from './label.ts';
import { lineSearch } from './line-search.ts';
import type { LearningOutcome, PressedBy } from './outcome.ts';
import { proposed } from './propose.ts';
import { withClass } from './prototype.ts';
import { type HeadAndMemory, HISTORY_LENGTH, headDigest, type LearnedState, remembering } from './state.ts';
import type { Example } from './teach.ts';
import type { VerdictDetails, VerdictRecords } from './verdict-records.ts';

export interface LearnerOptions extends KeptStateOptions {
  /** Codes of classes that may be added; by default any well-formed one. */
  readonly extraLabels?: readonly string[] | undefined;
}

/** The learned head: learns, forgets, and reads. One process at a time works in its folder; one change at a time. */
export class HeadLearner {
  readonly #bundle: ModelBundle;
  readonly #section: LearningSection;
  readonly #journal: LearningJournal;
  readonly #kept: KeptState;
  readonly #verdicts: VerdictRecords | undefined;
  #background: Background | null = null;
  /** The bundle's share of the replay buffer. */
  readonly #bundled: readonly Example[];
  readonly #labelRules: LabelRules;
  readonly #holdOut: HoldOut;
  readonly #factory: HoldOutJudgement;
  #state: LearnedState;
  #isTakenUp = false;
  #digested: { readonly state: LearnedState; readonly digest: string } | null = null;
  #seen: { id: string; headInput: HeadInput } | null = null;

  private constructor(bundle: ModelBundle, section: LearningSection, options: LearnerOptions) {
    const { features, rehearsal } = section;
    this.#bundle = bundle;
    this.#section = section;
    this.#journal = options.journal;
    this.#bundled = Array.from(rehearsal.labels, (_, i) => caseOf(rehearsal, i, features));
    this.#labelRules = { table: classTableOf(bundle), extraLabels: options.extraLabels };
    this.#state = factoryState(bundle, features);
    this.#holdOut = new HoldOut(bundle, section);
    this.#factory = this.#holdOut.judge(this.#state.correction);
    this.#verdicts = options.verdicts;
    this.#kept = new KeptState(bundle, section, this.#holdOut, options);
  }

  /**
   * Takes up what this device has learned with this bundle. What cannot be used, or not yet, is said once, and the factory
   * head goes on.
   * @returns null when the bundle has nothing to learn with
   */
  static async open(bundle: ModelBundle, options: LearnerOptions): Promise<HeadLearner | null> {
    const { learning: section } = bundle;
    if (section === undefined) return null;
    const learner = new HeadLearner(bundle, section, options);
    try {
      await learner.#takeUp();
    } catch (error) {
      if (!(error instanceof SpikescopeError)) throw error;
      options.onSetAside?.(error, null);
    }
    return learner;
  }

  /** The head in use now; an update makes another. */
  get head(): LearnedHead {
    const { correction } = this.#state;
    return {
      digest: this.digest,
      classes: correction.classes,
      benign: correction.benign,
      potentials: (factory, pooled) => correctedPotentials(correction, factory, pooled),
    };
  }

  /** Digest of head and memory; changes with every update. */
  get digest(): string {
    if (this.#digested?.state !== this.#state) {
      this.#digested = { state: this.#state, digest: this.#digestOf(this.#state) };
    }
    return this.#digested.digest;
  }

  /** Updates that can be taken back. */
  get updates(): number {
    return this.#state.history.length;
  }

  /** The update that `undo` would take back; null when none is left. Its label is null where the journal has it no more. */
  lastUpdate(): { readonly label: string | null; readonly caseId: string } | null {
    const earlier = this.#state.history.at(-1);
    if (earlier === undefined) return null;
    const { caseId } = earlier;
    const label = this.#journal.payloadsOf(caseId, 'label').at(-1);
    return { label: label === undefined ? null : labelIn(label), caseId };
  }

  /** The device's own cases in the replay buffer. */
  get remembered(): number {
    return this.#state.memory.length;
  }

  /** Of the head in use and of the factory's, counted on the hold-out set. */
  get figures(): { readonly factory: HoldOutFigures; readonly now: HoldOutFigures } {
    const now = this.#holdOut.judge(this.#state.correction);
    return { factory: this.#factory.counted, now: now.counted };
  }

  /** Whether a label can name a class, one that there is or a new one. */
  isLabel(label: string): boolean {
    return labelProblem(label, this.#state.correction.classes, this.#labelRules) === null;
  }

  /** Keeps what a reading rests on until the next one, so that it can be taught; null for one that cannot be. */
  observe(id: string, headInput: HeadInput | null): void {
    this.#seen = headInput && { id, headInput };
  }

  /**
   * Learns one case; on disk and in the journal when it resolves. An update that the gate turns down changes nothing, nor
   * does one that fails.
   * @param risk of a class that is new; one of unknown risk counts as malignant
   * @throws SpikescopeError `LABEL_INVALID`, `LABEL_LIMIT`, `LABEL_RISK` when the class is there and counts otherwise,
   * `EVIDENCE_GONE`, `DOCUMENT_*`, `JOURNAL_*`
   */
  async learn(
    { id }: { readonly id: string },
    label: string,
    by: PressedBy,
    risk?: Risk,
  ): Promise<LearningOutcome> {
    if (this.#seen?.id !== id) throw headInputGone(id);
    const { headInput } = this.#seen;
    await this.#takeUp();
    const name = checkedLabel(label, this.#state.correction.classes, this.#labelRules);
    const before = this.#state;
    const { alpha } = this.#bundle.readout;
    const isNew = !before.correction.classes.includes(name);
    const start = isNew ? withClass(before.correction, name, alpha, risk === 'benign') : before.correction;
    checkRisk(name, risk, this.#countsAsBenign(start, name));
    const example = { ...headInput, label: start.classes.indexOf(name) };
    const replay = { bundled: this.#bundled, memory: before.memory };
    // Made at the first lesson, since it takes as long as opening a model does.
    this.#background ??= backgroundOf(this.#section);
    const target = proposed(start, replay, example, { ...this.#background, alpha });
    const { kept, share, lift, figures, reason } = lineSearch(start, target, {
      ...{ bundle: this.#bundle, holdOut: this.#holdOut, factory: this.#factory },
    });
    const change = {
      ...{ label: name, newClass: isNew, by, share },
      ...(lift > 0 && { lift }),
      ...(isNew && risk !== undefined && { risk }),
      ...(reason !== null && { reason }),
      before: this.digest,
      guard: { factory: this.#factory.counted, before: this.figures.now, proposed: figures },
    };
    if (kept === null || reason !== null) {
      const refused = { update: randomUUID(), kept: false, ...change, after: change.before };
      const said = this.#said(id, { label: name, by, learned: false });
      this.#journal.record(recordsOf(updateRecord(id, refused), said));
      return { kept: false, reason: reason ?? 'it changed nothing' };
    }
    const memory = remembering(before.memory, example);
    const earlier = { caseId: id, correction: before.correction, memory: before.memory };
    const next = { correction: kept, memory, history: [...before.history, earlier].slice(-HISTORY_LENGTH) };
    const details = { update: randomUUID(), kept: true, ...change, after: this.#digestOf(next) };
    const said = this.#said(id, { label: name, by, learned: true });
    await this.#adopt({ ...next, record: updateRecord(id, details) }, said);
    return { kept: true, ...(isNew && { addedAs: risk === 'benign' ? 'benign' : 'malignant' }) };
  }

  /** Takes the last update back; false when none is left. @throws SpikescopeError `DOCUMENT_*`, `JOURNAL_*` */
  async undo(by: PressedBy): Promise<boolean> {
    await this.#takeUp();
    const earlier = this.#state.history.at(-1);
    if (earlier === undefined) return false;
    const { caseId, correction, memory } = earlier;
    const next = { correction, memory, history: this.#state.history.slice(0, -1) };
    const said = this.#verdicts?.withdrawn(caseId, by);
    await this.#adopt({ ...next, record: this.#changeBack('undo', caseId, next, by) }, said);
    return true;
  }

  /** Back to the factory head; cases and history are forgotten too, verdicts hold. @throws SpikescopeError as `undo` */
  async reset(by: Actor): Promise<void> {
    await this.#takeUp();
    const next = factoryState(this.#bundle, this.#section.features);
    await this.#adopt({ ...next, record: this.#changeBack('reset', randomUUID(), next, by) });
  }

  #said(caseId: string, verdict: VerdictDetails): EventDraft[] {
    return this.#verdicts?.given(caseId, verdict) ?? [];
  }

  #changeBack(kind: 'undo' | 'reset', caseId: string, next: HeadAndMemory, by: Actor): RecordDraft {
    const after = this.#digestOf(next);
    return changeBackRecord(kind, caseId, { update: randomUUID(), by, before: this.digest, after });
  }

  #countsAsBenign({ benign }: Correction, name: string): boolean {
    return benign.includes(name) || riskOf(this.#labelRules.table, name) === 'benign';
  }

  /** The state that was kept becomes the one in use, once. @throws SpikescopeError `DOCUMENT_*`, `JOURNAL_*` */
  async #takeUp(): Promise<void> {
    if (this.#isTakenUp) return;
    this.#state = (await this.#kept.takeUp()) ?? this.#state;
    this.#isTakenUp = true;
  }

  /** When it fails, the head in use is the old one. @throws SpikescopeError `DOCUMENT_UNWRITABLE`, `JOURNAL_*` */
  async #adopt(next: LearnedState, said?: readonly EventDraft[]): Promise<void> {
    await this.#kept.adopt(next, said);
    this.#state = next;
  }

  #digestOf(state: HeadAndMemory): string {
    return headDigest(this.#bundle.digest, state);
  }
}

function factoryState({ graph }: ModelBundle, features: number): LearnedState {
  return { correction: noCorrection(graph.classes, features), memory: [], history: [], record: null };
}

function headInputGone(id: string): SpikescopeError {
  return new SpikescopeError('EVIDENCE_GONE', 'This reading can no longer be taught', {
    expected: 'the reading that was made last',
    received: id,
    remedy: 'capture the lesion again and confirm it',
  });
}
