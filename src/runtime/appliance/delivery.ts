import type { SpikescopeError } from '../../errors.ts';
import type { ModelBundle } from '../../model/bundle/bundle.ts';
import { classTablesOf } from '../../model/bundle/class-table.ts';
import type { Journal } from '../../store/journal.ts';
import type { QueuedMessage } from '../../store/outbox.ts';
import type { ModelInUse } from '../../telehealth/announcements.ts';
import type { CardState } from '../../telehealth/card.ts';
import { TelehealthClient } from '../../telehealth/client.ts';
import type { ClockState } from '../../telehealth/clock.ts';
import type { CommandHandler, CommandName } from '../../telehealth/commands/command.ts';
import { CommandReceiver } from '../../telehealth/commands/receiver.ts';
import type { Publication } from '../../telehealth/connection.ts';
import type { Endpoint } from '../../telehealth/endpoint.ts';
import type { ResultVersion } from '../../telehealth/older-result.ts';
import { ResultPublisher } from '../../telehealth/publisher.ts';
import type { Topics } from '../../telehealth/topics.ts';
import type { UpdateAnnouncement } from '../../telehealth/update.ts';

export interface DeliveryOptions {
  readonly endpoint: Endpoint;
  readonly device: string;
  readonly topics: Topics;
  readonly model: ModelInUse;
  readonly bundle: ModelBundle;
  readonly journal: Journal;
  readonly commands: {
    readonly handler: CommandHandler;
    readonly allowed: ReadonlySet<CommandName>;
    /** Topics below which answers may be asked for, beside the device's own. */
    readonly responseTopics: readonly string[];
  };
  /** What the device knows of its clock. */
  readonly clock: () => ClockState;
  /** How the card is; null where none is in use. Default: none. */
  readonly card?: () => CardState | null;
  /** What is told of updates; null where there is nothing to tell. Default: nothing. */
  readonly update?: () => UpdateAnnouncement | null;
  /** Version of results that receivers read at most. Default: the newest. */
  readonly newestResult?: ResultVersion;
  /** Discovery prefix of Home Assistant, where the device is to be announced there. */
  readonly homeAssistant?: string;
  /** Called when a full batch of messages has been sent. */
  readonly onFullBatch: () => void;
  /** Called when results can no longer be taken from the journal. */
  readonly onFailed: () => void;
  /** Takes remarks for a person. */
  readonly say: (line: string) => void;
}

/** Hears of every message on its way to the broker. Delivery never waits for a listener. */
export interface DeliveryListener {
  /** A message is about to be sent; again at each attempt. */
  sending?(message: QueuedMessage): void;
  /** The broker has acknowledged a message, and the journal knows. */
  acknowledged?(message: QueuedMessage): void;
  /** The connection to the broker is there, or is gone. */
  connection?(): void;
}

/** Milliseconds without progress after which the end is not waited for any longer. */
const PATIENCE = { online: 10_000, offline: 5_000, stopped: 2_000 } as const;

/** Different remarks that are remembered as said. */
const MOST_REMARKS = 64;

/** The way of results from the journal to the broker, and of commands to their handler. */
export class Delivery {
  readonly #options: DeliveryOptions;
  readonly #client: TelehealthClient;
  readonly #publisher: ResultPublisher;
  readonly #receiver: CommandReceiver;
  readonly #ended = new AbortController();
  readonly #listeners = new Set<DeliveryListener>();
  #published: Promise<unknown> = Promise.resolve();
  readonly #said = new Set<string>();
  #outage: SpikescopeError | null = null;

  constructor(options: DeliveryOptions) {
    const { endpoint, device, topics, model, bundle, journal, commands, clock, card, update, homeAssistant } =
      options;
    this.#options = options;
    this.#receiver = new CommandReceiver({
      device,
      topics,
      allowed: commands.allowed,
      responseTopics: commands.responseTopics,
      handler: commands.handler,
      journal,
      respond: (publication, permission) => this.#client.answer(publication, topics.response, permission),
    });
    this.#client = new TelehealthClient({
      endpoint,
      device,
      topics,
      model,
      clock,
      ...(card && { card }),
      ...(update && { update }),
      afterResults: () => this.#publisher.round(),
      onCommand: (message) => this.#receiver.receive(message),
      ...(homeAssistant !== undefined && {
        discovery: { prefix: homeAssistant, allowed: commands.allowed },
      }),
      onOnline: () => {
        this.#connectionChanged(null);
        this.#publisher.wake();
      },
      onOffline: (reason, wasSteady) => {
        this.#connectionChanged(reason);
        // An outage after long calm is another one.
        if (wasSteady) this.#said.clear();
        this.remark(reason);
      },
      onRefused: (reason) => options.say(reason.describe()),
    });
    this.#publisher = new ResultPublisher({
      queue: journal,
      client: this.#client,
      classTables: classTablesOf(bundle),
      ...(options.newestResult !== undefined && { newestResult: options.newestResult }),
      onSending: (message) => {
        for (const listener of this.#listeners) listener.sending?.(message);
      },
      onAcknowledged: (message) => {
        for (const listener of this.#listeners) listener.acknowledged?.(message);
      },
      // A long queue is worked off without captures in between, after which memory is collected.
      onFullBatch: options.onFullBatch,
      onRefused: (reason) => this.remark(reason),
    });
  }

  /** Commands that were accepted, and refused by reason. */
  get commandCounts(): Readonly<Record<string, number>> {
    return this.#receiver.counts;
  }

  get isOnline(): boolean {
    return this.#client.isOnline;
  }

  /** Why there is no connection to the broker; null while there is one, and before the first attempt has failed. */
  get outage(): SpikescopeError | null {
    return this.#outage;
  }

  /** Tells `listener` of messages until what is returned is called. */
  listen(listener: DeliveryListener): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  start(): void {
    this.#published = this.#publisher.run(this.#ended.signal).catch((error: unknown) => {
      this.#options.onFailed();
      return error;
    });
    this.#client.start();
  }

  /** Sends one message after results, now or with the next connection; it is not waited for. */
  announce(publication: Publication): void {
    this.#client.announce(publication);
  }

  /** Says anew how the device is, after what its status says of clock or card has changed. */
  refreshStatus(): void {
    this.#client.refreshStatus();
  }

  /** Says anew which model runs on what, after that has changed. */
  refreshModel(): void {
    this.#client.refreshModel();
  }

  /** Says anew what there is to tell of updates, after that has changed. */
  refreshUpdate(): void {
    this.#client.refreshUpdate();
  }

  /** Says that a result or a verdict is in the journal. */
  recorded(): void {
    this.#publisher.wake();
  }

  /**
   * Waits for what is still on its way.
   * @returns how many results remain in the journal, not acknowledged by the broker
   * @throws SpikescopeError `JOURNAL_*` when publishing had to end
   */
  async settle({ isStopped }: { isStopped: boolean }): Promise<number> {
    const patience = PATIENCE[isStopped ? 'stopped' : this.#client.isOnline ? 'online' : 'offline'];
    const unpublished = await this.#publisher.settle(patience, this.#ended.signal);
    this.#ended.abort();
    const failure = await this.#published;
    if (failure !== undefined) throw failure;
    return unpublished;
  }

  /** Says `stopped` to the broker and ends the connection. */
  async stop(): Promise<void> {
    this.#ended.abort();
    // The connection first: messages in flight to a silent broker end with it.
    await this.#client.stop();
    await this.#published;
  }

  #connectionChanged(outage: SpikescopeError | null): void {
    this.#outage = outage;
    for (const listener of this.#listeners) listener.connection?.();
  }

  /** Every connection to a broker meets the same faults, again and again, and in turns: one line says each. */
  remark(reason: SpikescopeError): void {
    const text = reason.describe();
    if (this.#said.has(text)) return;
    if (this.#said.size >= MOST_REMARKS) this.#said.clear();
    this.#said.add(text);
    this.#options.say(`${text}\n  Results stay in the journal and are published when the broker answers.`);
  }
}
