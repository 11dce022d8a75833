import type Database from 'better-sqlite3';
import { z } from 'zod';
import type { ChainWriter } from './chain-writer.ts';

/** Which form of a reading a message carries. */
export const channelSchema = z.enum(['result', 'fhir']);
export type Channel = z.infer<typeof channelSchema>;

/**
 * Whose messages they are: those for the broker inside the process, which is there to try things out, never go to a
 * real one, nor the other way round.
 */
export type Lane = 'external' | 'embedded';

/** A message that some broker still has to acknowledge. */
export interface QueuedMessage {
  /** Of the reading: increasing in the order of recording, never reused. */
  readonly sequence: number;
  readonly channel: Channel;
  /** Messages of one session never overtake each other. */
  readonly session: string;
  /** The result's identifier. */
  readonly id: string;
  /** The reading as it stands in the journal. */
  readonly payload: string;
}

/** Which message is meant. */
export type MessageKey = Pick<QueuedMessage, 'sequence' | 'channel'>;

interface Row {
  sequence: number;
  channel: string;
  session: string;
  id: string;
  payload: string;
}

/**
 * What is still to be sent. Used by `Journal`, within its transactions. Acknowledgements are held in memory until they
 * are recorded, with the next commit or before: a message whose acknowledgement is lost with the process is sent again.
 */
export class Outbox {
  readonly #writer: ChainWriter;
  readonly #lane: Lane;
  readonly #enqueue: Database.Statement<[number, Channel, string, Lane]>;
  readonly #waiting: Database.Statement<[Lane, Channel | null, number], Row>;
  readonly #find: Database.Statement<[number, Channel], string>;
  readonly #remove: Database.Statement<[number, Channel]>;
  readonly #depth: Database.Statement<[Lane], number>;
  readonly #times: Database.Statement<[Lane, number], MessageKey & { recorded_at: string }>;
  readonly #requeue: Database.Statement<[Channel, Lane, number]>;
  readonly #acknowledged = new Map<string, MessageKey>();

  constructor(database: Database.Database, writer: ChainWriter, lane: Lane) {
    this.#writer = writer;
    this.#lane = lane;
    this.#enqueue = database.prepare(
      'INSERT INTO outbox (sequence, channel, session, lane) VALUES (?, ?, ?, ?)',
    );
    this.#waiting = database.prepare(
      `SELECT sequence, channel, session, case_id AS id, payload
       FROM outbox JOIN records USING (sequence) WHERE lane = ? AND channel = coalesce(?, channel)
       ORDER BY sequence, channel DESC LIMIT ?`,
    );
    this.#find = database
      .prepare<[number, Channel], string>(
        'SELECT case_id FROM outbox JOIN records USING (sequence) WHERE sequence = ? AND channel = ?',
      )
      .pluck();
    this.#remove = database.prepare('DELETE FROM outbox WHERE sequence = ? AND channel = ?');
    this.#depth = database.prepare<[Lane], number>('SELECT count(*) FROM outbox WHERE lane = ?').pluck();
    this.#times = database.prepare(
      `SELECT sequence, channel, recorded_at FROM outbox JOIN records USING (sequence)
       WHERE lane = ? ORDER BY sequence LIMIT ?`,
    );
    this.#requeue = database.prepare(
      `INSERT INTO outbox (sequence, channel, session, lane)
         SELECT reading.sequence, ?, coalesce(capture.payload ->> 'session', reading.case_id), ?
         FROM records AS reading
         LEFT JOIN records AS capture ON capture.case_id = reading.case_id AND capture.kind = 'capture'
         WHERE reading.kind = 'reading' AND reading.sequence >= ?
         ORDER BY reading.sequence
         ON CONFLICT DO NOTHING`,
    );
  }

  enqueue(sequence: number, channel: Channel, session: string): void {
    this.#enqueue.run(sequence, channel, session, this.#lane);
  }

  /** @param channel those of this one alone */
  waiting(limit: number, channel: Channel | null = null): QueuedMessage[] {
    return this.#waiting
      .all(this.#lane, channel, limit + this.#acknowledged.size)
      .map((row) => ({ ...row, channel: channelSchema.parse(row.channel) }))
      .filter((message) => !this.#acknowledged.has(keyOf(message)))
      .slice(0, limit);
  }

  /** Acknowledgements that are not recorded yet. */
  get unrecorded(): number {
    return this.#acknowledged.size;
  }

  /** Takes messages out, in memory; those that are gone already change nothing. */
  acknowledge(messages: readonly MessageKey[]): void {
    for (const { sequence, channel } of messages) {
      if (this.#find.get(sequence, channel) === undefined) continue;
      this.#acknowledged.set(keyOf({ sequence, channel }), { sequence, channel });
    }
  }

  /** Writes down what was acknowledged. Once that is committed, call `recorded`. */
  recordAcknowledged(): void {
    for (const { sequence, channel } of this.#acknowledged.values()) {
      const id = this.#find.get(sequence, channel);
      if (id === undefined) continue;
      this.#writer.append([{ kind: 'publication', caseId: id, payload: JSON.stringify({ channel }) }]);
      this.#remove.run(sequence, channel);
    }
  }

  recorded(): void {
    this.#acknowledged.clear();
  }

  /** @returns how many readings have come back into the outbox */
  requeue(channel: Channel, from: number): number {
    return this.#requeue.run(channel, this.#lane, from).changes;
  }

  depth(lane: Lane = this.#lane): number {
    const acknowledged = lane === this.#lane ? this.#acknowledged.size : 0;
    return (this.#depth.get(lane) ?? 0) - acknowledged;
  }

  oldestAt(): string | null {
    const rows = this.#times.all(this.#lane, this.#acknowledged.size + 1);
    return rows.find((row) => !this.#acknowledged.has(keyOf(row)))?.recorded_at ?? null;
  }
}

function keyOf({ sequence, channel }: MessageKey): string {
  return `${sequence} ${channel}`;
}
