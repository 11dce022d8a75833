import { mkdirSync, statSync } from 'node:fs';
import path from 'node:path';

/**
 * Makes a folder with those above it that are missing. Node's own recursive making never returns where nothing can be
 * made, such as below /proc: here the first folder that cannot be made ends it.
 * @param mode of each folder that is made
 * @throws as `mkdirSync`
 */
export function makeFolder(folder: string, mode = 0o777): void {
  const missing: string[] = [];
  let existing = path.resolve(folder);
  while (statSync(existing, { throwIfNoEntry: false }) === undefined && path.dirname(existing) !== existing) {
    missing.push(existing);
    existing = path.dirname(existing);
  }
  if (!statSync(existing).isDirectory()) throw notAFolder(existing);
  for (const each of missing.reverse()) makeOne(each, mode);
}

/** Another process may have made it meanwhile. */
function makeOne(folder: string, mode: number): void {
  try {
    mkdirSync(folder, { mode });
  } catch (error) {
    if (!statSync(folder, { throwIfNoEntry: false })?.isDirectory()) throw error;
  }
}

function notAFolder(file: string): Error {
  return Object.assign(new Error(`ENOTDIR: not a directory, '${file}'`), { code: 'ENOTDIR', path: file });
}
