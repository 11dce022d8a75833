import type Database from 'better-sqlite3';
import { ChainWriter } from './chain-writer.ts';
import type { ResultRow } from './rows.ts';

/** Results that are read at a time: a journal of years must not be held in memory. */
const CHUNK = 256;

/**
 * Takes over a journal of schema 1 (tables `results` and `publications`, no chain), within the caller's transaction:
 * payloads byte for byte, in their order, under their times. What was not published goes into the outbox.
 */
export function migrateFromSchema1(database: Database.Database, schema: string): void {
  database.exec(`
    DROP VIEW journal;
    ALTER TABLE results RENAME TO results_1;
    ALTER TABLE publications RENAME TO publications_1;
  `);
  database.exec(schema);
  const writer = new ChainWriter(database);
  const total = Number(database.prepare('SELECT count(*) FROM results_1').pluck().get());
  writer.append([
    { kind: 'migration', caseId: 'schema-1', payload: JSON.stringify({ from: 1, results: total }) },
  ]);
  const chunk = database.prepare<[number], ResultRow>(
    `SELECT results_1.*, published_at FROM results_1 LEFT JOIN publications_1 USING (sequence)
     WHERE sequence > ? ORDER BY sequence LIMIT ${CHUNK}`,
  );
  const enqueue = database.prepare<[number, string]>(
    "INSERT INTO outbox (sequence, channel, session, lane) VALUES (?, 'result', ?, 'external')",
  );
  for (let rows = chunk.all(0); rows.length > 0; rows = chunk.all(rows[rows.length - 1].sequence)) {
    for (const row of rows) {
      const sequence = writer.append(recordsOf(row), row.recorded_at);
      if (row.published_at === null) enqueue.run(sequence, row.id);
      else {
        const payload = JSON.stringify({ channel: 'result' });
        writer.append([{ kind: 'publication', caseId: row.id, payload }], row.published_at);
      }
    }
  }
  // Dropping a table drops the triggers that kept its rows.
  database.exec('DROP TABLE publications_1; DROP TABLE results_1;');
}

function recordsOf({ id, captured_at, payload }: ResultRow) {
  return [
    { kind: 'capture', caseId: id, payload: JSON.stringify({ capturedAt: captured_at, session: id }) },
    { kind: 'reading', caseId: id, payload },
  ] as const;
}
