import type Database from 'better-sqlite3';
import { z } from 'zod';
import {
  type Capacity,
  DEFAULT_CAPACITY,
  isNoRoom,
  requireRoom,
  type StorageState,
  storageState,
} from './capacity.ts';
import type { EventDraft, JournalRecord, RecordKind } from './chain.ts';
import { ChainWriter } from './chain-writer.ts';
import { type Channel, FORMS, type MessageKind } from './channels.ts';
import type { HeadFile } from './head-file.ts';
import { journalFault } from './journal-fault.ts';
import { openDatabase } from './journal-schema.ts';
import { type Lane, type MessageKey, Outbox, type QueuedMessage } from './outbox.ts';
import { RECENT_READINGS, type RecentReading, type RecentRow, recentOfRow } from './recent.ts';
import { type RecordedResult, type RecordRow, type ResultRow, recordOf, resultOfRow } from './rows.ts';
import { type ChainHead, type Verification, verifyJournal } from './verify.ts';

/** A result on its way into the journal. */
export interface JournalEntry {
  /** UUID; a second entry with the same one is refused. */
  readonly id: string;
  /** ISO 8601, UTC. */
  readonly capturedAt: string;
  /** JSON, exactly the bytes that are published. */
  readonly payload: string;
  /** What belongs together and is received in its order; without it, the result stands alone. */
  readonly session?: string;
}

/** What is recorded of a capture. */
const captureSchema = z.object({ capturedAt: z.string(), session: z.string() });
export type CaptureDetails = z.infer<typeof captureSchema>;

export interface JournalOptions {
  /** The forms in which readings and labels are published. Default: their own documents, `result` and `label`. */
  readonly channels?: readonly Channel[];
  /** Whose messages are put into the outbox and taken from it. Default: `external`. */
  readonly lane?: Lane;
  readonly capacity?: Partial<Capacity>;
  /** Told of each commit, to keep the end of the chain outside of the journal. Closed with it. */
  readonly headFile?: HeadFile;
}

/** Acknowledgements that are held for the next commit at most. */
const UNRECORDED = 8;
/** Milliseconds for which they wait for one. */
const UNRECORDED_FOR = 10_000;
/** Records that are asked for the latest time: a clock that went back for a while does not hide it. */
const RECENT = 10_000;

/**
 * What this device did, in SQLite: captures, readings, labels, updates, publications, as records that are chained by
 * their digests and never changed; and the outbox, which of the readings and labels is still to be acknowledged by a
 * broker.
 * What a method has written is on the storage medium when it returns (write-ahead log, flushed at every commit), so
 * that it outlives SIGKILL and power loss. All methods throw SpikescopeError `JOURNAL_*` when the database fails.
 */
export class Journal {
  readonly file: string;
  readonly #database: Database.Database;
  readonly #writer: ChainWriter;
  readonly #outbox: Outbox;
  readonly #channels: readonly Channel[];
  readonly #capacity: Capacity;
  readonly #payload: Database.Statement<[string], string>;
  readonly #hasCommand: Database.Statement<[string], number>;
  readonly #payloads: Database.Statement<[string, RecordKind], string>;
  readonly #lastPayload: Database.Statement<[string, RecordKind], string>;
  readonly #latestTime: Database.Statement<[number], string | null>;
  readonly #lastCapture: Database.Statement<[], string>;
  readonly #hasSource: Database.Statement<[string], number>;
  readonly #headFile: HeadFile | null;
  #recording: NodeJS.Timeout | null = null;

  private constructor(file: string, database: Database.Database, options: JournalOptions) {
    this.file = file;
    this.#database = database;
    this.#writer = new ChainWriter(database);
    this.#outbox = new Outbox(database, this.#writer, options.lane ?? 'external');
    this.#channels = options.channels ?? ['result', 'label'];
    this.#capacity = { ...DEFAULT_CAPACITY, ...options.capacity };
    this.#headFile = options.headFile ?? null;
    this.#payload = database
      .prepare<[string], string>("SELECT payload FROM records WHERE case_id = ? AND kind = 'reading'")
      .pluck();
    this.#payloads = database
      .prepare<[string, RecordKind], string>(
        'SELECT payload FROM records WHERE case_id = ? AND kind = ? ORDER BY sequence',
      )
      .pluck();
    this.#lastPayload = database
      .prepare<[string, RecordKind], string>(
        'SELECT payload FROM records WHERE case_id = ? AND kind = ? ORDER BY sequence DESC LIMIT 1',
      )
      .pluck();
    this.#latestTime = database
      .prepare<[number], string | null>(
        'SELECT max(recorded_at) FROM (SELECT recorded_at FROM records ORDER BY sequence DESC LIMIT ?)',
      )
      .pluck();
    this.#lastCapture = database
      .prepare<[], string>(
        "SELECT payload FROM records WHERE kind = 'capture' ORDER BY sequence DESC LIMIT 1",
      )
      .pluck();
    this.#hasSource = database
      .prepare<[string], number>(
        "SELECT 1 FROM records WHERE kind = 'reading' AND payload ->> 'source' = ? LIMIT 1",
      )
      .pluck();
    this.#hasCommand = database
      .prepare<[string], number>("SELECT 1 FROM records WHERE case_id = ? AND kind = 'command'")
      .pluck();
  }

  /**
   * Opens the journal, creates it where there is none, and takes over one of an older schema.
   * @throws SpikescopeError `JOURNAL_NOT_A_DATABASE`, `JOURNAL_FOREIGN`, `JOURNAL_NEWER`, `JOURNAL_DAMAGED`,
   *   `JOURNAL_NOT_WRITABLE`, `JOURNAL_DISK_FULL`, `JOURNAL_BUSY`, `JOURNAL_FAILED`
   */
  static open(file: string, options: JournalOptions = {}): Journal {
    const database = openDatabase(file);
    try {
      return new Journal(file, database, options);
    } catch (cause) {
      database.close();
      throw journalFault(cause, file);
    }
  }

  /**
   * Records a capture with its reading and puts it into the outbox, in one commit.
   * @returns the sequence number of the reading
   * @throws SpikescopeError `JOURNAL_FULL` before the disk is
   */
  append({ id, capturedAt, payload, session = id }: JournalEntry): number {
    return this.#commit(() => {
      requireRoom(this.file, this.#capacity);
      const capture = JSON.stringify({ capturedAt, session } satisfies CaptureDetails);
      const sequence = this.#writer.append([
        { kind: 'capture', caseId: id, payload: capture },
        { kind: 'reading', caseId: id, payload },
      ]);
      for (const channel of this.#formsOf('reading')) this.#outbox.enqueue(sequence, channel, session);
      return sequence;
    });
  }

  /**
   * Records what else happened, and puts what is a message of it into the outbox, in one commit: all of it or nothing.
   * @returns the sequence number of the last
   */
  record(drafts: readonly EventDraft[]): number {
    return this.#commit(() => {
      requireRoom(this.file, this.#capacity);
      const last = this.#writer.append(drafts);
      drafts.forEach(({ isMessage }, i) => {
        const sequence = last - drafts.length + 1 + i;
        if (!isMessage) return;
        for (const channel of this.#formsOf('label')) this.#outbox.enqueueLabel(sequence, channel);
      });
      return last;
    });
  }

  /** The oldest messages that no broker has acknowledged, in order. @param channels those of these alone; default: all */
  waiting(limit: number, channels?: readonly Channel[]): QueuedMessage[] {
    return this.#attempt(() => this.#outbox.waiting(limit, channels));
  }

  /**
   * Takes messages out of the outbox. Repeats change nothing. That is recorded with the next commit, after a while, or at
   * once when many are acknowledged: a commit for each would double what the medium must take. Where the process ends
   * before, or the disk is full, they are sent again by the next one, under their identifiers.
   */
  acknowledge(messages: readonly MessageKey[]): void {
    this.#attempt(() => this.#outbox.acknowledge(messages));
    if (this.#outbox.unrecorded >= UNRECORDED) this.#recordAcknowledged();
    else if (this.#outbox.unrecorded > 0) this.#recordLater();
  }

  /**
   * Puts the readings and labels from sequence number `from` on into the outbox again, under their identifiers: for a broker
   * that acknowledged what it did not pass on. Those that still wait are left in their place.
   * @returns how many messages that makes
   */
  requeue(from: number): number {
    return this.#commit(() => this.#outbox.requeue(this.#channels, from));
  }

  /** How many messages wait, in this journal's lane or another. */
  depth(lane?: Lane): number {
    return this.#attempt(() => this.#outbox.depth(lane));
  }

  /** When the oldest of the waiting messages was recorded; null when none waits. */
  oldestWaiting(): string | null {
    return this.#attempt(() => this.#outbox.oldestAt());
  }

  /** The published bytes of a result, null where this journal has no such result. */
  payloadOf(id: string): string | null {
    return this.#attempt(() => this.#payload.get(id) ?? null);
  }

  /** Whether any result came from one of these sources. Reads results until it finds one. */
  hasResultFrom(sources: readonly string[]): boolean {
    return this.#attempt(() => sources.some((source) => this.#hasSource.get(source) !== undefined));
  }

  /** What was recorded of a case in this kind, oldest first. */
  payloadsOf(caseId: string, kind: RecordKind): string[] {
    if (kind === 'publication') this.#recordAcknowledged();
    return this.#attempt(() => this.#payloads.all(caseId, kind));
  }

  /** What was recorded last of a case in this kind; null where nothing was. */
  lastPayloadOf(caseId: string, kind: RecordKind): string | null {
    return this.#attempt(() => this.#lastPayload.get(caseId, kind) ?? null);
  }

  /** The latest time under which any of the newest records was written; null in an empty journal. */
  latestTime(): string | null {
    return this.#attempt(() => this.#latestTime.get(RECENT) ?? null);
  }

  /** The last capture: when it was taken, and what it belongs to; null in a journal without any. */
  lastCapture(): CaptureDetails | null {
    return this.#attempt(() => {
      const payload = this.#lastCapture.get();
      return payload === undefined ? null : captureSchema.parse(JSON.parse(payload));
    });
  }

  /** Whether a command with this identifier was ever accepted. */
  hasCommand(id: string): boolean {
    return this.#attempt(() => this.#hasCommand.get(id) !== undefined);
  }

  /** Refuses before there is anything to lose. @throws SpikescopeError `JOURNAL_FULL` */
  requireRoom(): void {
    this.#attempt(() => requireRoom(this.file, this.#capacity));
  }

  /** What room is left. */
  storage(): StorageState {
    return this.#attempt(() => storageState(this.file, this.#capacity));
  }

  /** Walks the chain and names the first bad record. @param witnessed an earlier head that must still be in it */
  verify(witnessed?: ChainHead): Verification {
    this.#recordAcknowledged();
    return this.#attempt(() => verifyJournal(this.#database, witnessed === undefined ? [] : [witnessed]));
  }

  /** The end of the chain. */
  head(): ChainHead {
    const { sequence, digest } = this.#attempt(() => this.#writer.head());
    return { sequence, digest: Buffer.from(digest).toString('hex') };
  }

  /** All results, oldest first, read as they are asked for. */
  *entries(): Generator<RecordedResult> {
    this.#recordAcknowledged();
    const rows = this.#database.prepare<[], ResultRow>('SELECT * FROM journal ORDER BY sequence');
    for (const row of rows.iterate()) yield resultOfRow(row);
  }

  /** All records after `after`, oldest first, read as they are asked for. */
  *records(after = 0): Generator<JournalRecord> {
    this.#recordAcknowledged();
    const rows = this.#database.prepare<[number], RecordRow>(
      'SELECT * FROM records WHERE sequence > ? ORDER BY sequence',
    );
    for (const row of rows.iterate(after)) yield recordOf(row);
  }

  /** Readings before a record, newest first, each with what became of it. @param before 0 for the end of the journal */
  recent(before: number, limit: number): RecentReading[] {
    return this.#attempt(() =>
      this.#database
        .prepare<[number, number], RecentRow>(RECENT_READINGS)
        .all(before > 0 ? before : Number.MAX_SAFE_INTEGER, limit)
        .map((row) => recentOfRow(row, (sequence) => this.#outbox.waits(sequence))),
    );
  }

  /** What was said of readings and taken back, newest first, read as it is asked for. */
  *labels(): Generator<JournalRecord> {
    const rows = this.#database.prepare<[], RecordRow>(
      "SELECT * FROM records WHERE kind = 'label' ORDER BY sequence DESC",
    );
    for (const row of rows.iterate()) yield recordOf(row);
  }

  close(): void {
    if (!this.#database.open) return;
    try {
      this.#recordAcknowledged();
    } catch {
      // They are sent again.
    } finally {
      if (this.#recording !== null) clearTimeout(this.#recording);
      this.#headFile?.close();
      this.#database.close();
    }
  }

  #formsOf(kind: MessageKind): Channel[] {
    return FORMS[kind].filter((form) => this.#channels.includes(form));
  }

  #recordLater(): void {
    this.#recording ??= setTimeout(() => {
      this.#recording = null;
      try {
        this.#recordAcknowledged();
      } catch {
        // The next commit says what is wrong with the journal.
      }
    }, UNRECORDED_FOR).unref();
  }

  /** Without room they are held until there is some: what waits can still be sent. */
  #recordAcknowledged(): void {
    if (this.#outbox.unrecorded === 0) return;
    try {
      this.#commit(() => {});
    } catch (error) {
      if (!isNoRoom(error)) throw error;
      this.#recordLater();
    }
  }

  /** One commit, with what was acknowledged before it. */
  #commit<T>(action: () => T): T {
    return this.#attempt(() => {
      const { result, head } = this.#database
        .transaction(() => {
          this.#outbox.recordAcknowledged();
          return { result: action(), head: this.head() };
        })
        .immediate();
      this.#outbox.recorded();
      this.#headFile?.note(head);
      return result;
    });
  }

  #attempt<T>(action: () => T): T {
    try {
      return action();
    } catch (cause) {
      throw journalFault(cause, this.file);
    }
  }
}
