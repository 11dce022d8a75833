import { setTimeout as delay } from 'node:timers/promises';
import { SpikescopeError } from '../errors.ts';
import type { Connection } from './connection.ts';

export interface LinkEvents {
  /** A connection stands; the link counts as up once this has resolved, and as lost when it rejects. */
  onUp(connection: Connection): Promise<void>;
  /** No connection could be made, or it was lost; another attempt follows. */
  onDown(reason: SpikescopeError): void;
}

const SHORTEST_PAUSE = 250;
const LONGEST_PAUSE = 30_000;

/** Milliseconds before attempt `failures` + 1: doubling, and spread by half so that devices do not return in step. */
export function pauseAfter(failures: number, random: () => number = Math.random): number {
  return Math.min(LONGEST_PAUSE, SHORTEST_PAUSE * 2 ** Math.min(failures, 16)) * (0.5 + random() / 2);
}

/** Keeps a connection alive until `signal` aborts: connects, waits for the end, pauses, connects again. Never rejects. */
export async function keepConnected(
  open: () => Promise<Connection>,
  { onUp, onDown }: LinkEvents,
  signal: AbortSignal,
): Promise<void> {
  for (let failures = 0; !signal.aborted; failures++) {
    let connection: Connection | undefined;
    try {
      connection = await open();
      if (signal.aborted) break;
      await onUp(connection);
      failures = 0;
      const reason = await connection.closed;
      if (!signal.aborted) onDown(reason);
    } catch (cause) {
      connection?.destroy();
      if (!(cause instanceof SpikescopeError)) throw cause;
      if (!signal.aborted) onDown(cause);
    }
    await delay(pauseAfter(failures), undefined, { signal }).catch(() => {});
  }
}
