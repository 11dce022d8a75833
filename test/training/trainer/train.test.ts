import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { useBackend } from '../../../src/training/backend/backend.ts';
import type { Checkpoint } from '../../../src/training/checkpoint/format.ts';
import { readLog } from '../../../src/training/trainer/log.ts';
import { type TrainingJob, train } from '../../../src/training/trainer/train.ts';
import { phantomSource, TINY_RECIPE } from '../../support/phantom-training.ts';

let folder: string;
beforeAll(async () => {
  await useBackend('cpu');
  folder = await mkdtemp(path.join(tmpdir(), 'spikescope-train-'));
});
afterAll(() => rm(folder, { recursive: true }));

function job(name: string, change: Partial<TrainingJob> = {}): TrainingJob {
  return {
    folder: path.join(folder, name),
    recipe: TINY_RECIPE,
    classes: ['dark', 'bright'],
    seed: 3,
    source: phantomSource(24),
    teachers: [],
    resume: false,
    from: null,
    ...change,
  };
}

describe('a training', () => {
  let undisturbed: Checkpoint;
  beforeAll(async () => {
    undisturbed = await train(job('undisturbed'));
  }, 60_000);

  it('learns', async () => {
    const log = await readLog(path.join(folder, 'undisturbed/float/log.jsonl'));
    expect(log.map(({ epoch }) => epoch)).toEqual([1, 2, 3]);
    expect(log[2].loss).toBeLessThan(log[0].loss);
    expect(undisturbed.metrics['validation.top1']).toBe(1);
  });
});
