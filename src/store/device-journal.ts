import { statSync } from 'node:fs';
import path from 'node:path';
import type Database from 'better-sqlite3';
import { SpikescopeError } from '../errors.ts';
import { beginAnew, finishBeginning, isBeginningAfter } from './chain-break.ts';
import type { ChainBreak } from './first-break.ts';
import { HeadFile } from './head-file.ts';
import { openUnchanged } from './inspect.ts';
import { Journal, type JournalOptions } from './journal.ts';
import { isChained, isEmpty } from './journal-schema.ts';
import { type ChainHead, isDamage, verifyChain } from './verify.ts';

/** Records at the end of the chain that are looked at when a device starts; `journal verify` looks at all. */
const LOOKED_AT = 100_000;

export interface DeviceJournal {
  readonly journal: Journal;
  /** Why the chain begins anew; null where it goes on. */
  readonly fault: SpikescopeError | null;
}

/**
 * Opens the journal of a data folder for the process that owns it (`ownDataFolder`). A journal from which something is
 * missing, or whose chain is broken, is not written on: it is moved aside and kept, and a new chain begins with a record
 * that says so. What waited in it to be sent is taken along.
 * @throws SpikescopeError as `Journal.open`
 */
export function openDeviceJournal(folder: string, options: JournalOptions = {}): DeviceJournal {
  const file = path.join(folder, 'journal.sqlite');
  finishBeginning(file);
  const kept = HeadFile.read(file);
  const problem = problemOf(file, kept);
  const broken = problem === null ? null : beginAnew(file, kept, problem);
  const headFile = new HeadFile(file);
  const journal = Journal.open(file, { ...options, headFile });
  keepHead(headFile, journal, kept);
  return { journal, fault: broken && faultOf(file, kept, broken) };
}

/** Opens it once more, as the same process has opened it before: what was looked at then is not looked at again. */
export function reopenDeviceJournal(folder: string, options: JournalOptions = {}): Journal {
  const file = path.join(folder, 'journal.sqlite');
  return Journal.open(file, { ...options, headFile: new HeadFile(file) });
}

/** What is wrong with the journal that a device finds; null where nothing is, or where opening it will tell. */
function problemOf(file: string, kept: ChainHead | null): string | null {
  const isMissed = kept !== null && kept.sequence > 0;
  // With an empty file SQLite would throw the log away that lies beside it.
  if ((statSync(file, { throwIfNoEntry: false })?.size ?? 0) === 0) {
    return isMissed ? 'the journal is gone or empty' : null;
  }
  let database: Database.Database | undefined;
  try {
    database = openUnchanged(file);
    if (isEmpty(database)) return isMissed ? 'the journal is empty' : null;
    if (!isChained(database) || isBeginningAfter(database, kept)) return null;
    const after = Math.max(0, Math.min(lengthOf(database), kept?.sequence ?? Infinity) - LOOKED_AT);
    const chain = verifyChain(database, kept === null ? [] : [kept], after);
    return chain.sound ? null : `record ${chain.sequence} ${chain.problem}`;
  } catch (error) {
    // Without a head beside it, it may be a file of somebody else's.
    return isMissed && isDamage(error) ? `the journal cannot be read: ${String(error)}` : null;
  } finally {
    database?.close();
  }
}

function lengthOf(database: Database.Database): number {
  return Number(database.prepare('SELECT max(sequence) FROM records').pluck().get() ?? 0);
}

/** The head beside the journal follows it; where there is none yet, or one of another chain, it is made anew. */
function keepHead(headFile: HeadFile, journal: Journal, kept: ChainHead | null): void {
  const head = journal.head();
  if (kept !== null && isIn(journal, kept)) {
    if (kept.sequence < head.sequence) headFile.note(head);
    return;
  }
  try {
    headFile.reset(head);
  } catch {
    // There is no room for it: the next start tries again.
  }
}

function isIn(journal: Journal, { sequence, digest }: ChainHead): boolean {
  if (sequence === 0) return journal.head().sequence === 0;
  for (const record of journal.records(sequence - 1)) {
    return record.sequence === sequence && Buffer.from(record.digest).toString('hex') === digest;
  }
  return false;
}

function faultOf(file: string, kept: ChainHead | null, broken: ChainBreak): SpikescopeError {
  const { problem, missing, keptAs, carriedOver } = broken;
  const aside = keptAs === null ? '' : `it is kept as ${keptAs}; `;
  return new SpikescopeError('JOURNAL_BROKEN', 'The journal is not what this device left', {
    file,
    expected: kept === null ? 'an unbroken chain' : `the chain up to record ${kept.sequence}`,
    received: `${problem}; records missing: ${missing}`,
    remedy:
      `${aside}compare it with what receivers have. A new chain has begun, and what waited to be sent ` +
      `was taken along: ${carriedOver}`,
  });
}
