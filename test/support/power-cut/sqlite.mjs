/**
 * Inserts rows into a SQLite file and says each when it is committed; with WORKLOAD_SYNCHRONOUS = OFF it says so too early.
 */
import { writeSync } from 'node:fs';
import path from 'node:path';
import Database from 'better-sqlite3';

const { WORKLOAD_DATA: folder, WORKLOAD_SYNCHRONOUS: synchronous } = process.env;
const database = new Database(path.join(folder, 'rows.sqlite'));
database.pragma('journal_mode = WAL');
database.pragma(`synchronous = ${synchronous}`);
database.exec('CREATE TABLE IF NOT EXISTS rows (number INTEGER PRIMARY KEY)');
const insert = database.prepare('INSERT INTO rows DEFAULT VALUES');
for (;;) writeSync(1, `row ${insert.run().lastInsertRowid}\n`);
