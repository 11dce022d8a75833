/**
 * Asks npm whether the packages that a device installs bear their registry's signatures. Where the registry offers none, or
 * what signs its keys is out of reach, that is said: it is no verdict. The last line on stdout is
 * `tests: N passed, N failed, N skipped`.
 */
import { spawnSync } from 'node:child_process';
import { root } from './support/programs.mjs';

/** @typedef {{ invalid?: unknown[], missing?: unknown[], error?: { code?: string, summary?: string } }} Audit */

const { status, stdout } = spawnSync('npm', ['audit', 'signatures', '--omit=dev', '--json'], {
  cwd: root,
  encoding: 'utf8',
});

/** @returns {Audit} */
function audit() {
  try {
    return JSON.parse(stdout);
  } catch {
    return { error: { code: 'no answer' } };
  }
}

const { invalid = [], missing = [], error } = audit();
const bad = [...invalid, ...missing];
const outcome = error !== undefined ? 'skipped' : status === 0 && bad.length === 0 ? 'passed' : 'failed';
const words = {
  passed: 'all bear a signature that holds',
  failed: `${invalid.length} signatures do not hold, ${missing.length} are missing`,
  skipped: `not offered here (${error?.code ?? error?.summary ?? 'no answer'})`,
};
process.stdout.write(`signatures of npm packages: ${words[outcome]}\n`);
for (const one of bad) process.stdout.write(`  ${JSON.stringify(one)}\n`);
const count = (/** @type {string} */ name) => (outcome === name ? 1 : 0);
process.stdout.write(
  `tests: ${count('passed')} passed, ${count('failed')} failed, ${count('skipped')} skipped\n`,
);
process.exitCode = outcome === 'failed' ? 1 : 0;
