/** Running compiled tests on an addon that was built with sanitizers. */
import path from 'node:path';
import { askCompiler } from './build-addon.mjs';
import { linkCompiler } from './prepare-card.mjs';
import { execute, messageOf, root, run, say } from './support/programs.mjs';

const compiled = path.join(root, 'native/akida-m2/build-sanitize/javascript/test/native');

/** Compiles what test/native/tsconfig.json names. */
export function compileTests() {
  linkCompiler(path.dirname(path.dirname(compiled)));
  execute(path.join(root, 'node_modules/.bin/tsc'), ['-p', 'test/native/tsconfig.json']);
}

/**
 * The compiler's runtime of each sanitizer; it has to be there before anything allocates.
 * @param {readonly string[]} names
 */
export function runtimesOf(names) {
  return names.map((name) => askCompiler({}, `-print-file-name=lib${name}.so`)).join(':');
}

/**
 * Runs test/native/NAME.ts under Node.
 * @param {string} name
 * @param {NodeJS.ProcessEnv} environment
 * @param {readonly string[]} [args]
 * @returns {number} its exit status
 */
export function runCompiled(name, environment, args = []) {
  const script = path.join(compiled, `${name}.js`);
  return run(process.execPath, [script, ...args], { env: environment, stdout: 'inherit' }).status;
}

/**
 * For scripts that close with the line `tests: N passed, N failed, N skipped`: an error counts as one failure.
 * @param {() => number | Promise<number>} work resolves with the exit status
 */
export async function finish(work) {
  try {
    process.exitCode = await work();
  } catch (error) {
    say(`spikescope: ${messageOf(error)}`);
    process.stdout.write('tests: 0 passed, 1 failed, 0 skipped\n');
    process.exitCode = 1;
  }
}
