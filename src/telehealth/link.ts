import { setTimeout as delay } from 'node:timers/promises';
import { SpikescopeError } from '../errors.ts';
import { Backoff } from './backoff.ts';
import type { Connection } from './connection.ts';

export interface LinkEvents {
  /** A connection stands. Must not throw. */
  onUp(connection: Connection): void;
  /** No connection could be made, or it was lost; another attempt follows. */
  onDown(reason: SpikescopeError): void;
}

/**
 * Keeps a connection alive until `signal` aborts: connects, waits for the end, pauses, connects again. The pauses
 * start over only after a broker has answered a message: one that takes connections and drops them is no better than
 * none. Never rejects.
 */
export async function keepConnected(
  open: () => Promise<Connection>,
  { onUp, onDown }: LinkEvents,
  signal: AbortSignal,
  backoff: Backoff = new Backoff(),
): Promise<void> {
  while (!signal.aborted) {
    try {
      const connection = await open();
      if (signal.aborted) {
        connection.destroy();
        break;
      }
      onUp(connection);
      const reason = await connection.closed;
      if (connection.hasAnswered) backoff.reset();
      if (!signal.aborted) onDown(reason);
    } catch (cause) {
      if (!(cause instanceof SpikescopeError)) throw cause;
      if (!signal.aborted) onDown(cause);
    }
    await delay(backoff.next(), undefined, { signal }).catch(() => {});
  }
}
