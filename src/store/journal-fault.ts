import { statfsSync } from 'node:fs';
import path from 'node:path';
import Database from 'better-sqlite3';
import { SpikescopeError } from '../errors.ts';

interface Fault {
  readonly code: string;
  readonly message: string;
  readonly remedy: string;
}

const SET_ASIDE = 'keep the file for recovery, move it away, and start again';

/** SQLite's result codes by prefix, most specific first. */
const FAULTS: readonly [prefix: string, fault: Fault][] = [
  [
    'SQLITE_NOTADB',
    { code: 'JOURNAL_NOT_A_DATABASE', message: 'The journal is not a database', remedy: SET_ASIDE },
  ],
  ['SQLITE_CORRUPT', { code: 'JOURNAL_DAMAGED', message: 'The journal is damaged', remedy: SET_ASIDE }],
  [
    'SQLITE_FULL',
    { code: 'JOURNAL_DISK_FULL', message: 'No space is left for the journal', remedy: 'free space' },
  ],
  [
    'SQLITE_READONLY',
    {
      code: 'JOURNAL_NOT_WRITABLE',
      message: 'The journal cannot be written',
      remedy: 'change its permissions, or give another folder with --data',
    },
  ],
  [
    'SQLITE_CANTOPEN',
    {
      code: 'JOURNAL_NOT_WRITABLE',
      message: 'The journal cannot be opened',
      remedy: 'check that its folder exists and can be written, or give another with --data',
    },
  ],
  [
    'SQLITE_BUSY',
    {
      code: 'JOURNAL_BUSY',
      message: 'Another program holds the journal',
      remedy: 'end that program, or give another folder with --data',
    },
  ],
  ['SQLITE_IOERR', { code: 'JOURNAL_STORAGE', message: 'The storage failed', remedy: 'check the medium' }],
];

/** The project's error for one of SQLite's. */
export function journalFault(cause: unknown, file: string): SpikescopeError {
  if (cause instanceof SpikescopeError) return cause;
  const sqlite = sqliteCodeOf(cause, file);
  const known = FAULTS.find(([prefix]) => sqlite.startsWith(prefix))?.[1];
  return new SpikescopeError(known?.code ?? 'JOURNAL_FAILED', known?.message ?? 'The journal failed', {
    file,
    received: cause instanceof Error ? `${cause.message}${sqlite && ` (${sqlite})`}` : String(cause),
    remedy: known?.remedy ?? 'check the medium, or give another folder with --data',
    cause,
  });
}

/** Whether nothing fits any more onto the disk of a file; false where that cannot be asked. */
function isDiskFull(file: string): boolean {
  try {
    return statfsSync(path.dirname(file)).bavail === 0;
  } catch {
    return false;
  }
}

function sqliteCodeOf(cause: unknown, file: string): string {
  if (cause instanceof Database.SqliteError) {
    // SQLite knows a full disk by its name only when it writes a file, not when it makes or lengthens one.
    const mayBeSpace = /^SQLITE_(IOERR|CANTOPEN)/.test(cause.code);
    return mayBeSpace && isDiskFull(file) ? 'SQLITE_FULL' : cause.code;
  }
  // better-sqlite3 looks for the folder itself before it asks SQLite.
  return cause instanceof TypeError && cause.message.includes('directory') ? 'SQLITE_CANTOPEN' : '';
}
