/**
 * Tests the NEON kernels without an ARM processor: the addon is cross-built and runs on arm64 Node in an emulator, which
 * stands for a Cortex-A76 (dot product, as in a Raspberry Pi 5) and for a Cortex-A72 (none, as in a Raspberry Pi 4).
 * What the interpreter says is computed on the machine itself. The last line on stdout is
 * `tests: N passed, N failed, N skipped`.
 *
 *   node scripts/test-arm64.mjs [--sanitize]    with undefined-behaviour checks in the emulated addon
 *
 * SPIKESCOPE_ARM64_GRAPHS: how many random graphs (500).
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { buildArm64, ensureArm64Node, ensureArm64Tools, SYSTEM_ROOT } from './build-arm64.mjs';
import { buildNative } from './build-native.mjs';
import { execute, messageOf, root, run } from './support/programs.mjs';

const GRAPHS = Number(process.env.SPIKESCOPE_ARM64_GRAPHS ?? 500);
/** Graphs of one round: with all their tensors they lie in memory at once. */
const ROUND = 500;
const PROCESSORS = [
  { cpu: 'cortex-a76', sets: 'scalar,neon,neondot' },
  { cpu: 'cortex-a72', sets: 'scalar,neon' },
];
/** Ends normally where the processor has the dot product, else by a signal. */
const DOT_PRODUCT_PROGRAM =
  'int main() { __asm__(".arch armv8.2-a+dotprod\\n\\tsdot v0.4s, v1.16b, v2.16b"); }\n';

const OUTCOMES = /** @type {const} */ (['passed', 'failed', 'skipped']);
const total = { passed: 0, failed: 0, skipped: 0 };

/**
 * @param {keyof typeof total} outcome
 * @param {string} name
 */
function report(outcome, name) {
  total[outcome]++;
  const mark = { passed: 'ok    ', failed: 'FAILED', skipped: 'skipped' }[outcome];
  process.stdout.write(`${mark} ${name}\n`);
}

/**
 * @param {string} cpu
 * @param {readonly string[]} args
 * @param {import('./support/programs.mjs').RunOptions} [options]
 */
function emulate(cpu, args, options) {
  return run('qemu-aarch64-static', ['-cpu', cpu, '-L', SYSTEM_ROOT, ...args], {
    stdout: 'capture',
    ...options,
  });
}

/**
 * Whether a dot product executed by mistake would be noticed.
 * @param {string} folder
 */
function testTraps(folder) {
  const [source, program] = [path.join(folder, 'dot.c'), path.join(folder, 'dot')];
  writeFileSync(source, DOT_PRODUCT_PROGRAM);
  execute('aarch64-linux-gnu-gcc', ['-static', '-o', program, source]);
  for (const { cpu, sets } of PROCESSORS) {
    const expected = sets.includes('neondot') ? 'runs' : 'stops at';
    const { status } = emulate(cpu, [program], { stderr: 'ignore' });
    report(
      (status === 0 ? 'runs' : 'stops at') === expected ? 'passed' : 'failed',
      `${cpu} ${expected} a dot product`,
    );
  }
}

/**
 * @param {string} cpu
 * @param {string} sets
 * @param {string} cases
 * @param {string} addon
 * @param {string} javascript
 */
function replay(cpu, sets, cases, addon, javascript) {
  const node = path.join(ensureArm64Node(), 'bin/node');
  const script = path.join(javascript, 'arm64-replay.js');
  const { status, stdout } = emulate(cpu, [node, script, cases, cpu, sets], {
    env: { SPIKESCOPE_ADDON: addon, UBSAN_OPTIONS: 'halt_on_error=1:print_stacktrace=1' },
  });
  const counts = /tests: (\d+) passed, (\d+) failed, (\d+) skipped\s*$/.exec(stdout);
  process.stdout.write(counts === null ? stdout : stdout.slice(0, counts.index));
  if (counts === null) {
    report('failed', `the tests on ${cpu} end before their end (${status})`);
    return;
  }
  for (const [i, key] of OUTCOMES.entries()) total[key] += Number(counts[i + 1]);
}

/** @param {string} folder */
function testAll(folder) {
  const sanitize = process.argv.includes('--sanitize');
  const addon = buildArm64({ sanitize });
  testTraps(folder);
  execute(path.join(root, 'node_modules/.bin/tsc'), ['-p', 'test/native/tsconfig.arm64.json']);
  const javascript = path.join(root, 'native/akida-m2/build-arm64/javascript/test/native');
  const cases = path.join(folder, 'cases');
  const env = { SPIKESCOPE_ADDON: buildNative() };
  for (let first = 0; first < GRAPHS; first += ROUND) {
    const graphs = Math.min(ROUND, GRAPHS - first);
    const writer = [path.join(javascript, 'arm64-cases.js'), cases, String(graphs), String(first)];
    execute(process.execPath, writer, { env });
    for (const { cpu, sets } of PROCESSORS) replay(cpu, sets, cases, addon, javascript);
  }
}

const scratch = mkdtempSync(path.join(tmpdir(), 'spikescope-arm64-'));
const started = performance.now();
try {
  const missing = ensureArm64Tools();
  if (missing.length > 0) {
    for (const { cpu } of PROCESSORS)
      report('skipped', `NEON kernels on ${cpu}: ${missing.join(' and ')} missing`);
  } else {
    testAll(scratch);
  }
} catch (error) {
  report('failed', `arm64: ${messageOf(error)}`);
} finally {
  rmSync(scratch, { recursive: true, force: true });
}
process.stdout.write(`arm64: ${((performance.now() - started) / 1000).toFixed(0)} s\n`);
process.stdout.write(`tests: ${total.passed} passed, ${total.failed} failed, ${total.skipped} skipped\n`);
process.exitCode = total.failed === 0 ? 0 : 1;
