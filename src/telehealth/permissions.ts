import { SpikescopeError } from '../errors.ts';

export interface PermissionsOptions {
  /** Called once for each topic that is given up. */
  readonly onGivenUp: (fault: SpikescopeError) => void;
  /** Monotonic milliseconds. */
  readonly now?: () => number;
}

/** Lost connections in a row, each with the same thing unanswered, after which that counts as the reason. */
const STRIKES = 2;
/** Milliseconds until what was given up is tried again: the broker's rights may have been mended. */
const REST = 3_600_000;

/**
 * What the broker has shown that it does not let this device do. Some brokers answer that a topic is denied; others hang
 * up, and would at every connection. Nothing but results is worth that: a topic is given up after a refusal, or after
 * connections that ended while it waited for its answer.
 */
export class Permissions {
  readonly #options: PermissionsOptions;
  readonly #strikes = new Map<string, { readonly count: number; readonly connection: object }>();
  readonly #givenUp = new Map<string, number>();
  readonly #told = new Set<string>();

  constructor(options: PermissionsOptions) {
    this.#options = options;
  }

  isGivenUp(topic: string): boolean {
    const since = this.#givenUp.get(topic);
    return since !== undefined && this.#now() - since < REST;
  }

  /** The broker has acknowledged it. */
  granted(topic: string): void {
    this.#strikes.delete(topic);
    this.#givenUp.delete(topic);
  }

  /** The broker has said no. */
  refused(topic: string, reason: SpikescopeError): void {
    this.#giveUp(topic, reason, 'The broker refuses a topic');
  }

  /**
   * The connection ended, for `reason`, before there was an answer.
   * @param connection the one that ended: however many messages it took with it, it counts once
   */
  dropped(topic: string, reason: SpikescopeError, connection: object = {}): void {
    if (!['BROKER_LOST', 'BROKER_REFUSED', 'BROKER_SILENT'].includes(reason.code)) return;
    const before = this.#strikes.get(topic);
    if (before?.connection === connection) return;
    const count = (before?.count ?? 0) + 1;
    this.#strikes.set(topic, { count, connection });
    if (count >= STRIKES) this.#giveUp(topic, reason, 'The broker ends the connection at a topic');
  }

  #giveUp(topic: string, reason: SpikescopeError, message: string): void {
    this.#strikes.delete(topic);
    this.#givenUp.set(topic, this.#now());
    if (this.#told.has(topic)) return;
    this.#told.add(topic);
    this.#options.onGivenUp(
      new SpikescopeError('BROKER_TOPIC_DENIED', message, {
        field: topic,
        ...(reason.details.received !== undefined && { received: reason.details.received }),
        remedy: 'allow it to this device at the broker; until then the device goes on without',
        cause: reason,
      }),
    );
  }

  #now(): number {
    return (this.#options.now ?? (() => performance.now()))();
  }
}
