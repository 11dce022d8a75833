import { accessSync, constants, existsSync } from 'node:fs';
import { open, rm } from 'node:fs/promises';
import path from 'node:path';
import { reasonOf, SpikescopeError, systemCodeOf } from '../../errors.ts';
import { DEFAULT_CAPACITY, storageState } from '../../store/capacity.ts';
import { verifyJournalFile } from '../../store/inspect.ts';
import { counted } from '../../ui/terminal/layout.ts';
import type { Check, Finding } from './check.ts';

/** The data folder takes a write that lasts, has room, and its journal's chain holds. */
export const checkStorage: Check = async ({ dataFolder }) => {
  const journal = path.join(dataFolder, 'journal.sqlite');
  try {
    if (!existsSync(dataFolder)) return notThereYet(dataFolder);
    await writeAndSync(path.join(dataFolder, '.doctor'));
    const { level, headroom } = storageState(journal, DEFAULT_CAPACITY);
    const detail = `${Math.floor(headroom / 2 ** 20)} MiB for results in ${dataFolder}; ${journalDetail(journal)}`;
    if (level === 'ample') return { part: 'storage', state: 'works', detail };
    return { part: 'storage', state: 'broken', detail, remedy: 'free space on this disk' };
  } catch (error) {
    return {
      part: 'storage',
      state: 'broken',
      detail: error instanceof SpikescopeError ? faultWords(error) : `${dataFolder}: ${advice(error)}`,
      remedy:
        (error instanceof SpikescopeError && error.details.remedy) ||
        'choose a folder that can be written: --data',
    };
  }
};

/** Nothing is made here: what root makes, the service could not write to. */
function notThereYet(dataFolder: string): Finding {
  let existing = dataFolder;
  while (!existsSync(existing)) existing = path.dirname(existing);
  try {
    accessSync(existing, constants.W_OK | constants.X_OK);
    return {
      part: 'storage',
      state: 'unknown',
      detail: `${dataFolder} is not there yet; no journal`,
      remedy: 'the first run makes it; give --data when results lie elsewhere',
    };
  } catch {
    return {
      part: 'storage',
      state: 'broken',
      detail: `${dataFolder} is not there, and cannot be made in ${existing}`,
      remedy: 'choose a folder that can be written: --data',
    };
  }
}

/** Without the remedy, which a finding shows by itself. */
function faultWords({ message, details, code }: SpikescopeError): string {
  return `${message}${details.received ? `: ${details.received}` : ''} [${code}]`;
}

function advice(error: unknown): string {
  switch (systemCodeOf(error)) {
    case 'EACCES':
    case 'EPERM':
      return 'this user may not write there; the service may: try sudo';
    case 'EROFS':
      return 'it is mounted read-only';
    case 'ENOSPC':
      return 'no space is left';
    case 'ENOTDIR':
      return 'it is not a folder';
    default:
      return reasonOf(error);
  }
}

async function writeAndSync(file: string): Promise<void> {
  const handle = await open(file, 'w');
  try {
    await handle.write('x');
    await handle.sync();
  } finally {
    await handle.close();
    await rm(file, { force: true });
  }
}

/** @throws SpikescopeError `JOURNAL_*` when the journal cannot be opened, `JOURNAL_BROKEN` when its chain is */
function journalDetail(file: string): string {
  if (!existsSync(file)) return 'no journal yet';
  const verification = verifyJournalFile(file);
  if (verification.sound)
    return `a journal of ${counted(verification.records, 'record')}, its chain unbroken`;
  throw new SpikescopeError('JOURNAL_BROKEN', 'The journal was changed or damaged', {
    file,
    received: `record ${verification.sequence} ${verification.problem}`,
    remedy: 'nothing: the next run keeps it under another name, and begins a new one',
  });
}
