import {
  accessSync,
  chmodSync,
  closeSync,
  constants,
  lstatSync,
  openSync,
  readdirSync,
  statSync,
} from 'node:fs';
import { homedir } from 'node:os';
import path from 'node:path';
import { reasonOf, SpikescopeError } from '../errors.ts';
import { makeFolder } from '../make-folder.ts';

/** Where a device keeps what must survive: `XDG_STATE_HOME`/spikescope, else ~/.local/state/spikescope. */
export function defaultDataFolder(environment: NodeJS.ProcessEnv = process.env): string {
  const state = environment.XDG_STATE_HOME;
  // The XDG specification has relative values ignored.
  const base = state && path.isAbsolute(state) ? state : path.join(homedir(), '.local/state');
  return path.join(base, 'spikescope');
}

/** Names of what a device keeps in its data folder. */
const OURS = /^(journal\.|owner\.|device\.json|head|updates$|lost\+found$)|spikescope/;

/**
 * Makes sure that the data folder exists and can be written, and that its owner alone can read what is in it, also where
 * it was made before. A folder in which other things lie too keeps its own permissions.
 * @throws SpikescopeError `DATA_FOLDER`
 */
export function prepareDataFolder(folder: string): void {
  try {
    makeFolder(folder, 0o700);
    accessSync(folder, constants.R_OK | constants.W_OK | constants.X_OK);
    closeToOthers(folder);
  } catch (cause) {
    throw new SpikescopeError('DATA_FOLDER', 'The data folder cannot be used', {
      file: folder,
      expected: 'a folder that can be written',
      received: reasonOf(cause),
      remedy: 'give another folder with --data, or change its permissions',
      cause,
    });
  }
}

function closeToOthers(folder: string): void {
  const names = readdirSync(folder);
  const ours = names.filter((name) => OURS.test(name));
  if (ours.length === names.length) narrow(folder, 0o700);
  for (const name of ours) {
    const file = path.join(folder, name);
    // A link is left alone: what it leads to may be anybody's.
    if (lstatSync(file, { throwIfNoEntry: false })?.isFile()) narrow(file, 0o600);
  }
}

/** Takes rights of others away; only the file's owner, or root, can. */
function narrow(file: string, mode: number): void {
  const { mode: present, uid } = statSync(file);
  const user = process.getuid?.() ?? uid;
  if ((present & 0o077) !== 0 && (user === uid || user === 0)) chmodSync(file, mode);
}

/**
 * Makes an empty file that its owner alone can read, where there is none; SQLite gives the files beside it the same
 * permissions. One that is there is not even opened: closing it again would end the locks that this process has on it.
 */
export function createPrivate(file: string): void {
  try {
    closeSync(openSync(file, constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL, 0o600));
  } catch {
    // It is there, or whoever opens it now says what is wrong.
  }
}
