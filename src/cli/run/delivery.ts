import type { SpikescopeError } from '../../errors.ts';
import { MemoryKeeper } from '../../runtime/memory.ts';
import type { Journal } from '../../store/journal.ts';
import type { QueuedMessage } from '../../store/outbox.ts';
import type { ModelInUse } from '../../telehealth/announcements.ts';
import { TelehealthClient } from '../../telehealth/client.ts';
import type { CommandHandler, CommandName } from '../../telehealth/commands/command.ts';
import { CommandReceiver } from '../../telehealth/commands/receiver.ts';
import type { Publication } from '../../telehealth/connection.ts';
import type { Endpoint } from '../../telehealth/endpoint.ts';
import { ResultPublisher } from '../../telehealth/publisher.ts';
import { ResultSubscriber } from '../../telehealth/subscriber.ts';
import { topicsOf } from '../../telehealth/topics.ts';
import { describeError, note } from '../console.ts';
import type { ResultDisplay } from './display.ts';

export interface DeliveryOptions {
  readonly endpoint: Endpoint;
  readonly device: string;
  readonly model: ModelInUse;
  readonly journal: Journal;
  readonly display: ResultDisplay;
  readonly commands: { readonly handler: CommandHandler; readonly allowed: ReadonlySet<CommandName> };
  /** Discovery prefix of Home Assistant, where the device is to be announced there. */
  readonly homeAssistant?: string;
  /** Called when results can no longer be taken from the journal. */
  readonly onFailed: () => void;
}

/** What became of the results. */
export interface Delivered {
  /** In the journal, not acknowledged by the broker. */
  readonly unpublished: number;
  /** Acknowledged by the broker, not received back. */
  readonly notReceived: number;
}

/** Milliseconds without progress after which the end is not waited for any longer. */
const PATIENCE = { online: 10_000, offline: 5_000, stopped: 2_000 } as const;
/** Milliseconds that results wait, once the device is online, for the display to listen. */
const DISPLAY_PATIENCE = 5_000;

/** The way of results from the journal over the broker to the display, and of commands to their handler. */
export class Delivery {
  readonly #options: DeliveryOptions;
  readonly #client: TelehealthClient;
  readonly #subscriber: ResultSubscriber;
  readonly #publisher: ResultPublisher;
  readonly #receiver: CommandReceiver;
  readonly #ended = new AbortController();
  readonly #memory = new MemoryKeeper();
  #published: Promise<unknown> = Promise.resolve();
  #displayIsLate = false;
  #lastRemark = '';

  constructor(options: DeliveryOptions) {
    const { endpoint, device, model, journal, display, commands, homeAssistant } = options;
    this.#options = options;
    this.#subscriber = new ResultSubscriber({
      endpoint,
      device,
      onResult: (payload) => display.show(payload),
      onChange: () => this.#publisher.wake(),
      onLost: (reason) => this.#remark(reason),
    });
    this.#receiver = new CommandReceiver({
      device,
      topics: topicsOf(device),
      allowed: commands.allowed,
      handler: commands.handler,
      journal,
      respond: (publication) => this.#client.publish(publication),
    });
    this.#client = new TelehealthClient({
      endpoint,
      device,
      model,
      onCommand: (message) => this.#receiver.receive(message),
      ...(homeAssistant !== undefined && {
        discovery: { prefix: homeAssistant, allowed: commands.allowed },
      }),
      onOnline: () => this.#cameOnline(),
      onOffline: (reason) => this.#remark(reason),
      onRefused: (reason) => this.#remark(reason),
    });
    this.#publisher = new ResultPublisher({
      queue: journal,
      client: this.#client,
      // What is sent before the display listens would never be shown; but no display may hold up the results.
      isReady: () => this.#subscriber.isSubscribed || this.#subscriber.isRefused || this.#displayIsLate,
      onAcknowledged: (message) => this.#acknowledged(message),
      // A long queue is worked off without captures in between, after which memory is collected.
      onFullBatch: () => this.#memory.afterCapture(),
      onRefused: (reason) => this.#remark(reason),
    });
  }

  /** Commands that were accepted, and refused by reason. */
  get commandCounts(): Readonly<Record<string, number>> {
    return this.#receiver.counts;
  }

  start(): void {
    this.#published = this.#publisher.run(this.#ended.signal).catch((error: unknown) => {
      this.#options.onFailed();
      return error;
    });
    this.#subscriber.start();
    this.#client.start();
  }

  /** Sends one message now, where there is a connection; it is not waited for, and lost without one. */
  announce(publication: Publication): void {
    if (this.#client.isOnline) this.#client.publish(publication).catch(() => {});
  }

  /** Says that a result is in the journal. */
  recorded(): void {
    this.#publisher.wake();
  }

  /** Waits for what is still on its way. @throws SpikescopeError `JOURNAL_*` when publishing had to end */
  async settle({ isStopped }: { isStopped: boolean }): Promise<Delivered> {
    const { display } = this.#options;
    const patience = PATIENCE[isStopped ? 'stopped' : this.#client.isOnline ? 'online' : 'offline'];
    const unpublished = await this.#publisher.settle(patience, this.#ended.signal);
    if (!this.#subscriber.isRefused) await display.settle(patience);
    this.#ended.abort();
    const failure = await this.#published;
    if (failure !== undefined) throw failure;
    return { unpublished, notReceived: display.missing };
  }

  /** Says `stopped` to the broker and ends both connections. */
  async stop(): Promise<void> {
    this.#ended.abort();
    // The connection first: messages in flight to a silent broker end with it.
    await this.#client.stop();
    await this.#published;
    await this.#subscriber.stop();
  }

  #cameOnline(): void {
    const timer = setTimeout(() => {
      this.#displayIsLate = true;
      this.#publisher.wake();
    }, DISPLAY_PATIENCE);
    timer.unref();
    this.#publisher.wake();
  }

  #acknowledged({ channel, id }: QueuedMessage): void {
    if (channel === 'result' && this.#subscriber.isSubscribed) this.#options.display.acknowledged(id);
  }

  /** Publisher and subscriber meet the same faults, again and again: one line says it. */
  #remark(reason: SpikescopeError): void {
    const text = describeError(reason);
    if (text === this.#lastRemark) return;
    this.#lastRemark = text;
    note(`${text}\n  Results stay in the journal and are published when the broker answers.`);
  }
}
