import { readFileSync, statSync } from 'node:fs';
import path from 'node:path';
import Database from 'better-sqlite3';
import { SpikescopeError } from '../errors.ts';
import { createPrivate } from './folder.ts';
import { journalFault } from './journal-fault.ts';

/** Milliseconds that a process which is about to end is waited for. */
const PATIENCE = 1000;

/** Held while this process owns a data folder. */
export interface Ownership {
  release(): void;
}

/**
 * Makes this process the only owner of a data folder: the system's own lock on an empty file, which ends with the process
 * however that ends, and needs no room on the disk.
 * @throws SpikescopeError `DATA_FOLDER_IN_USE` while another process owns it
 */
export function ownDataFolder(folder: string): Ownership {
  const file = fileOf(folder);
  let lock: Database.Database | undefined;
  try {
    createPrivate(file);
    lock = new Database(file, { timeout: PATIENCE });
    // Nothing is ever written into it: no file is needed to roll that back.
    lock.pragma('journal_mode = MEMORY');
    lock.exec('BEGIN EXCLUSIVE');
    const held = lock;
    return { release: () => void held.close() };
  } catch (cause) {
    lock?.close();
    const isHeld = cause instanceof Database.SqliteError && cause.code.startsWith('SQLITE_BUSY');
    throw isHeld ? inUse(folder, file) : journalFault(cause, file);
  }
}

/** Whether a process owns a folder now, as far as the kernel says; asking disturbs nobody. */
export function isOwned(folder: string): boolean {
  return holderOf(fileOf(folder)) !== null;
}

function fileOf(folder: string): string {
  return path.join(folder, 'owner.lock');
}

function inUse(folder: string, file: string): SpikescopeError {
  const holder = holderOf(file);
  const process = holder === null ? 'another process' : `process ${holder}`;
  return new SpikescopeError('DATA_FOLDER_IN_USE', 'Another spikescope works in this data folder', {
    file: folder,
    expected: 'one process in a data folder at a time',
    received: `${process} holds it`,
    remedy: `end ${process}, or give another folder with --data`,
  });
}

/** Which process keeps others from reading and writing a file, as the kernel has it; null where it does not say. */
export function holderOf(file: string): number | null {
  try {
    const place = placeOf(file);
    for (const line of readFileSync('/proc/locks', 'utf8').split('\n')) {
      // "1: POSIX  ADVISORY  WRITE 4711 fe:00:15343629 1073741824 1073742335"
      const [, , , kind, pid, where] = line.trim().split(/\s+/);
      if (kind === 'WRITE' && where === place && Number(pid) > 0) return Number(pid);
    }
    return null;
  } catch {
    return null;
  }
}

/** Device and inode as the kernel writes them. */
function placeOf(file: string): string {
  const { dev, ino } = statSync(file, { bigint: true });
  const major = ((dev >> 8n) & 0xfffn) | ((dev >> 32n) & 0xfffff000n);
  const minor = (dev & 0xffn) | ((dev >> 12n) & 0xffffff00n);
  return `${[major, minor].map((part) => part.toString(16).padStart(2, '0')).join(':')}:${ino}`;
}
