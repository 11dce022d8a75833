import { RefusedError } from '../../errors.ts';
import type { ModelBundle } from '../../model/bundle/bundle.ts';
import type { LearningSection } from '../../model/bundle/learning-section.ts';
import { embeddingShape } from '../../model/embedding.ts';
import type { EventDraft } from '../../store/chain.ts';
import { isRecorded, type LearningJournal, recordProblem, recordsOf, withdrawalOf } from './change-record.ts';
import { noCorrection } from './correction.ts';
import { DeltaFile, type OnSetAside } from './delta-file.ts';
import { keptGateCheck } from './gate.ts';
import type { HoldOut } from './hold-out.ts';
import { type HeadAndMemory, headDigest, type LearnedState } from './state.ts';
import { decodeState, encodeState, type Fit } from './state-file.ts';
import type { VerdictRecords } from './verdict-records.ts';

export interface KeptStateOptions {
  /** The data folder. */
  readonly folder: string;
  readonly journal: LearningJournal;
  /** Whether a head that learned this case may be used here. Default: every one. */
  readonly mayHaveTaught?: (caseId: string) => boolean;
  /** What is recorded of the verdicts that the changes answer to. */
  readonly verdicts?: VerdictRecords | undefined;
  /** Called when a file on disk could not be used. */
  readonly onSetAside?: OnSetAside;
}

/** What was learned with a bundle, in the data folder and in the journal, which agree: delta-file.ts says how. */
export class KeptState {
  readonly #bundle: ModelBundle;
  readonly #holdOut: HoldOut;
  readonly #journal: LearningJournal;
  readonly #file: DeltaFile;
  readonly #fit: Fit;
  readonly #mayHaveTaught: (caseId: string) => boolean;
  readonly #verdicts: VerdictRecords | undefined;

  constructor(bundle: ModelBundle, section: LearningSection, holdOut: HoldOut, options: KeptStateOptions) {
    this.#bundle = bundle;
    this.#holdOut = holdOut;
    this.#journal = options.journal;
    this.#verdicts = options.verdicts;
    this.#mayHaveTaught = options.mayHaveTaught ?? (() => true);
    this.#file = new DeltaFile(options.folder, bundle.digest, options.onSetAside ?? (() => {}));
    this.#fit = fitOf(bundle, section);
  }

  /**
   * The state to go on with; null where there is none, or none that can be used.
   * @throws SpikescopeError `DOCUMENT_*`, `JOURNAL_*`: a state may be there, but not now
   */
  async takeUp(): Promise<LearnedState | null> {
    await this.#file.adoptFormer();
    await this.#file.settle(
      (prepared) => {
        const { record } = this.#decode(prepared);
        return record !== null && isRecorded(this.#journal, record);
      },
      (withdrawn) => this.#takeBack(withdrawn),
    );
    try {
      const content = await this.#file.read();
      return content && this.#trusted(content);
    } catch (error) {
      if (!(error instanceof RefusedError)) throw error;
      await this.#file.setAside(error);
      return null;
    }
  }

  /**
   * Resolved when the journal has the change that leads to this state, and the medium the state.
   * @param said what is recorded with the change: the verdict that it answers to, or its withdrawal
   * @throws SpikescopeError `DOCUMENT_UNWRITABLE`, `JOURNAL_*`: then the state before is still the one
   */
  async adopt(next: LearnedState, said: readonly EventDraft[] = []): Promise<void> {
    await this.#file.answer((withdrawn) => this.#takeBack(withdrawn));
    await this.#file.prepare(encodeState(next, this.#bundle.digest));
    try {
      if (next.record !== null) this.#journal.record(recordsOf(next.record, said));
    } catch (error) {
      await this.#file.withdraw();
      throw error;
    }
    // The journal has decided: a file that cannot be put in its place now is so before the next change, or at the next
    // start.
    await this.#file.activate().catch(() => {});
    await this.#file.forgetWithdrawn().catch(() => {});
  }

  /**
   * A state that may be used: whole, of this bundle, within the gate with all that can be taken back to, and named by the
   * journal when this returns.
   */
  #trusted(content: Uint8Array): LearnedState {
    const state = this.#decode(content);
    const reason = this.#gateCheck([state, ...state.history]);
    if (reason !== null) {
      throw this.#refusal('DELTA_GATE', 'The learned head does not pass the safety gate', reason);
    }
    if (!state.history.every(({ caseId }) => this.#mayHaveTaught(caseId))) {
      throw this.#refusal(
        'DELTA_DRAWN',
        'The learned head was taught by phantoms or replayed files',
        'a camera in use',
      );
    }
    const problem = recordProblem(state, (each) => headDigest(this.#bundle.digest, each), this.#journal);
    if (problem !== null || state.record === null) {
      const message = 'The learned head is not the one that the journal knows';
      throw this.#refusal('DELTA_RECORD', message, problem ?? 'no record');
    }
    if (!isRecorded(this.#journal, state.record)) this.#journal.record(recordsOf(state.record));
    return state;
  }

  /** Of a change that was given up: should its record be in the journal all the same, it is answered by another. */
  #takeBack(content: Uint8Array): void {
    const { record } = this.#decode(content);
    const withdrawal = record && withdrawalOf(record);
    if (!record || !withdrawal || !isRecorded(this.#journal, record)) return;
    if (isRecorded(this.#journal, withdrawal)) return;
    // The person was told that it failed: the verdict that turned up with it does not hold either.
    const said = record.kind === 'update' ? (this.#verdicts?.withdrawn(record.caseId, 'recovery') ?? []) : [];
    this.#journal.record(recordsOf(withdrawal, said));
  }

  #gateCheck(states: readonly HeadAndMemory[]): string | null {
    const { graph } = this.#bundle;
    const factory = this.#holdOut.judge(noCorrection(graph.classes, this.#fit.features));
    for (const { correction } of states) {
      const reason = keptGateCheck(factory, this.#holdOut.judge(correction), this.#holdOut);
      if (reason !== null) return reason;
    }
    return null;
  }

  #decode(content: Uint8Array): LearnedState {
    return decodeState(content, this.#file.file, this.#fit);
  }

  #refusal(code: string, message: string, received: string): RefusedError {
    return new RefusedError(code, message, {
      file: this.#file.file,
      received,
      remedy: 'the device goes on with the factory head and learns anew from what is confirmed',
    });
  }
}

/**
 * What was learned with a bundle, as its file has it now: for a look, without taking it up or changing anything. Null where
 * nothing was.
 * @throws SpikescopeError `DOCUMENT_UNREADABLE`
 * @throws RefusedError `DELTA_*`
 */
export async function learnedNow(folder: string, bundle: ModelBundle): Promise<LearnedState | null> {
  const { learning: section } = bundle;
  if (section === undefined) return null;
  const file = new DeltaFile(folder, bundle.digest, () => {});
  const content = await file.read();
  return content && decodeState(content, file.file, fitOf(bundle, section));
}

function fitOf({ digest, graph }: ModelBundle, { features }: LearningSection): Fit {
  const [rows, columns] = embeddingShape(graph);
  return { bundle: digest, classes: graph.classes, features, largestSum: 255 * rows * columns };
}
