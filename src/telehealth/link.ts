import { setTimeout as delay } from 'node:timers/promises';
import { SpikescopeError } from '../errors.ts';
import { Backoff } from './backoff.ts';
import type { Connection } from './connection.ts';
import { TakeoverWatch } from './takeover.ts';

export interface LinkEvents {
  /** A connection stands. Must not throw. */
  onUp(connection: Connection): void;
  /**
   * No connection could be made, or it was lost; another attempt follows.
   * @param wasSteady whether it had stood for long
   */
  onDown(reason: SpikescopeError, wasSteady: boolean): void;
}

/** Pauses between attempts to connect. */
export interface Pauses {
  readonly lost: Backoff;
  /** After another program has taken this one's place: two that come back at once would push each other out for ever. */
  readonly taken: Backoff;
}

/** Milliseconds that a connection has to stand to count as steady. */
const STEADY = 30_000;

export function defaultPauses(): Pauses {
  return { lost: new Backoff(), taken: new Backoff({ shortest: 5_000, longest: 60_000 }) };
}

/**
 * Keeps a connection alive until `signal` aborts: connects, waits for the end, pauses, connects again. The pauses
 * start over only after a connection that stood for long, or that did what it is for: a broker that takes connections and
 * drops them is no better than none. Never rejects.
 */
export async function keepConnected(
  open: () => Promise<Connection>,
  { onUp, onDown }: LinkEvents,
  signal: AbortSignal,
  { lost, taken }: Pauses = defaultPauses(),
): Promise<void> {
  const watch = new TakeoverWatch();
  let pause = 0;
  while (!signal.aborted) {
    let reason: SpikescopeError;
    let wasSteady = false;
    try {
      const connection = await open();
      if (signal.aborted) {
        connection.destroy();
        break;
      }
      onUp(connection);
      const ended = await connection.ended;
      wasSteady = ended.lasted >= STEADY;
      reason = watch.judge(ended, pause);
      if (wasSteady || connection.isUseful) lost.reset();
    } catch (cause) {
      if (!(cause instanceof SpikescopeError)) throw cause;
      reason = cause;
    }
    const isTaken = reason.code === 'BROKER_SESSION_TAKEN';
    if (!isTaken) taken.reset();
    pause = (isTaken ? taken : lost).next();
    if (signal.aborted) break;
    onDown(reason, wasSteady);
    await delay(pause, undefined, { signal }).catch(() => {});
  }
}
