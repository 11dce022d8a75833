/** The environment of the real exporters, which are Python: `test/exporters/requirements.txt`, in the user's cache. */
import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { mkdir, mkdtemp, rename, rm } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';
import { defaultCache } from '../../src/cli/shared/options.ts';

const run = promisify(execFile);

export const EXPORTERS = path.resolve('test', 'exporters');
/** Some gigabytes, and minutes for each test: only where this says so. */
const WISH = 'SPIKESCOPE_EXPORTERS';

/** An interpreter with the exporters, whose environment the first call makes; null where nobody wishes for them. */
export async function exportersPython(): Promise<string | null> {
  if (process.env[WISH] === undefined) return null;
  const requirements = path.join(EXPORTERS, 'requirements.txt');
  const digest = createHash('sha256').update(readFileSync(requirements)).digest('hex').slice(0, 12);
  const environment = path.join(defaultCache(), `exporters-${digest}`);
  const python = path.join(environment, 'bin', 'python');
  if (existsSync(python)) return python;
  await mkdir(path.dirname(environment), { recursive: true });
  const unfinished = await mkdtemp(`${environment}.`);
  try {
    await run('python3', ['-m', 'venv', unfinished]);
    const pip = ['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', '-r', requirements];
    await run(path.join(unfinished, 'bin', 'python'), pip, { maxBuffer: 2 ** 26 });
    await rename(unfinished, environment);
  } finally {
    await rm(unfinished, { recursive: true, force: true });
  }
  return python;
}

/** Runs a block of Python from the page on a network of the kind, in the block's folder. */
export async function runBlock(python: string, name: string, block: string, photos: string): Promise<void> {
  await run(python, [path.join(EXPORTERS, 'prepare.py'), name, block, photos], {
    cwd: path.dirname(block),
    maxBuffer: 2 ** 26,
    env: { ...process.env, CUDA_VISIBLE_DEVICES: '' },
  });
}
