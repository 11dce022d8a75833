import type Database from 'better-sqlite3';
import { digestOf, GENESIS, type RecordDraft } from './chain.ts';

interface Head {
  sequence: number;
  digest: Uint8Array;
}

/** Adds records to the end of the chain. Its caller holds an immediate transaction, so that nobody else does. */
export class ChainWriter {
  readonly #head: Database.Statement<[], Head>;
  readonly #insert: Database.Statement<[number, string, string, string, string, Uint8Array, Uint8Array]>;

  constructor(database: Database.Database) {
    this.#head = database.prepare('SELECT sequence, digest FROM records ORDER BY sequence DESC LIMIT 1');
    this.#insert = database.prepare(
      `INSERT INTO records (sequence, kind, case_id, recorded_at, payload, previous, digest)
       VALUES (?, ?, ?, ?, ?, ?, ?)`,
    );
  }

  /** The newest record's place and digest; sequence 0 in an empty journal. */
  head(): Readonly<Head> {
    return this.#head.get() ?? { sequence: 0, digest: GENESIS };
  }

  /** @returns the sequence number of the last of them */
  append(drafts: readonly RecordDraft[], recordedAt: string = new Date().toISOString()): number {
    let { sequence, digest: previous } = this.head();
    for (const { kind, caseId, payload } of drafts) {
      sequence++;
      const digest = digestOf({ previous, sequence, kind, caseId, recordedAt, payload });
      this.#insert.run(sequence, kind, caseId, recordedAt, payload, previous, digest);
      previous = digest;
    }
    return sequence;
  }
}
