/**
 * Builds the addon with the thread sanitizer and works its thread pool hard: batches, several engines at once, closing while
 * busy, worker threads that are ended in the middle. Node itself is not built with the sanitizer, which therefore
 * misses some of Node's own locking and complains about it; only reports with the addon in one of their stacks count.
 * A planted race, in a small addon of its own, shows that one would be noticed. The last line on stdout is
 * `tests: N passed, N failed, N skipped`.
 */
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { compilerOf } from './build-addon.mjs';
import { buildNative } from './build-native.mjs';
import { compileTests, finish, runCompiled, runtimesOf } from './sanitized.mjs';
import { execute, root } from './support/programs.mjs';
import { isAboutAddon } from './support/thread-reports.mjs';

const SEPARATOR = '==================';
/**
 * Reports of the sanitizer by whether the addon is in one of their stacks.
 * @param {string} folder
 */
function reportsIn(folder) {
  const reports = readdirSync(folder)
    .filter((name) => name.startsWith('report.'))
    .flatMap((name) => readFileSync(path.join(folder, name), 'utf8').split(SEPARATOR))
    .filter((text) => text.includes('WARNING: ThreadSanitizer'));
  const own = reports.filter(isAboutAddon);
  return { own, foreign: reports.length - own.length };
}

/**
 * Runs the stress, or with an addon to load only that, and returns its exit status and the reports.
 * @param {string} scratch
 * @param {string} addon
 * @param {string} [planted]
 */
function underSanitizer(scratch, addon, planted) {
  const folder = mkdtempSync(path.join(scratch, 'run-'));
  const status = runCompiled(
    'thread-stress',
    {
      SPIKESCOPE_ADDON: addon,
      LD_PRELOAD: runtimesOf(['tsan']),
      TSAN_OPTIONS: `log_path=${path.join(folder, 'report')}:exitcode=0:history_size=4`,
    },
    planted === undefined ? [] : [planted],
  );
  return { status, ...reportsIn(folder) };
}

/** @param {string} scratch */
function buildPlanted(scratch) {
  const planted = path.join(scratch, 'spikescope-planted.node');
  const source = path.join(root, 'test/native/planted-race.cpp');
  const flags = ['-std=c++17', '-O1', '-g1', '-fPIC', '-shared', '-fsanitize=thread'];
  const [compiler, ...args] = compilerOf({});
  execute(compiler, [...args, ...flags, source, '-o', planted]);
  return planted;
}

const scratch = mkdtempSync(path.join(tmpdir(), 'spikescope-threads-'));
const started = performance.now();
await finish(async () => {
  const addon = buildNative({ threads: true });
  compileTests();
  const planted = underSanitizer(scratch, addon, buildPlanted(scratch));
  const stress = underSanitizer(scratch, addon);
  for (const report of stress.own) process.stdout.write(`${report}\n`);
  /** @type {[boolean, string][]} */
  const outcomes = [
    [planted.status === 0 && planted.own.length > 0, 'a planted race is noticed'],
    [stress.status === 0, 'the thread pool under stress: right results'],
    [
      stress.own.length === 0,
      `the thread pool under stress: no race (${stress.foreign} reports about Node alone)`,
    ],
  ];
  for (const [isRight, name] of outcomes) process.stdout.write(`${isRight ? 'ok    ' : 'FAILED'} ${name}\n`);
  const failed = outcomes.filter(([isRight]) => !isRight).length;
  process.stdout.write(`thread sanitizer: ${((performance.now() - started) / 1000).toFixed(0)} s\n`);
  process.stdout.write(`tests: ${outcomes.length - failed} passed, ${failed} failed, 0 skipped\n`);
  return failed === 0 ? 0 : 1;
});
rmSync(scratch, { recursive: true, force: true });
