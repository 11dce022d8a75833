import type { Button } from '../../capture/buttons/button.ts';
import { classTablesOf } from '../../model/bundle/class-table.ts';
import type { Device } from '../../runtime/appliance/device.ts';
import type { FlowView } from '../../runtime/appliance/flow/flow.ts';
import type { QueuedMessage } from '../../store/outbox.ts';
import { type ResultVersion, resultUpTo } from '../../telehealth/older-result.ts';
import { ResultSubscriber } from '../../telehealth/subscriber.ts';
import { note } from './console.ts';
import { ResultDisplay } from './display.ts';
import { flowNote, idleKeyNote } from './flow-notes.ts';
import { type Key, keysHelp, listenToKeys } from './keyboard.ts';
import { Presenter } from './presenter.ts';

export interface TerminalOptions {
  /** Results as JSON lines on stdout instead of text. */
  readonly json: boolean;
  /** Version of results that receivers read at most. */
  readonly newestResult: ResultVersion;
  /** Whether keys are the buttons. */
  readonly keys: boolean;
  /** Asks the device to end. */
  readonly quit: () => void;
}

/** Milliseconds without progress after which results that the broker has are not waited for any longer. */
const PATIENCE = { running: 10_000, stopped: 2_000 } as const;

/**
 * The terminal as a front end of a device: shows results as a subscriber of the broker receives them, remarks on what the
 * flow does, and keys as buttons. A result that the broker took while this subscriber did not listen is shown from the
 * journal: the device waits for nobody.
 */
export class Terminal {
  readonly #device: Device;
  readonly #options: TerminalOptions;
  readonly #display: ResultDisplay;
  readonly #presenter: Presenter;
  readonly #subscriber: ResultSubscriber;
  /** Results that were sent while the subscriber listened, so that they must come back. */
  readonly #expected = new Set<string>();
  readonly #undo: (() => void)[] = [];
  #late: NodeJS.Timeout | undefined;

  constructor(device: Device, options: TerminalOptions) {
    const { parts, appliance, delivery } = device;
    const { journal, endpoint } = parts;
    this.#device = device;
    this.#options = options;
    const payloadOf = (id: string) => this.#payloadOf(id);
    this.#display = new ResultDisplay({
      json: options.json,
      isOwn: (id, payload) => payloadOf(id) === payload,
      recorded: (id) => journal.payloadOf(id),
      classTables: classTablesOf(parts.bundle),
    });
    this.#presenter = new Presenter({ appliance, display: this.#display, payloadOf });
    this.#subscriber = new ResultSubscriber({
      endpoint,
      device: parts.device,
      topics: parts.topics,
      onResult: (payload) => this.#display.show(payload),
      onLost: (reason) => delivery.remark(reason),
    });
  }

  /** Listens from now on; before the device starts, so that nothing is missed. */
  attach(): void {
    const { delivery } = this.#device;
    this.#subscriber.start();
    this.#undo.push(
      delivery.listen({
        sending: (message) => this.#sending(message),
        acknowledged: (message) => this.#acknowledged(message),
      }),
      this.#followFlow(),
    );
    if (!this.#options.keys) return;
    note(keysHelp());
    this.#undo.push(
      listenToKeys(
        (key) => this.#press(key),
        () => note(keysHelp()),
      ),
      this.#device.mode.onSwitch(() => this.#sayMode()),
    );
  }

  /**
   * Waits for results that the broker has and has not delivered yet.
   * @returns how many did not come
   */
  async settle({ isStopped }: { isStopped: boolean }): Promise<number> {
    if (!this.#subscriber.isRefused) await this.#display.settle(PATIENCE[isStopped ? 'stopped' : 'running']);
    this.#showMissing();
    return this.#display.missing;
  }

  async detach(): Promise<void> {
    for (const action of this.#undo.reverse()) action();
    clearTimeout(this.#late);
    this.#presenter.close();
    await this.#subscriber.stop();
  }

  #followFlow(): () => void {
    const { appliance, mode } = this.#device;
    let before: FlowView | null = null;
    return appliance.flow.onChange((view) => {
      const line = flowNote(before, view);
      if (line !== null) note(line);
      else if (!mode.isAutomatic) void this.#presenter.follow(before, view);
      before = view;
    });
  }

  #sending({ channel, id }: QueuedMessage): void {
    if (channel !== 'result') return;
    if (this.#subscriber.isSubscribed) this.#expected.add(id);
    else this.#expected.delete(id);
  }

  #acknowledged({ channel, id, payload }: QueuedMessage): void {
    if (channel !== 'result') return;
    if (this.#expected.delete(id)) this.#display.acknowledged(id);
    else this.#display.show(resultUpTo(this.#options.newestResult, payload));
    // A broker may grant the subscription and pass nothing on: then the journal is what there is to show.
    clearTimeout(this.#late);
    if (this.#display.missing > 0)
      this.#late = setTimeout(() => this.#showMissing(), PATIENCE.running).unref();
  }

  #showMissing(): void {
    this.#display.showMissing((id) => this.#payloadOf(id));
  }

  /** A result of the journal as it is sent. */
  #payloadOf(id: string): string | null {
    const payload = this.#device.parts.journal.payloadOf(id);
    return payload === null ? null : resultUpTo(this.#options.newestResult, payload);
  }

  #press(key: Key): void {
    const { appliance, mode } = this.#device;
    if (key === 'quit') this.#options.quit();
    else if (key === 'automatic') mode.switch(!mode.isAutomatic);
    else if (mode.isAutomatic) this.#stopAutomatic(key);
    else if (appliance.flow.hears(key)) appliance.flow.press(key, 'keyboard');
    else note(idleKeyNote(appliance.flow.view));
  }

  /** While captures follow each other nothing is asked, so that nothing but `capture` can be an answer. */
  #stopAutomatic(key: Button): void {
    const { appliance, mode } = this.#device;
    mode.switch(false);
    if (key === 'capture') appliance.flow.press(key, 'keyboard');
    else void this.#presenter.follow(null, appliance.flow.view);
  }

  #sayMode(): void {
    note(
      this.#device.mode.isAutomatic
        ? 'Captures are taken by themselves'
        : `Captures are taken when asked for; ${keysHelp()}`,
    );
  }
}
