/** The npm package has the same bytes wherever and whenever it is packed of the same files, under whatever rights. */
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { compiled } from '../support/compiled.ts';

let folder: string;
beforeAll(() => {
  compiled('cli/main.js');
  folder = mkdtempSync(path.join(tmpdir(), 'reproducible-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** @returns the file of the package */
function pack(from: string, name: string): string {
  const to = path.join(folder, name);
  mkdirSync(to);
  const args = ['pack', '--silent', '--ignore-scripts', '--pack-destination', to];
  execFileSync('npm', args, { cwd: from, stdio: ['ignore', 'ignore', 2] });
  return path.join(to, readdirSync(to)[0]);
}

const digest = (file: string) => createHash('sha256').update(readFileSync(file)).digest('hex');

it('is the same from another folder, of another time and other rights, and not of other content', () => {
  const first = pack('.', 'first');
  execFileSync('tar', ['-xzf', first, '-C', folder]);
  const copy = path.join(folder, 'package');
  for (const entry of readdirSync(copy, { recursive: true, withFileTypes: true })) {
    const file = path.join(entry.parentPath, entry.name);
    utimesSync(file, 1_500_000_000, 1_500_000_000);
    chmodSync(file, statSync(file).mode | 0o020);
  }
  expect(digest(pack(copy, 'second'))).toBe(digest(first));
  writeFileSync(path.join(copy, 'NOTICE'), 'another');
  expect(digest(pack(copy, 'third'))).not.toBe(digest(first));
});
