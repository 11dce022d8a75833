/**
 * Builds the addon with address and undefined-behaviour sanitizers and fuzzes it: graphs and images against the
 * interpreter, and the loader with mutations of the bundles in test/corpus. The last line on stdout is
 * `tests: N passed, N failed, N skipped`; exits with 1 on any finding.
 *
 *   node scripts/fuzz-sanitized.mjs [--graphs N] [--inputs N] [--bundles N] [--answers N] [--workers N]
 *   node scripts/fuzz-sanitized.mjs --minutes N               the loader alone, for so long
 *   node scripts/fuzz-sanitized.mjs --without-sanitizers …    the addon as it is released, several times as fast
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { engineOrNull } from './akida-engine.mjs';
import { buildNative } from './build-native.mjs';
import { compileCard } from './prepare-card.mjs';
import { compileTests, finish, runCompiled, runtimesOf } from './sanitized.mjs';

const NUMBERS = ['graphs', 'inputs', 'bundles', 'answers', 'workers', 'minutes'];

function sanitizers() {
  return {
    LD_PRELOAD: runtimesOf(['asan', 'ubsan']),
    ASAN_OPTIONS: 'detect_leaks=0:halt_on_error=1:abort_on_error=0',
    UBSAN_OPTIONS: 'halt_on_error=1:print_stacktrace=1',
  };
}

/** The numbers as variables of the environment. */
function readOptions() {
  const numbers = Object.fromEntries(
    NUMBERS.map((name) => [name, { type: /** @type {const} */ ('string') }]),
  );
  const { values } = parseArgs({ options: { ...numbers, 'without-sanitizers': { type: 'boolean' } } });
  const { 'without-sanitizers': isPlain = false, ...given } = values;
  for (const [name, text] of Object.entries(given)) {
    if (!(Number(text) > 0)) throw new Error(`--${name} takes a number above 0, not ${text}`);
  }
  const named = Object.entries(given).map(([name, text]) => [`SPIKESCOPE_FUZZ_${name.toUpperCase()}`, text]);
  return { environment: Object.fromEntries(named), isPlain };
}

await finish(async () => {
  const { environment, isPlain } = readOptions();
  const engine = isPlain ? null : await engineOrNull();
  const addon = buildNative({ sanitize: !isPlain, ...(engine !== null && { engine }) });
  compileTests();
  if (engine !== null) compileCard();
  const trace = mkdtempSync(path.join(tmpdir(), 'spikescope-fuzz-'));
  const status = runCompiled('sanitized-fuzz', {
    ...environment,
    SPIKESCOPE_FUZZ_TRACE: trace,
    SPIKESCOPE_ADDON: addon,
    ...(!isPlain && sanitizers()),
  });
  if (status === 0) rmSync(trace, { recursive: true, force: true });
  else process.stderr.write(`spikescope: the last bundle of each thread lies in ${trace}\n`);
  return status;
});
