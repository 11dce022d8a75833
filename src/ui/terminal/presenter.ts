import type { Appliance } from '../../runtime/appliance/appliance.ts';
import type { FlowView } from '../../runtime/appliance/flow/flow.ts';
import { note } from './console.ts';
import type { ResultDisplay } from './display.ts';
import { confirmationQuestion } from './flow-notes.ts';

export interface PresenterOptions {
  readonly appliance: Appliance;
  readonly display: ResultDisplay;
  /** A result as it stands in the journal. */
  readonly payloadOf: (id: string) => string | null;
}

/** Milliseconds that a person waits for a reading to come back from the broker before the device shows it by itself. */
const PATIENCE = 1000;

/** Shows whoever pressed capture the reading, and after it the question what to teach. */
export class Presenter {
  readonly #options: PresenterOptions;
  #isClosed = false;

  constructor(options: PresenterOptions) {
    this.#options = options;
  }

  /** From now on nothing is shown, and the journal not asked: it may be closed. */
  close(): void {
    this.#isClosed = true;
  }

  /** @param before the view before this change; null at the start */
  async follow(before: FlowView | null, view: FlowView): Promise<void> {
    const { reading, proposed } = view;
    const question = confirmationQuestion(before, view);
    if (reading === null || (question === null && reading.id === before?.reading?.id)) return;
    const { appliance, display, payloadOf } = this.#options;
    await display.shown(reading.id, PATIENCE);
    if (this.#isClosed) return;
    const payload = payloadOf(reading.id);
    if (payload !== null) display.showEarly(payload);
    const now = appliance.flow.view;
    const isStillAsked =
      now.state === view.state && now.reading?.id === reading.id && now.proposed === proposed;
    if (question !== null && isStillAsked) note(question);
  }
}
