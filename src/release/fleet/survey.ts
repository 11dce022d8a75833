import { randomBytes } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { Connection } from '../../telehealth/connection.ts';
import type { Endpoint } from '../../telehealth/endpoint.ts';
import { FLEET_TOPICS, type IgnoredFor, readMessage, type Said } from './messages.ts';

/** Devices of a survey at most. */
export const MAXIMUM_DEVICES = 10_000;

export interface SurveyOptions {
  readonly endpoint: Endpoint;
  readonly prefix: string;
  /** Milliseconds for which messages are taken. */
  readonly wait: number;
}

export interface Survey {
  /** What each device has said last, by its name. */
  readonly devices: ReadonlyMap<string, Said>;
  /** Messages that count for nothing, by reason; `beyond` those of devices beyond the greatest number. */
  readonly ignored: Readonly<Partial<Record<IgnoredFor | 'beyond', number>>>;
}

/** Takes what devices have said of themselves. */
export class SurveyTaker {
  readonly #prefix: string;
  readonly #maximum: number;
  readonly #devices = new Map<string, Said>();
  readonly #ignored: Partial<Record<IgnoredFor | 'beyond', number>> = {};

  constructor(prefix: string, maximum = MAXIMUM_DEVICES) {
    this.#prefix = prefix;
    this.#maximum = maximum;
  }

  get survey(): Survey {
    return { devices: this.#devices, ignored: this.#ignored };
  }

  take(topic: string, payload: Buffer): void {
    const message = readMessage(this.#prefix, topic, payload);
    if ('ignored' in message) {
      this.#ignore(message.ignored);
      return;
    }
    const before = this.#devices.get(message.device);
    if (before === undefined && this.#devices.size >= this.#maximum) this.#ignore('beyond');
    else this.#devices.set(message.device, { ...before, ...message.said });
  }

  #ignore(reason: IgnoredFor | 'beyond'): void {
    this.#ignored[reason] = (this.#ignored[reason] ?? 0) + 1;
  }
}

/**
 * What the devices below a prefix have last said of themselves, as a broker has retained it. Nothing is sent to any of them.
 * @throws SpikescopeError `BROKER_*`
 */
export async function surveyFleet({ endpoint, prefix, wait }: SurveyOptions): Promise<Survey> {
  const taker = new SurveyTaker(prefix);
  const connection = await Connection.open(endpoint, {
    clientId: endpoint.clientId ?? `spikescope-fleet-${randomBytes(4).toString('hex')}`,
    onMessage: ({ topic, payload }) => taker.take(topic, payload),
  });
  const over = new AbortController();
  try {
    for (const topic of FLEET_TOPICS) {
      await connection.subscribe(`${prefix}/+/${topic}`, undefined, { retained: true });
    }
    const lost = connection.ended.then(({ reason }) => Promise.reject(reason));
    await Promise.race([delay(wait, undefined, { signal: over.signal }), lost]);
  } finally {
    over.abort();
    await connection.close();
  }
  return taker.survey;
}
