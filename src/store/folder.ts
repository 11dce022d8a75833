import { accessSync, constants, mkdirSync } from 'node:fs';
import { homedir } from 'node:os';
import path from 'node:path';
import { SpikescopeError } from '../errors.ts';

/** Where a device keeps what must survive: `XDG_STATE_HOME`/spikescope, else ~/.local/state/spikescope. */
export function defaultDataFolder(environment: NodeJS.ProcessEnv = process.env): string {
  const state = environment.XDG_STATE_HOME;
  // The XDG specification has relative values ignored.
  const base = state && path.isAbsolute(state) ? state : path.join(homedir(), '.local/state');
  return path.join(base, 'spikescope');
}

/**
 * Makes sure that the data folder exists, readable by its owner alone, and can be written.
 * @throws SpikescopeError `DATA_FOLDER`
 */
export function prepareDataFolder(folder: string): void {
  try {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    accessSync(folder, constants.R_OK | constants.W_OK | constants.X_OK);
  } catch (cause) {
    throw new SpikescopeError('DATA_FOLDER', 'The data folder cannot be used', {
      file: folder,
      expected: 'a folder that can be written',
      received: cause instanceof Error ? cause.message : String(cause),
      remedy: 'give another folder with --data, or change its permissions',
      cause,
    });
  }
}
