import { SpikescopeError } from '../errors.ts';

/** How a connection went, from its start to its end. */
export interface Ended {
  readonly reason: SpikescopeError;
  /** Whether the broker answered anything on it. */
  readonly hasAnswered: boolean;
  /** Whether it ended while nothing waited for an answer. */
  readonly wasIdle: boolean;
  /** Milliseconds. */
  readonly lasted: number;
}

/** Connections in a row that end early and for no reason, after which another program is suspected. */
const SUSPICIOUS = 3;
const EARLY = 60_000;

/**
 * Tells a connection that another program with the same name has pushed out. With MQTT 5 a broker can say so; many just
 * hang up, in the middle of nothing, each time soon after they have taken the connection.
 */
export class TakeoverWatch {
  #early = 0;

  /** The reason of an end, or the likelier one. @param pause milliseconds that the connection was waited with */
  judge({ reason, hasAnswered, wasIdle, lasted }: Ended, pause: number): SpikescopeError {
    if (reason.code !== 'BROKER_LOST') return reason;
    // The other one pauses as long as this one does, and connections last as long as its pauses.
    const isEarly = lasted <= Math.max(EARLY, 3 * pause);
    this.#early = isEarly && hasAnswered && wasIdle ? this.#early + 1 : 0;
    if (this.#early < SUSPICIOUS) return reason;
    return new SpikescopeError(
      'BROKER_SESSION_TAKEN',
      'The broker ends every connection soon after it began, as it does when another program connects as this device',
      {
        ...(reason.details.field !== undefined && { field: reason.details.field }),
        received: `${SUSPICIOUS} connections or more that ended so`,
        remedy: 'end the other program, or tell the two apart with --device-id and --data',
        cause: reason,
      },
    );
  }
}
