import { randomUUID } from 'node:crypto';
import { z } from 'zod';
import { SpikescopeError } from '../../errors.ts';
import type { ModelBundle } from '../../model/bundle/bundle.ts';
import type { LearningSection } from '../../model/bundle/learning-section.ts';
import type { RecordDraft, RecordKind } from '../../store/chain.ts';
import type { Evidence, LearnedHead } from '../inference/head.ts';
import type { Reading } from '../inference/reading.ts';
import { type Correction, correctedPotentials, noCorrection } from './correction.ts';
import { DeltaFile } from './delta-file.ts';
import { caseOf, type GuardFigures, guardFigures, objection } from './gate.ts';
import { checkedLabel } from './label.ts';
import { type Metric, metricOf } from './metric.ts';
import type { LearningOutcome, PressedBy } from './outcome.ts';
import { proposed, softened } from './propose.ts';
import { withClass } from './prototype.ts';
import { HISTORY_LENGTH, headDigest, type LearnedState, remembering } from './state.ts';
import type { Example } from './teach.ts';

/** What a learner asks of the journal. */
export interface LearningJournal {
  record(drafts: readonly RecordDraft[]): number;
  payloadsOf(caseId: string, kind: RecordKind): string[];
}

export interface LearnerOptions {
  /** The data folder. */
  readonly folder: string;
  readonly journal: LearningJournal;
  readonly evidenceOf: (reading: Reading) => Evidence | undefined;
  /** Called when the file on disk could not be used and was moved aside. */
  readonly onSetAside?: (fault: SpikescopeError, movedTo: string) => void;
}

/** Shares of an update's way that are tried before it is given up. */
const SHARES = [1, 0.5, 0.25] as const;

/** The learned head: learns, forgets, and reads. One process at a time works in its folder. */
export class HeadLearner {
  readonly #bundle: ModelBundle;
  readonly #section: LearningSection;
  readonly #options: LearnerOptions;
  readonly #file: DeltaFile;
  readonly #metric: Metric;
  readonly #rehearsal: readonly Example[];
  readonly #factory: GuardFigures;
  #state: LearnedState;
  #digested: { readonly state: LearnedState; readonly digest: string } | null = null;
  #seen: { id: string; evidence: Evidence } | null = null;

  private constructor(
    bundle: ModelBundle,
    section: LearningSection,
    options: LearnerOptions,
    file: DeltaFile,
  ) {
    const { features, guard, rehearsal } = section;
    this.#bundle = bundle;
    this.#section = section;
    this.#options = options;
    this.#file = file;
    // The scatter needs no labels, so the guard set may lend its numbers to it.
    const all = new Int16Array(guard.pooled.length + rehearsal.pooled.length);
    all.set(guard.pooled);
    all.set(rehearsal.pooled, guard.pooled.length);
    this.#metric = metricOf(all, features);
    this.#rehearsal = Array.from(rehearsal.labels, (_, i) => caseOf(rehearsal, i, features));
    this.#state = factoryState(bundle, features);
    this.#factory = guardFigures(section, this.#state.correction);
  }

  /**
   * Takes up what this device has learned, and records what a power cut kept out of the journal.
   * @returns null when the bundle has nothing to learn with
   * @throws SpikescopeError `DOCUMENT_UNREADABLE`, `JOURNAL_*`
   */
  static async open(bundle: ModelBundle, options: LearnerOptions): Promise<HeadLearner | null> {
    const { learning: section, digest, graph } = bundle;
    if (section === undefined) return null;
    const fit = { bundle: digest, classes: graph.classes, features: section.features };
    const file = new DeltaFile(options.folder, fit);
    const learner = new HeadLearner(bundle, section, options, file);
    const stored = await file.read(options.onSetAside ?? (() => {}));
    if (stored !== null) {
      learner.#state = stored;
      learner.#catchUp();
    }
    return learner;
  }

  /** The head in use now; an update makes another. */
  get head(): LearnedHead {
    const { correction } = this.#state;
    return {
      digest: this.digest,
      classes: correction.classes,
      potentials: (factory, pooled) => correctedPotentials(correction, factory, pooled),
    };
  }

  /** Digest of head and memory; changes with every update. */
  get digest(): string {
    if (this.#digested?.state !== this.#state) {
      this.#digested = { state: this.#state, digest: headDigest(this.#bundle.digest, this.#state) };
    }
    return this.#digested.digest;
  }

  /** Updates that can be taken back. */
  get updates(): number {
    return this.#state.history.length;
  }

  /** The update that `undo` would take back; null when none is left. Its label is null where the journal has it no more. */
  lastUpdate(): { readonly label: string | null } | null {
    const earlier = this.#state.history.at(-1);
    if (earlier === undefined) return null;
    const label = this.#options.journal.payloadsOf(earlier.caseId, 'label').at(-1);
    return { label: label === undefined ? null : labelSchema.parse(JSON.parse(label)).label };
  }

  /** Cases that are rehearsed. */
  get remembered(): number {
    return this.#state.memory.length;
  }

  /** Of the head in use and of the factory's, on the guard set. */
  get figures(): { readonly factory: GuardFigures; readonly now: GuardFigures } {
    return { factory: this.#factory, now: guardFigures(this.#section, this.#state.correction) };
  }

  /** Keeps what a reading rests on until the next one, so that it can be taught. */
  observe(id: string, reading: Reading): void {
    this.show(id, this.#options.evidenceOf(reading));
  }

  /** The same where the evidence is at hand. */
  show(id: string, evidence: Evidence | undefined): void {
    this.#seen = evidence === undefined ? null : { id, evidence };
  }

  /**
   * Learns one case; on disk and in the journal when it resolves. An update that the gate turns down changes nothing.
   * @throws SpikescopeError `LABEL_INVALID`, `LABEL_LIMIT`, `EVIDENCE_GONE`, `DOCUMENT_UNWRITABLE`, `JOURNAL_*`
   */
  async learn({ id }: { readonly id: string }, label: string, by: PressedBy): Promise<LearningOutcome> {
    if (this.#seen?.id !== id) throw evidenceGone(id);
    const { evidence } = this.#seen;
    const name = checkedLabel(label, this.#state.correction.classes);
    const before = this.#state;
    const { alpha } = this.#bundle.readout;
    const isNew = !before.correction.classes.includes(name);
    const start = isNew ? withClass(before.correction, name, alpha) : before.correction;
    const example = { ...evidence, label: start.classes.indexOf(name) };
    const cases = { rehearsal: this.#rehearsal, memory: before.memory };
    const target = proposed(start, cases, example, { metric: this.#metric, alpha });
    const { kept, share, figures, reason } = this.#judge(start, target);
    const change = {
      ...{ update: randomUUID(), kept, label: name, newClass: isNew, by, share },
      ...(reason !== null && { reason }),
      before: this.digest,
      guard: { factory: this.#factory, before: this.figures.now, proposed: figures },
    };
    if (kept === null || reason !== null) {
      const refused = draft('update', id, { ...change, kept: false, after: change.before });
      this.#options.journal.record(withLabel(refused));
      return { kept: false, reason: reason ?? 'it changed nothing' };
    }
    const memory = remembering(before.memory, example);
    const earlier = { caseId: id, correction: before.correction, memory: before.memory };
    const next = { correction: kept, memory, history: [...before.history, earlier].slice(-HISTORY_LENGTH) };
    const after = headDigest(this.#bundle.digest, next);
    await this.#adopt(next, draft('update', id, { ...change, kept: true, after }));
    return { kept: true };
  }

  /** Takes the last update back; false when none is left. @throws SpikescopeError `DOCUMENT_UNWRITABLE`, `JOURNAL_*` */
  async undo(by: PressedBy): Promise<boolean> {
    const earlier = this.#state.history.at(-1);
    if (earlier === undefined) return false;
    const { caseId, correction, memory } = earlier;
    const next = { correction, memory, history: this.#state.history.slice(0, -1) };
    await this.#adopt(next, this.#changeBack('undo', caseId, next, by));
    return true;
  }

  /** Back to the factory head; cases and history are forgotten too. @throws SpikescopeError as `undo` */
  async reset(by: PressedBy): Promise<void> {
    const next = factoryState(this.#bundle, this.#section.features);
    await this.#adopt(next, this.#changeBack('reset', randomUUID(), next, by));
  }

  #changeBack(kind: 'undo' | 'reset', caseId: string, next: Omit<LearnedState, 'record'>, by: PressedBy) {
    const after = headDigest(this.#bundle.digest, next);
    return draft(kind, caseId, { update: randomUUID(), by, before: this.digest, after });
  }

  /** The longest part of the way from `start` to `target` to which the gate does not object. */
  #judge(start: Correction, target: Correction) {
    let first: { figures: GuardFigures; reason: string | null } | null = null;
    for (const share of SHARES) {
      const candidate = share === 1 ? target : softened(start, target, share);
      const figures = guardFigures(this.#section, candidate);
      const reason = objection(this.#factory, figures, this.#section.watchedClass);
      if (reason === null) return { kept: candidate, share, figures, reason };
      first ??= { figures, reason };
    }
    return { kept: null, share: 0, figures: first?.figures ?? this.#factory, reason: first?.reason ?? null };
  }

  /** The file first: what it holds and the journal does not is recorded at the next start. */
  async #adopt(next: Omit<LearnedState, 'record'>, record: RecordDraft): Promise<void> {
    const state = { ...next, record };
    await this.#file.write(state);
    this.#state = state;
    this.#options.journal.record(withLabel(record));
  }

  #catchUp(): void {
    const { record } = this.#state;
    if (record === null) return;
    const { journal } = this.#options;
    if (!journal.payloadsOf(record.caseId, record.kind).includes(record.payload)) {
      journal.record(withLabel(record));
    }
  }
}

function factoryState({ graph }: ModelBundle, features: number): LearnedState {
  return { correction: noCorrection(graph.classes, features), memory: [], history: [], record: null };
}

function draft(kind: RecordKind, caseId: string, payload: object): RecordDraft {
  return { kind, caseId, payload: JSON.stringify(payload) };
}

const labelSchema = z.object({ update: z.string(), label: z.string(), by: z.string() });

/** A record with the label that an update answers to before it: what the update holds suffices to make it. */
function withLabel(record: RecordDraft): RecordDraft[] {
  if (record.kind !== 'update') return [record];
  const { update, label, by } = labelSchema.parse(JSON.parse(record.payload));
  return [draft('label', record.caseId, { update, label, by }), record];
}

function evidenceGone(id: string): SpikescopeError {
  return new SpikescopeError('EVIDENCE_GONE', 'This reading can no longer be taught', {
    expected: 'the reading that was made last',
    received: id,
    remedy: 'capture the lesion again and confirm it',
  });
}
