/** Fingerprints of sources, by which a build knows whether it is out of date. */
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync, statSync } from 'node:fs';
import path from 'node:path';

/**
 * @param {string} place a file, or a folder with all files below it
 * @returns {string[]}
 */
function filesOf(place) {
  if (statSync(place).isFile()) return [place];
  return readdirSync(place, { withFileTypes: true, recursive: true })
    .filter((entry) => entry.isFile())
    .map((entry) => path.join(entry.parentPath ?? entry.path, entry.name))
    .sort();
}

/**
 * SHA-256 over the names and bytes of files.
 * @param {string} base what names are relative to
 * @param {readonly string[]} places files and folders below it
 * @returns {string} hexadecimal
 */
export function hashOf(base, places) {
  const hash = createHash('sha256');
  for (const file of places.flatMap((place) => filesOf(path.join(base, place)))) {
    hash.update(path.relative(base, file)).update('\0').update(readFileSync(file)).update('\0');
  }
  return hash.digest('hex');
}
