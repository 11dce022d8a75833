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

/** The file of a bundle that is given by a path, or by the name of one that ships. A file of that name goes first. */
export function modelFile(pathOrName: string): string {
  return !existsSync(pathOrName) && isShipped(pathOrName) ? shippedFile(pathOrName) : pathOrName;
}

/** Whether this is the name of a bundle that ships. */
export function isShipped(name: string): boolean {
  return shippedModels().includes(name);
}

function shippedFile(name: string): string {
  return path.join(FOLDER, `${name}${ENDING}`);
}
