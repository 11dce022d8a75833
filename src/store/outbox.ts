import type Database from 'better-sqlite3';
import type { ChainWriter } from './chain-writer.ts';
import { CHANNELS, type Channel, channelSchema, FORMS, type MessageKind } from './channels.ts';

/**
 * Whose messages they are: those for the broker inside the process, which is there to try things out, never go to a
 * real one, nor the other way round.
 */
export type Lane = 'external' | 'embedded';

/** A message that some broker still has to acknowledge. */
export interface QueuedMessage {
  /** Of the record: increasing in the order of recording, never reused. */
  readonly sequence: number;
  readonly channel: Channel;
  /** Messages of one session never overtake each other. */
  readonly session: string;
  /** The result's identifier, also where the message is a label. */
  readonly id: string;
  /** The reading, or the label, as it stands in the journal. */
  readonly payload: string;
  /** Of a label: the reading that it is about. Null for a reading, and where the journal does not have it. */
  readonly reading: string | null;
}

/** Which message is meant. */
export type MessageKey = Pick<QueuedMessage, 'sequence' | 'channel'>;

interface Row {
  sequence: number;
  channel: string;
  session: string;
  id: string;
  payload: string;
  reading: string | null;
}

interface Found {
  caseId: string;
  /** The label's own identifier; null for a reading. */
  message: string | null;
}

/** The messages of each kind among the records: labels of earlier versions were not published. */
const MESSAGES: Readonly<Record<MessageKind, string>> = {
  reading: "message.kind = 'reading'",
  label: "message.kind = 'label' AND message.payload ->> 'schema' IS NOT NULL",
};
/** What a message belongs to, and is received in the order of. */
const SESSION = `coalesce((SELECT capture.payload ->> 'session' FROM records AS capture
  WHERE capture.case_id = message.case_id AND capture.kind = 'capture'), message.case_id)`;

/**
 * What is still to be sent. Used by `Journal`, within its transactions. Acknowledgements are held in memory until they
 * are recorded, with the next commit or before: a message whose acknowledgement is lost with the process is sent again.
 */
export class Outbox {
  readonly #writer: ChainWriter;
  readonly #lane: Lane;
  readonly #enqueue: Database.Statement<[number, Channel, string, Lane]>;
  readonly #enqueueLabel: Database.Statement<[Channel, Lane, number]>;
  readonly #waiting: Database.Statement<[Lane, string, number], Row>;
  readonly #find: Database.Statement<[number, Channel], Found>;
  readonly #remove: Database.Statement<[number, Channel]>;
  readonly #depth: Database.Statement<[Lane], number>;
  readonly #times: Database.Statement<[Lane, number], MessageKey & { recorded_at: string }>;
  readonly #requeue: Readonly<Record<MessageKind, Database.Statement<[Channel, Lane, number]>>>;
  readonly #acknowledged = new Map<string, MessageKey>();

  constructor(database: Database.Database, writer: ChainWriter, lane: Lane) {
    this.#writer = writer;
    this.#lane = lane;
    this.#enqueue = database.prepare(
      'INSERT INTO outbox (sequence, channel, session, lane) VALUES (?, ?, ?, ?)',
    );
    this.#enqueueLabel = database.prepare(
      `INSERT INTO outbox (sequence, channel, session, lane)
         SELECT message.sequence, ?, ${SESSION}, ? FROM records AS message WHERE message.sequence = ?`,
    );
    this.#waiting = database.prepare(
      `SELECT sequence, channel, session, message.case_id AS id, message.payload,
         CASE message.kind WHEN 'label' THEN (SELECT payload FROM records AS reading
           WHERE reading.case_id = message.case_id AND reading.kind = 'reading') END AS reading
       FROM outbox JOIN records AS message USING (sequence)
       WHERE lane = ? AND channel IN (SELECT value FROM json_each(?))
       ORDER BY sequence, channel DESC LIMIT ?`,
    );
    this.#find = database.prepare(
      `SELECT case_id AS caseId, CASE kind WHEN 'label' THEN payload ->> 'id' END AS message
       FROM outbox JOIN records USING (sequence) WHERE sequence = ? AND channel = ?`,
    );
    this.#remove = database.prepare('DELETE FROM outbox WHERE sequence = ? AND channel = ?');
    this.#depth = database.prepare<[Lane], number>('SELECT count(*) FROM outbox WHERE lane = ?').pluck();
    this.#times = database.prepare(
      `SELECT sequence, channel, recorded_at FROM outbox JOIN records USING (sequence)
       WHERE lane = ? ORDER BY sequence LIMIT ?`,
    );
    const requeue = (kind: MessageKind): Database.Statement<[Channel, Lane, number]> =>
      database.prepare(
        `INSERT INTO outbox (sequence, channel, session, lane)
           SELECT message.sequence, ?, ${SESSION}, ? FROM records AS message
           WHERE ${MESSAGES[kind]} AND message.sequence >= ?
           ORDER BY message.sequence
           ON CONFLICT DO NOTHING`,
      );
    this.#requeue = { reading: requeue('reading'), label: requeue('label') };
  }

  /** Puts a reading in, in one form. */
  enqueue(sequence: number, channel: Channel, session: string): void {
    this.#enqueue.run(sequence, channel, session, this.#lane);
  }

  /** Puts a label in, in one form, behind what its case's session has sent before. */
  enqueueLabel(sequence: number, channel: Channel): void {
    this.#enqueueLabel.run(channel, this.#lane, sequence);
  }

  /** @param channels those of these alone */
  waiting(limit: number, channels: readonly Channel[] = CHANNELS): QueuedMessage[] {
    return this.#waiting
      .all(this.#lane, JSON.stringify(channels), limit + this.#acknowledged.size)
      .map((row) => ({ ...row, channel: channelSchema.parse(row.channel) }))
      .filter((message) => !this.#acknowledged.has(keyOf(message)))
      .slice(0, limit);
  }

  /** Whether a message of this record is still to be acknowledged, in any form and lane. */
  waits(sequence: number): boolean {
    return CHANNELS.some(
      (channel) =>
        this.#find.get(sequence, channel) !== undefined &&
        !this.#acknowledged.has(keyOf({ sequence, channel })),
    );
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
      const found = this.#find.get(sequence, channel);
      if (found === undefined) continue;
      const { caseId, message } = found;
      const payload = JSON.stringify({ channel, ...(message !== null && { message }) });
      this.#writer.append([{ kind: 'publication', caseId, payload }]);
      this.#remove.run(sequence, channel);
    }
  }

  recorded(): void {
    this.#acknowledged.clear();
  }

  /** @returns how many messages have come back into the outbox, of these forms alone */
  requeue(channels: readonly Channel[], from: number): number {
    let count = 0;
    for (const kind of ['reading', 'label'] as const) {
      for (const channel of FORMS[kind].filter((each) => channels.includes(each))) {
        count += this.#requeue[kind].run(channel, this.#lane, from).changes;
      }
    }
    return count;
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
