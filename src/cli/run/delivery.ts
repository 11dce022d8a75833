import type { SpikescopeError } from '../../errors.ts';
import type { Journal } from '../../store/journal.ts';
import type { ModelInUse } from '../../telehealth/announcements.ts';
import { TelehealthClient } from '../../telehealth/client.ts';
import type { Endpoint } from '../../telehealth/endpoint.ts';
import { ResultPublisher } from '../../telehealth/publisher.ts';
import { ResultSubscriber } from '../../telehealth/subscriber.ts';
import { describeError, note } from '../console.ts';
import type { ResultDisplay } from './display.ts';

export interface DeliveryOptions {
  readonly endpoint: Endpoint;
  readonly device: string;
  readonly model: ModelInUse;
  readonly journal: Journal;
  readonly display: ResultDisplay;
  /** Called when results can no longer be taken from the journal. */
  readonly onFailed: () => void;
}

/** What became of a run's results. */
export interface Delivered {
  /** In the journal, not acknowledged by the broker. */
  readonly unpublished: number;
  /** Acknowledged by the broker, not received back. */
  readonly notReceived: number;
}

/** Milliseconds without progress after which the end is not waited for any longer. */
const PATIENCE = { online: 10_000, offline: 5_000, stopped: 2_000 } as const;

/** The way of results from the journal over the broker to the display. */
export class Delivery {
  readonly #options: DeliveryOptions;
  readonly #client: TelehealthClient;
  readonly #subscriber: ResultSubscriber;
  readonly #publisher: ResultPublisher;
  readonly #ended = new AbortController();
  #published: Promise<unknown> = Promise.resolve();
  #lastRemark = '';

  constructor(options: DeliveryOptions) {
    const { endpoint, device, model, journal, display } = options;
    this.#options = options;
    this.#subscriber = new ResultSubscriber({
      endpoint,
      device,
      onResult: (payload) => display.show(payload),
      onChange: () => this.#publisher.wake(),
      onLost: (reason) => this.#remark(reason),
    });
    this.#client = new TelehealthClient({
      endpoint,
      device,
      model,
      onOnline: () => this.#publisher.wake(),
      onOffline: (reason) => this.#remark(reason),
    });
    this.#publisher = new ResultPublisher({
      queue: journal,
      client: this.#client,
      after: journal.lastSequence(),
      // What is sent before the display listens would never be shown.
      isReady: () => this.#subscriber.isSubscribed || this.#subscriber.isRefused,
      onRefused: (reason) => this.#remark(reason),
    });
  }

  start(): void {
    this.#published = this.#publisher.run(this.#ended.signal).catch((error: unknown) => {
      this.#options.onFailed();
      return error;
    });
    this.#subscriber.start();
    this.#client.start();
  }

  /** Says that a result is in the journal. */
  recorded(id: string): void {
    this.#options.display.expect(id);
    this.#publisher.wake();
  }

  /** Waits for what is still on its way. @throws SpikescopeError `JOURNAL_*` when publishing had to end */
  async settle({ isStopped }: { isStopped: boolean }): Promise<Delivered> {
    const { display } = this.#options;
    const patience = PATIENCE[isStopped ? 'stopped' : this.#client.isOnline ? 'online' : 'offline'];
    const unpublished = await this.#publisher.settle(patience, this.#ended.signal);
    if (!this.#subscriber.isRefused) await display.settle(unpublished, patience);
    this.#ended.abort();
    const failure = await this.#published;
    if (failure !== undefined) throw failure;
    return { unpublished, notReceived: display.expected - unpublished };
  }

  /** Says `stopped` to the broker and ends both connections. */
  async stop(): Promise<void> {
    this.#ended.abort();
    await this.#published;
    await this.#client.stop();
    await this.#subscriber.stop();
  }

  /** Publisher and subscriber meet the same faults, again and again: one line says it. */
  #remark(reason: SpikescopeError): void {
    const text = describeError(reason);
    if (text === this.#lastRemark) return;
    this.#lastRemark = text;
    note(`${text}\n  Results stay in the journal and are published when the broker answers.`);
  }
}
