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
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { buildArm64, ensureArm64Node, ensureArm64Tools, SYSTEM_ROOT } from './build-arm64.mjs';
import { buildNative } from './build-native.mjs';

const root = fileURLToPath(new URL('..', import.meta.url));
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

const total = { passed: 0, failed: 0, skipped: 0 };

function report(outcome, name) {
  total[outcome]++;
  const mark = { passed: 'ok    ', failed: 'FAILED', skipped: 'skipped' }[outcome];
  process.stdout.write(`${mark} ${name}\n`);
}

function execute(command, args, options = {}) {
  const { status, signal, stdout, error } = spawnSync(command, args, {
    cwd: root,
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'inherit'],
    maxBuffer: 2 ** 26,
    ...options,
  });
  if (error) throw error;
  return { status, signal, stdout };
}

function require(result, what) {
  if (result.status !== 0) throw new Error(`${what} failed`);
  return result;
}

function emulate(cpu, args, options) {
  return execute('qemu-aarch64-static', ['-cpu', cpu, '-L', SYSTEM_ROOT, ...args], options);
}

/** Whether a dot product executed by mistake would be noticed. */
function testTraps(folder) {
  const [source, program] = [path.join(folder, 'dot.c'), path.join(folder, 'dot')];
  writeFileSync(source, DOT_PRODUCT_PROGRAM);
  require(execute('aarch64-linux-gnu-gcc', ['-static', '-o', program, source]), 'the compilation');
  for (const { cpu, sets } of PROCESSORS) {
    const expected = sets.includes('neondot') ? 'runs' : 'stops at';
    const { status } = emulate(cpu, [program], { stdio: ['ignore', 'pipe', 'ignore'] });
    report(
      (status === 0 ? 'runs' : 'stops at') === expected ? 'passed' : 'failed',
      `${cpu} ${expected} a dot product`,
    );
  }
}

function replay(cpu, sets, cases, addon, javascript) {
  const node = path.join(ensureArm64Node(), 'bin/node');
  const script = path.join(javascript, 'arm64-replay.js');
  const { status, stdout } = emulate(cpu, [node, script, cases, cpu, sets], {
    env: { ...process.env, SPIKESCOPE_ADDON: addon, UBSAN_OPTIONS: 'halt_on_error=1:print_stacktrace=1' },
  });
  const counts = /tests: (\d+) passed, (\d+) failed, (\d+) skipped\s*$/.exec(stdout);
  process.stdout.write(counts === null ? stdout : stdout.slice(0, counts.index));
  if (counts === null) {
    report('failed', `the tests on ${cpu} end before their end (${status})`);
    return;
  }
  for (const [i, key] of ['passed', 'failed', 'skipped'].entries()) total[key] += Number(counts[i + 1]);
}

async function testAll(folder) {
  const sanitize = process.argv.includes('--sanitize');
  const addon = await buildArm64({ sanitize });
  testTraps(folder);
  require(execute(path.join(root, 'node_modules/.bin/tsc'), ['-p', 'test/native/tsconfig.arm64.json'], {
    stdio: ['ignore', 2, 2],
  }), 'the compilation of the tests');
  const javascript = path.join(root, 'native/akida-m2/build-arm64/javascript/test/native');
  const cases = path.join(folder, 'cases');
  const env = { ...process.env, SPIKESCOPE_ADDON: await buildNative() };
  for (let first = 0; first < GRAPHS; first += ROUND) {
    const graphs = Math.min(ROUND, GRAPHS - first);
    const writer = [path.join(javascript, 'arm64-cases.js'), cases, String(graphs), String(first)];
    require(execute(process.execPath, writer, { env }), 'making the cases');
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
    await testAll(scratch);
  }
} catch (error) {
  report('failed', `arm64: ${error.message}`);
} finally {
  rmSync(scratch, { recursive: true, force: true });
}
process.stdout.write(`arm64: ${((performance.now() - started) / 1000).toFixed(0)} s\n`);
process.stdout.write(`tests: ${total.passed} passed, ${total.failed} failed, ${total.skipped} skipped\n`);
process.exitCode = total.failed === 0 ? 0 : 1;
