/** The bundles that ship with the package, in `models/`; wherever a bundle is named, their names serve too. */
import { existsSync, readdirSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const FOLDER = fileURLToPath(new URL('../../../models/', import.meta.url));
const ENDING = '.spikescope';

/** The bundle that serves when none is named: the best one on validation that keeps within the latency budget. */
export const DEFAULT_MODEL = shippedFile('qana64');

/** Their names, for example `qana64`. */
export function shippedModels(): string[] {
  return readdirSync(FOLDER)
    .filter((name) => name.endsWith(ENDING))
    .map((name) => name.slice(0, -ENDING.length))
    .sort();
}

/**
 * The file of a bundle that is given by its path, or by the name of one that ships. A file that is there goes first.
 * @param name as it was given, where it has been made a path already
 */
export function modelFile(file: string, name = file): string {
  const isName = path.basename(name) === name;
  return isName && !existsSync(file) && existsSync(shippedFile(name)) ? shippedFile(name) : file;
}

function shippedFile(name: string): string {
  return path.join(FOLDER, `${name}${ENDING}`);
}
