/** Running compiled tests on an addon that was built with sanitizers. */
import { spawnSync } from 'node:child_process';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

export const root = fileURLToPath(new URL('..', import.meta.url));
const compiled = path.join(root, 'native/akida-m2/build-sanitize/javascript/test/native');

/** Runs a program to its end. @returns its exit status; 1 when a signal ended it */
export function execute(command, args, options = {}) {
  const { status, signal, error } = spawnSync(command, args, {
    cwd: root,
    stdio: ['ignore', 'inherit', 'inherit'],
    ...options,
  });
  if (error) throw error;
  return signal === null ? status : 1;
}

/** Compiles what test/native/tsconfig.json names. */
export function compileTests() {
  const tsc = path.join(root, 'node_modules/.bin/tsc');
  if (execute(tsc, ['-p', 'test/native/tsconfig.json'], { stdio: ['ignore', 2, 2] }) !== 0) {
    throw new Error('the native tests do not compile');
  }
}

/** The compiler's runtime of each sanitizer; it has to be there before anything allocates. */
export function runtimesOf(names) {
  const compiler = process.env.CXX ?? 'c++';
  return names
    .map((name) =>
      spawnSync(compiler, [`-print-file-name=lib${name}.so`], { encoding: 'utf8' }).stdout.trim(),
    )
    .join(':');
}

/** Runs test/native/NAME.ts under Node. @returns its exit status */
export function runCompiled(name, environment, args = []) {
  return execute(process.execPath, [path.join(compiled, `${name}.js`), ...args], {
    env: { ...process.env, ...environment },
  });
}

/** For scripts that close with the line `tests: N passed, N failed, N skipped`: an error counts as one failure. */
export async function finish(work) {
  try {
    process.exitCode = await work();
  } catch (error) {
    process.stderr.write(`spikescope: ${error.message}\n`);
    process.stdout.write('tests: 0 passed, 1 failed, 0 skipped\n');
    process.exitCode = 1;
  }
}
