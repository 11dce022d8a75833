import type { BackendName } from '../../backend-names.ts';
import { SpikescopeError } from '../../errors.ts';
import type { ModelBundle } from '../../model/bundle/bundle.ts';
import type { EventDraft } from '../../store/chain.ts';
import type { ModelInUse } from '../../telehealth/announcements.ts';
import type { CardState } from '../../telehealth/card.ts';
import { type AcceleratorChange, AcceleratorLost, type Schedule } from '../engine/accelerator.ts';
import type { Backend, Engine } from '../engine/contract.ts';
import { replayGolden } from '../engine/golden.ts';
import { type OpenEngines, openEngines, type WantedBackend } from '../engine/open-engines.ts';
import { type Classifier, createClassifier } from '../inference/classifier.ts';
import type { LearnedHead } from '../inference/head.ts';
import { StandbyClassifier } from '../inference/standby-classifier.ts';

export interface ComputingOptions {
  /** Bundle to read with. Default: as `openEngines`. */
  readonly model: string | undefined;
  readonly backend: WantedBackend;
  /** Takes a record of each change of what computes. */
  readonly journal: { record(drafts: readonly EventDraft[]): unknown };
  /** The learned head in use; null for the factory's. */
  readonly head: () => LearnedHead | null;
  readonly say: (line: string) => void;
  readonly backends?: readonly Backend[] | undefined;
  readonly schedule?: Schedule | undefined;
}

/** What computes: the card where there is one and as long as it answers, else the processor. */
export class Computing {
  readonly bundle: ModelBundle;
  readonly classifier: Classifier;
  /** Where the card was looked for and does not serve from the start: why, in a few words. */
  readonly withoutCard: string | null;
  readonly #engines: OpenEngines;
  readonly #listeners = new Set<(change: AcceleratorChange) => void>();

  private constructor(engines: OpenEngines, { head }: ComputingOptions, changes: Changes) {
    const { bundle, engine, accelerator, withoutCard } = engines;
    this.bundle = bundle;
    this.withoutCard = withoutCard;
    this.#engines = engines;
    const standby = createClassifier(bundle, engine, { head });
    this.classifier =
      accelerator === null
        ? standby
        : new StandbyClassifier({
            accelerator,
            accelerated: createClassifier(bundle, accelerator, { head }),
            standby,
          });
    changes.follow((change) => {
      for (const listener of [...this.#listeners]) listener(change);
    });
  }

  /** @throws as `openEngines`, and `MODEL_INPUT` */
  static async open(options: ComputingOptions): Promise<Computing> {
    const { model, backend, say, backends, schedule } = options;
    const changes = new Changes(options);
    const engines = await openEngines(
      model,
      { backend, onChange: changes.tell, onRemark: say, ...(schedule && { schedule }) },
      backends,
    );
    try {
      return new Computing(engines, options, changes);
    } catch (error) {
      await closeAll(engines);
      throw error;
    }
  }

  get backend(): BackendName {
    return this.#serving.backend;
  }

  get instructionSet(): string {
    return this.#serving.instructionSet;
  }

  /** Null where no card is in use. */
  get card(): CardState | null {
    const { accelerator } = this.#engines;
    if (accelerator === null) return null;
    const { serves, fault, faults } = accelerator;
    return { serves, fault: fault?.code ?? null, faults };
  }

  /** The model with what runs it, as it is whenever it is looked at. */
  modelInUse(): ModelInUse {
    const computing = this;
    return {
      model: this.classifier.model,
      classes: this.bundle.graph.classes,
      get backend() {
        return computing.backend;
      },
      get instructionSet() {
        return computing.instructionSet;
      },
    };
  }

  /** Replays the golden inputs on what serves. A card that fails them goes out of service; the processor must not. */
  async prove(): Promise<void> {
    const { accelerator, engine, bundle } = this.#engines;
    if (accelerator?.serves) {
      try {
        return await accelerator.prove();
      } catch (error) {
        if (!(error instanceof AcceleratorLost)) throw error;
      }
    }
    await replayGolden(bundle, engine);
  }

  /** Calls `listener` whenever the card has failed or serves again, until what it returns is called. */
  onChange(listener: (change: AcceleratorChange) => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  /** The card first, so that nothing opens it anew meanwhile. */
  close(): Promise<void> {
    return closeAll(this.#engines);
  }

  get #serving(): Engine {
    const { accelerator, engine } = this.#engines;
    return accelerator?.serves ? accelerator : engine;
  }
}

async function closeAll({ accelerator, engine }: OpenEngines): Promise<void> {
  try {
    await accelerator?.close();
  } finally {
    await engine.close();
  }
}

/** Records each change and says it, also those of before anybody listens. */
class Changes {
  readonly #options: Pick<ComputingOptions, 'journal' | 'say'>;
  #listener: (change: AcceleratorChange) => void = () => {};

  constructor(options: Pick<ComputingOptions, 'journal' | 'say'>) {
    this.#options = options;
  }

  follow(listener: (change: AcceleratorChange) => void): void {
    this.#listener = listener;
  }

  readonly tell = (change: AcceleratorChange): void => {
    this.#record(change);
    this.#options.say(wordsOf(change));
    this.#listener(change);
  };

  /** Where there is no room, or the medium has failed, the capture in hand says so itself: it must not fail for this. */
  #record(change: AcceleratorChange): void {
    const payload = change.serves
      ? { backend: 'akida' }
      : { backend: 'cpu', instead: 'akida', fault: change.fault.code };
    try {
      this.#options.journal.record([{ kind: 'backend', caseId: 'akida', payload: JSON.stringify(payload) }]);
    } catch (error) {
      if (!(error instanceof SpikescopeError)) throw error;
      this.#options.say(`That is not in the journal: ${error.describe()}`);
    }
  }
}

function wordsOf(change: AcceleratorChange): string {
  if (change.serves) return 'The card answers its golden inputs again and reads from now on';
  const next = change.isTriedAgain
    ? 'the card is tried again in a minute'
    : 'the card is not asked again before the next start';
  return `${change.fault.describe()}; the processor reads meanwhile, and ${next}`;
}
