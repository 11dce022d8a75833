import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readCheckpoint } from '../../../src/model/checkpoint/file.ts';
import type { Checkpoint } from '../../../src/model/checkpoint/format.ts';
import { compiled } from '../../support/compiled.ts';
import { TINY_RECIPE } from '../../support/phantom-training.ts';
import { writeTinyDataset } from '../../support/tiny-dataset.ts';

const PROGRAM = fileURLToPath(compiled('../bin/spikescope.mjs'));
const PATIENCE = 120_000;

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'spikescope-resume-'));
  await writeTinyDataset(path.join(folder, 'data'), 36);
  await writeFile(path.join(folder, 'recipe.json'), JSON.stringify({ ...TINY_RECIPE, name: 'tiny' }));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

/** `spikescope train` as a process of its own, in plain JavaScript. */
function start(out: string, ...more: readonly string[]): ChildProcess {
  const words = {
    dataset: path.join(folder, 'data'),
    cache: path.join(folder, 'cache'),
    recipe: path.join(folder, 'recipe.json'),
    out: path.join(folder, out),
    classes: 'benign,malign',
    batch: '4',
    backend: 'cpu',
  };
  const options = Object.entries(words).flatMap(([name, value]) => [`--${name}`, value]);
  return spawn(process.execPath, [PROGRAM, 'train', ...options, ...more], {
    stdio: ['ignore', 'ignore', 'pipe'],
  });
}

async function finished(child: ChildProcess): Promise<void> {
  let said = '';
  child.stderr?.on('data', (chunk) => {
    said += String(chunk);
  });
  const [code] = await once(child, 'exit');
  if (code !== 0) throw new Error(`exit code ${code}: ${said}`);
}

/** Kills without warning once a stage's log has this many lines, some steps into the next epoch. */
async function killAfter(child: ChildProcess, log: string, epochs: number): Promise<void> {
  const exit = once(child, 'exit');
  while (child.exitCode === null) {
    const text = await readFile(log, 'utf8').catch(() => '');
    if (text.split('\n').length > epochs) break;
    await pause(20);
  }
  await pause(100);
  child.kill('SIGKILL');
  const [, signal] = await exit;
  expect(signal).toBe('SIGKILL');
}

function weights({ architecture, parameters, statistics, averages, quantisation }: Checkpoint) {
  return { architecture, parameters, statistics, averages, quantisation };
}

describe('a training that is killed twice', () => {
  it('ends, resumed, with the weights of an undisturbed one', { timeout: 3 * PATIENCE }, async () => {
    await finished(start('undisturbed'));
    await killAfter(start('disturbed'), path.join(folder, 'disturbed/float/log.jsonl'), 1);
    await killAfter(start('disturbed', '--resume'), path.join(folder, 'disturbed/quantised/log.jsonl'), 1);
    await finished(start('disturbed', '--resume'));
    const [undisturbed, disturbed] = await Promise.all(
      ['undisturbed', 'disturbed'].map((name) => readCheckpoint(path.join(folder, name, 'model.checkpoint'))),
    );
    expect(weights(disturbed)).toEqual(weights(undisturbed));
    const [calm, resumed] = await Promise.all(
      ['undisturbed', 'disturbed'].map((name) =>
        readFile(path.join(folder, name, 'float/log.jsonl'), 'utf8'),
      ),
    );
    const withoutTime = (log: string) => log.replace(/"seconds":[0-9.e-]+/g, '');
    expect(withoutTime(resumed)).toBe(withoutTime(calm));
  });
});
