/** The vendor's compiler is Python, for a workstation only: an environment of its own, made once, in the user's cache. */
import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readFile, rename, rm } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { SpikescopeError, systemCodeOf } from '../../errors.ts';

const run = promisify(execFile);

const COMPILER = fileURLToPath(new URL('../../../native/akida-m2/compiler/', import.meta.url));
const REQUIREMENTS = path.join(COMPILER, 'requirements.txt');
/** The programs there: what compiles, and what learns as the chip would. */
const PROGRAMS = { compile: 'compile.py', learn: 'learn.py' } as const;
/** Names an interpreter to make the environment with. */
const PYTHON_VARIABLE = 'SPIKESCOPE_PYTHON';
const USUAL_PYTHONS = ['python3.12', 'python3.11', 'python3.10', 'python3'];
/** The vendor's wheels are for these. */
const VERSIONS = ['3.10', '3.11', '3.12'];
/** Most bytes that the compiler may print: simulated values of a few images. */
const LARGEST_OUTPUT = 2 ** 28;

/**
 * An interpreter that has the compiler's packages; the first call makes its environment.
 * @param cache folder in which environments of this program lie
 * @throws SpikescopeError `AKIDA_PYTHON` without a Python that the packages are for, `AKIDA_PACKAGES` where they cannot be
 * installed
 */
export async function compilerPython(cache: string): Promise<string> {
  const requirements = await readFile(REQUIREMENTS);
  const digest = createHash('sha256').update(requirements).digest('hex').slice(0, 12);
  const environment = path.join(cache, `akida-${digest}`);
  const python = path.join(environment, 'bin', 'python');
  if (!existsSync(python)) await makeEnvironment(environment, await findPython());
  return python;
}

/** Made beside its place and moved there whole, so that an interrupted one is never taken for ready. */
async function makeEnvironment(environment: string, python: string): Promise<void> {
  try {
    await mkdir(path.dirname(environment), { recursive: true });
    const unfinished = await mkdtemp(`${environment}.`);
    try {
      await run(python, ['-m', 'venv', unfinished]);
      const pip = ['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', '-r', REQUIREMENTS];
      await run(path.join(unfinished, 'bin', 'python'), pip, { maxBuffer: LARGEST_OUTPUT });
      await rename(unfinished, environment);
    } finally {
      await rm(unfinished, { recursive: true, force: true });
    }
  } catch (cause) {
    // Another process may have been faster.
    if (existsSync(environment)) return;
    throw new SpikescopeError('AKIDA_PACKAGES', 'The packages of the vendor’s compiler are not here', {
      expected: 'akida 2.19.3 and numpy from the package index of pip',
      received: lastLineOf(cause),
      remedy: `type \`${python} -m venv ${environment} && ${environment}/bin/pip install -r ${REQUIREMENTS}\``,
      cause,
    });
  }
}

async function findPython(): Promise<string> {
  const named = process.env[PYTHON_VARIABLE];
  for (const candidate of named === undefined ? USUAL_PYTHONS : [named]) {
    const version = await versionOf(candidate);
    if (version !== null && VERSIONS.includes(version)) return candidate;
  }
  throw new SpikescopeError('AKIDA_PYTHON', 'The vendor’s compiler needs a Python that is not here', {
    expected: `Python ${VERSIONS.join(', ')}`,
    ...(named !== undefined && { received: `${named}, as ${PYTHON_VARIABLE} says` }),
    remedy: `type \`sudo apt install python3.11 python3.11-venv\`, or name an interpreter in ${PYTHON_VARIABLE}`,
  });
}

/** Such as 3.11; null where there is no such interpreter. */
async function versionOf(python: string): Promise<string | null> {
  try {
    const { stdout } = await run(python, ['-c', 'import sys; print("%d.%d" % sys.version_info[:2])']);
    return stdout.trim();
  } catch {
    return null;
  }
}

/**
 * Runs the compiler, or another program beside it; what it prints.
 * @throws SpikescopeError `AKIDA_COMPILER` with the program's own line
 */
export async function runCompiler(
  python: string,
  args: readonly string[],
  program: keyof typeof PROGRAMS = 'compile',
): Promise<Buffer> {
  try {
    const options = { encoding: 'buffer', maxBuffer: LARGEST_OUTPUT } as const;
    return (await run(python, [path.join(COMPILER, PROGRAMS[program]), ...args], options)).stdout;
  } catch (cause) {
    throw new SpikescopeError('AKIDA_COMPILER', 'The vendor’s compiler does not take the network', {
      received: lastLineOf(cause),
      cause,
    });
  }
}

/** What a program that failed said last. */
function lastLineOf(cause: unknown): string {
  const stderr = cause instanceof Error && 'stderr' in cause ? String(cause.stderr) : '';
  const last = stderr.trim().split('\n').pop();
  if (last) return last.slice(0, 500);
  return systemCodeOf(cause) ?? (cause instanceof Error ? cause.message : String(cause));
}
