/** Where a command writes: looked at before the work begins, so that hours of it do not end at a wrong path. */
import { accessSync, constants, statSync } from 'node:fs';
import path from 'node:path';
import { reasonOf, SpikescopeError } from '../../errors.ts';
import { makeFolder } from '../../make-folder.ts';

/** Where reports go unless told otherwise; made where it is missing. */
const USUAL_FOLDER = 'reports';

/**
 * A file that was asked for by name goes into the usual folder, or into one that is there: one that is made for a mistyped
 * path would hide the mistake.
 * @throws SpikescopeError `OUT_UNWRITABLE`
 */
export function requireWritable(file: string, option: string): void {
  try {
    if (statSync(file, { throwIfNoEntry: false })?.isDirectory()) throw new Error('a folder');
    const folder = path.dirname(path.resolve(file));
    if (folder === path.resolve(USUAL_FOLDER)) makeFolder(folder);
    if (!statSync(folder).isDirectory()) throw new Error(`${folder} is not a folder`);
    accessSync(folder, constants.W_OK | constants.X_OK);
  } catch (cause) {
    throw unwritable('The file cannot be written', file, option, 'a file in an existing folder', cause);
  }
}

/** Makes a folder that a command fills. @throws SpikescopeError `OUT_UNWRITABLE` */
export function makeOutputFolder(folder: string, option: string): void {
  try {
    makeFolder(folder);
    accessSync(folder, constants.W_OK | constants.X_OK);
  } catch (cause) {
    throw unwritable('The folder cannot be used', folder, option, 'a folder', cause);
  }
}

/**
 * Where a report goes. The usual folder is made; the one of a name that was asked for must be there.
 * @returns null when none is wanted
 * @throws SpikescopeError `OUT_UNWRITABLE`
 */
export function reportFile(
  wanted: string | false | undefined,
  usual: string,
  option = '--html',
): string | null {
  if (wanted === false) return null;
  if (wanted === undefined) makeOutputFolder(path.dirname(usual), option);
  requireWritable(wanted ?? usual, option);
  return wanted ?? usual;
}

function unwritable(
  message: string,
  file: string,
  option: string,
  what: string,
  cause: unknown,
): SpikescopeError {
  return new SpikescopeError('OUT_UNWRITABLE', message, {
    file,
    received: reasonOf(cause),
    remedy: `give ${what} that you may write to with ${option}`,
    cause,
  });
}
