/** Running other programs, and getting those that are missing. Plain JavaScript without packages. */
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

/** The repository, or the package where it is installed. */
export const root = fileURLToPath(new URL('../..', import.meta.url));

/**
 * On stderr, because stdout belongs to the command that follows.
 * @param {string} text
 */
export function say(text) {
  process.stderr.write(`${text}\n`);
}

/** @param {unknown} error */
export function messageOf(error) {
  return error instanceof Error ? error.message : String(error);
}

/**
 * @typedef {object} RunOptions
 * @property {string} [cwd] the repository's root without it
 * @property {NodeJS.ProcessEnv} [env] beside this process's own
 * @property {'stderr' | 'inherit' | 'capture' | 'ignore'} [stdout] where its output goes; `stderr` without it
 * @property {'inherit' | 'ignore'} [stderr]
 */

/**
 * Runs a program to its end.
 * @param {string} command
 * @param {readonly string[]} args
 * @param {RunOptions} [options]
 * @returns {{ status: number, stdout: string }} the exit status, 1 when a signal ended it; its output where it is captured
 * @throws {Error} when it cannot be started
 */
export function run(command, args, { cwd = root, env = {}, stdout = 'stderr', stderr = 'inherit' } = {}) {
  const output = {
    stderr: 2,
    inherit: /** @type {const} */ ('inherit'),
    capture: /** @type {const} */ ('pipe'),
  };
  const result = spawnSync(command, args, {
    cwd,
    env: { ...process.env, ...env },
    encoding: 'utf8',
    stdio: ['ignore', stdout === 'ignore' ? 'ignore' : output[stdout], stderr === 'ignore' ? 'ignore' : 2],
    maxBuffer: 2 ** 26,
  });
  if (result.error) throw result.error;
  return { status: result.status ?? 1, stdout: result.stdout ?? '' };
}

/**
 * As `run`, for a program that must succeed.
 * @param {string} command
 * @param {readonly string[]} args
 * @param {RunOptions} [options]
 * @returns {string} its output where that is captured
 * @throws {Error} with the command when it fails
 */
export function execute(command, args, options = {}) {
  const { status, stdout } = run(command, args, options);
  if (status !== 0) throw new Error(`${path.basename(command)} ${args.join(' ')} failed`);
  return stdout;
}

/** @param {string} program */
export function isOnPath(program) {
  return (process.env.PATH ?? '')
    .split(path.delimiter)
    .some((folder) => existsSync(path.join(folder, program)));
}

/**
 * Installs Debian packages for the programs that are missing: with apt when root, else says the one line to type.
 * @param {Record<string, string>} packageOf program → Debian package
 * @returns {string[]} the programs that are still missing
 */
export function ensurePrograms(packageOf) {
  const missing = Object.keys(packageOf).filter((program) => !isOnPath(program));
  if (missing.length === 0) return [];
  const packages = [...new Set(missing.map((program) => packageOf[program]))];
  if (process.getuid?.() === 0 && isOnPath('apt-get')) {
    say(`spikescope: installing ${packages.join(', ')} with apt`);
    const options = /** @type {const} */ ({ env: { DEBIAN_FRONTEND: 'noninteractive' }, stdout: 'ignore' });
    run('apt-get', ['update', '-q'], options);
    run('apt-get', ['install', '-y', '-q', '--no-install-recommends', ...packages], options);
  } else {
    say(
      `spikescope: ${missing.join(', ')} missing here. Please type:\n  sudo apt-get install ${packages.join(' ')}`,
    );
  }
  return missing.filter((program) => !isOnPath(program));
}

/**
 * Runs a script's work where the script was started itself, not imported: an error is said and exits with 1.
 * @param {string} module the script's `import.meta.url`
 * @param {() => unknown} work
 */
export async function asScript(module, work) {
  if (process.argv[1] !== fileURLToPath(module)) return;
  try {
    await work();
  } catch (error) {
    say(`spikescope: ${messageOf(error)}`);
    process.exitCode = 1;
  }
}
