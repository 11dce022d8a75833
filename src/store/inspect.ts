import { copyFileSync, existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import Database from 'better-sqlite3';
import { SpikescopeError } from '../errors.ts';
import { firstBreak } from './first-break.ts';
import { HeadFile } from './head-file.ts';
import { journalFault } from './journal-fault.ts';
import { connect, isChained, isEmpty, openDatabase } from './journal-schema.ts';
import { holderOf } from './owner.ts';
import { type ChainHead, type Verification, verifyJournal } from './verify.ts';

/**
 * Verifies a journal without writing anything beside it: also while a device works with it, on a medium that cannot be
 * written, on a full disk. The end of the chain that is kept beside it must be in it.
 * @param witnessed another earlier head that must still be in it
 * @param own the head that another document of this device names: it must be in it, or in the chain before, of which
 *   this one
 *   says that it was broken
 * @throws SpikescopeError `JOURNAL_*`
 */
export function verifyJournalFile(
  file: string,
  witnessed: ChainHead | null = null,
  own: ChainHead | null = null,
): Verification {
  // Before the journal is looked at: a device that works with it may go on meanwhile.
  const kept = HeadFile.read(file);
  return readJournal(file, (database) => {
    const before = firstBreak(database)?.expected?.sequence ?? 0;
    const remembered = own !== null && own.sequence > before ? own : null;
    const heads = [kept, witnessed, remembered].filter((head) => head !== null);
    return verifyJournal(database, heads);
  });
}

/**
 * Writes every row of a journal into a new file, also while a device works with it.
 * @param target a file that is not there yet
 * @throws SpikescopeError `JOURNAL_*`
 */
export function copyJournalFile(file: string, target: string): void {
  readJournal(file, (database) => void database.prepare('VACUUM INTO ?').run(target));
}

/** A connection that may read only leaves the log as it finds it, damaged or not. For the process that owns the folder. */
export function openUnchanged(file: string): Database.Database {
  return connect(file, (database) => void isEmpty(database), { readonly: true });
}

/** Where a copy may be made, best first: the second is in memory. */
const PLACES = () => [tmpdir(), '/dev/shm'];

function readJournal<T>(file: string, work: (database: Database.Database) => T): T {
  try {
    const shared = existsSync(`${file}-shm`) ? openShared(file) : null;
    if (shared === null) return readCopy(file, work);
    try {
      return work(shared);
    } finally {
      shared.close();
    }
  } catch (cause) {
    throw ofFile(journalFault(cause, file), file);
  }
}

/**
 * With what another process shares of its log. Null where that cannot be used, as on a medium that cannot be written, and
 * for a journal that must be taken over from an older schema first.
 */
function openShared(file: string): Database.Database | null {
  let database: Database.Database | undefined;
  try {
    database = new Database(file, { readonly: true, timeout: 5000 });
    if (isChained(database)) return database;
  } catch (error) {
    database?.close();
    if (error instanceof Database.SqliteError && !/^SQLITE_(CANTOPEN|READONLY|IOERR)/.test(error.code)) {
      throw error;
    }
    return null;
  }
  database.close();
  return null;
}

/** Without anything shared, reading the log takes a file beside it: so it is read in a copy. */
function readCopy<T>(file: string, work: (database: Database.Database) => T): T {
  const holder = holderOf(file);
  if (holder !== null) throw busy(file, holder);
  const folder = copied(file);
  try {
    const database = openDatabase(path.join(folder, 'journal.sqlite'));
    try {
      return work(database);
    } finally {
      database.close();
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** @returns a folder of its own with the journal and its log */
function copied(file: string): string {
  let full: unknown;
  for (const place of PLACES().filter((folder) => existsSync(folder))) {
    let folder: string | undefined;
    try {
      folder = mkdtempSync(path.join(place, 'spikescope-journal-'));
      copyFileSync(file, path.join(folder, 'journal.sqlite'));
      if (existsSync(`${file}-wal`)) copyFileSync(`${file}-wal`, path.join(folder, 'journal.sqlite-wal'));
      return folder;
    } catch (error) {
      if (folder !== undefined) rmSync(folder, { recursive: true, force: true });
      if (!isUnusable(error)) throw error;
      full = error;
    }
  }
  throw new SpikescopeError('JOURNAL_DISK_FULL', 'There is no room for a copy of the journal to be read in', {
    file,
    expected: `room for it in ${PLACES().join(' or ')}`,
    received: full instanceof Error ? full.message : 'no such folder',
    remedy: 'name a folder with room in the environment variable TMPDIR',
    cause: full,
  });
}

/** The fault of the place, not of the journal. */
function isUnusable(error: unknown): boolean {
  if (!(error instanceof Error) || !('code' in error) || !('syscall' in error)) return false;
  return error.code === 'ENOSPC' || error.code === 'EROFS' || error.syscall === 'mkdtemp';
}

function busy(file: string, holder: number): SpikescopeError {
  return new SpikescopeError('JOURNAL_BUSY', 'Another program holds the journal', {
    file,
    received: `process ${holder} shares nothing of it: there was no room for that when it started`,
    remedy: `free space, then start process ${holder} again, or end it`,
  });
}

/** The same fault, told of the file itself and not of its copy. */
function ofFile(fault: SpikescopeError, file: string): SpikescopeError {
  return new SpikescopeError(fault.code, fault.message, { ...fault.details, file }, fault.exitCode);
}
