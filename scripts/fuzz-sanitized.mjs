/**
 * Builds the addon with address and undefined-behaviour sanitizers and fuzzes it against the interpreter. The last
 * line on stdout is `tests: N passed, N failed, N skipped`; exits with 1 on any finding.
 */
import { spawnSync } from 'node:child_process';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { buildNative } from './build-native.mjs';

const root = fileURLToPath(new URL('..', import.meta.url));
const compiled = path.join(root, 'native/akida-m2/build-sanitize/javascript/test/native/sanitized-fuzz.js');

function execute(command, args, options = {}) {
  const { status, signal, error } = spawnSync(command, args, {
    cwd: root,
    stdio: ['ignore', 'inherit', 'inherit'],
    ...options,
  });
  if (error) throw error;
  return signal === null ? status : 1;
}

/** The sanitizers' runtime has to be there before anything allocates. */
function runtimeLibraries() {
  const compiler = process.env.CXX ?? 'c++';
  return ['libasan.so', 'libubsan.so'].map((name) => {
    const { stdout } = spawnSync(compiler, [`-print-file-name=${name}`], { encoding: 'utf8' });
    return stdout.trim();
  });
}

try {
  const addon = await buildNative({ sanitize: true });
  const tsc = path.join(root, 'node_modules/.bin/tsc');
  if (execute(tsc, ['-p', 'test/native/tsconfig.json'], { stdio: ['ignore', 2, 2] }) !== 0) {
    throw new Error('the fuzz does not compile');
  }
  process.exitCode = execute(process.execPath, [compiled], {
    env: {
      ...process.env,
      SPIKESCOPE_ADDON: addon,
      LD_PRELOAD: runtimeLibraries().join(':'),
      ASAN_OPTIONS: 'detect_leaks=0:halt_on_error=1:abort_on_error=0',
      UBSAN_OPTIONS: 'halt_on_error=1:print_stacktrace=1',
    },
  });
} catch (error) {
  process.stderr.write(`spikescope: ${error.message}\n`);
  process.stdout.write('tests: 0 passed, 1 failed, 0 skipped\n');
  process.exitCode = 1;
}
