/**
 * `npm test`: prepares what is missing, runs every suite, names what failed, and closes with one line that adds all up.
 * Arguments go to vitest (for example a file name); then the native suites are left out. SPIKESCOPE_ARM64=1 adds the
 * emulated one, whose tools it installs; SPIKESCOPE_TEST_IMAGE=1 an image that is built beside the other suites, and
 * started.
 */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { buildArm64 } from './build-arm64.mjs';
import { prepare } from './prepare.mjs';
import { prepareCard } from './prepare-card.mjs';
import { ensurePrograms, messageOf, run, say } from './support/programs.mjs';

const OUTCOMES = /** @type {const} */ (['passed', 'failed', 'skipped']);
const scratch = mkdtempSync(path.join(tmpdir(), 'spikescope-test-'));

/** @param {string[]} args */
function runVitest(args) {
  const report = path.join(scratch, 'vitest.json');
  const { status } = run(
    process.execPath,
    [
      'node_modules/vitest/vitest.mjs',
      'run',
      '--reporter=default',
      '--reporter=json',
      `--outputFile.json=${report}`,
      ...args,
    ],
    { stdout: 'inherit' },
  );
  try {
    const result = JSON.parse(readFileSync(report, 'utf8'));
    const { numPassedTests, numFailedTests, numPendingTests, numTodoTests, numFailedTestSuites, success } =
      result;
    // A suite that fails to load has no failed test of its own.
    const failed = numFailedTests || (success ? 0 : Math.max(1, numFailedTestSuites));
    const failures = result.testResults.flatMap(failuresOf);
    sayLongest(result.testResults);
    return { passed: numPassedTests, failed, skipped: numPendingTests + numTodoTests, status, failures };
  } catch {
    return { passed: 0, failed: 1, skipped: 0, status, failures: ['vitest wrote no report'] };
  }
}

/**
 * The files that took longest, so that it shows what fills the time of a run.
 * @param {{ name: string, startTime: number, endTime: number }[]} files
 */
function sayLongest(files) {
  const taken = files
    .map(({ name, startTime, endTime }) => ({ name, seconds: Math.round((endTime - startTime) / 1000) }))
    .filter(({ seconds }) => seconds >= 20)
    .sort((a, b) => b.seconds - a.seconds)
    .slice(0, 20)
    .map(({ name, seconds }) => `${path.relative(process.cwd(), name)} ${seconds} s`);
  if (taken.length > 0) say(`spikescope: longest: ${taken.join(', ')}`);
}

/**
 * Runs a suite and says on stderr how long it took.
 * @template T
 * @param {string} name
 * @param {() => T} suite
 */
function timed(name, suite) {
  const start = performance.now();
  const result = suite();
  say(`spikescope: ${name} took ${Math.round((performance.now() - start) / 1000)} s`);
  return result;
}

/**
 * A line for each failed test of a file, or for the file where it could not be read.
 * @param {{ name: string, status: string, message: string,
 *   assertionResults: { status: string, fullName: string, failureMessages: string[] }[] }} file
 */
function failuresOf(file) {
  const place = path.relative(process.cwd(), file.name);
  const firstLine = (/** @type {string | undefined} */ text) => text?.split('\n', 1)[0] ?? '';
  const failed = file.assertionResults.filter(({ status }) => status === 'failed');
  if (failed.length === 0 && file.status === 'failed') return [`${place}: ${firstLine(file.message)}`];
  return failed.map((test) => `${place} > ${test.fullName}: ${firstLine(test.failureMessages[0])}`);
}

/**
 * A script that ends with a line `tests: N passed, N failed, N skipped`.
 * @param {string} script
 * @param {string[]} args
 */
function runScript(script, args) {
  const { status, stdout } = run(process.execPath, [script, ...args], { stdout: 'capture' });
  process.stdout.write(stdout);
  const counts = /tests: (\d+) passed, (\d+) failed, (\d+) skipped\s*$/.exec(stdout);
  if (counts === null)
    return { passed: 0, failed: 1, skipped: 0, status, failures: [`${script} did not end`] };
  const [passed, counted, skipped] = counts.slice(1).map(Number);
  const failed = counted || (status === 0 ? 0 : 1);
  return { passed, failed, skipped, status, failures: failed > 0 ? [`${script}: ${failed}`] : [] };
}

/**
 * Has an image built meanwhile. Its addon is built first: the packages' own tests build the same one.
 * @param {string} folder
 */
async function begin(folder) {
  // It needs packages, which `prepare` has brought.
  const { beginImage, obstacle } = await import('./test-image.mjs');
  if (obstacle() !== null) return;
  try {
    buildArm64();
    process.env.SPIKESCOPE_TEST_IMAGE_PROCESS = String(beginImage(folder));
  } catch (error) {
    // The suite itself will find the same, and says it then.
    say(`spikescope: ${messageOf(error)}`);
  }
}

try {
  const args = process.argv.slice(2);
  await prepare();
  await prepareCard();
  ensurePrograms({ mosquitto: 'mosquitto' });
  const [isWhole, image] = [args.length === 0, path.join(scratch, 'image')];
  const withImage = isWhole && Boolean(process.env.SPIKESCOPE_TEST_IMAGE);
  if (withImage) await begin(image);
  /** @type {{ passed: number, failed: number, skipped: number, status: number | null, failures: string[] }[]} */
  const results = [timed('vitest', () => runVitest(args))];
  const scripts = isWhole ? [['scripts/fuzz-sanitized.mjs'], ['scripts/stress-threads.mjs']] : [];
  if (isWhole && process.env.SPIKESCOPE_ARM64) scripts.push(['scripts/test-arm64.mjs']);
  if (withImage) scripts.push(['scripts/test-image.mjs', image]);
  for (const [script, ...words] of scripts) results.push(timed(script, () => runScript(script, words)));
  const total = { passed: 0, failed: 0, skipped: 0 };
  for (const result of results) for (const key of OUTCOMES) total[key] += result[key];
  const lines = results.flatMap(({ failures }) => failures.map((failure) => `failed: ${failure}`));
  lines.push(`tests: ${total.passed} passed, ${total.failed} failed, ${total.skipped} skipped`);
  const summary = lines.map((line) => `${line}\n`).join('');
  if (process.env.SPIKESCOPE_TEST_SUMMARY) writeFileSync(process.env.SPIKESCOPE_TEST_SUMMARY, summary);
  process.stdout.write(summary);
  process.exitCode = total.failed === 0 && results.every(({ status }) => status === 0) ? 0 : 1;
} catch (error) {
  say(`spikescope: ${messageOf(error)}`);
  process.exitCode = 1;
} finally {
  rmSync(scratch, { recursive: true, force: true });
}
