import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import * as tf from '@tensorflow/tfjs-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { programOf } from '../../../src/conversion/akida1/program.ts';
import { tunedForAkida1 } from '../../../src/conversion/akida1/tune.ts';
import { readCheckpoint } from '../../../src/model/checkpoint/file.ts';
import type { Checkpoint } from '../../../src/model/checkpoint/format.ts';
import { useBackend } from '../../../src/training/backend/backend.ts';
import { integerModel } from '../../../src/training/measure/integer-model.ts';
import { openNetwork } from '../../../src/training/network/open.ts';
import type { Recipe } from '../../../src/training/recipes/recipe.ts';
import { readLog } from '../../../src/training/trainer/log.ts';
import { networkTeacher } from '../../../src/training/trainer/teacher.ts';
import { type TrainingJob, train } from '../../../src/training/trainer/train.ts';
import { phantomSource, TINY_RECIPE, TINY_STAGE } from '../../support/phantom-training.ts';

let folder: string;
beforeAll(async () => {
  await useBackend('cpu');
  folder = await mkdtemp(path.join(tmpdir(), 'spikescope-train-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

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

function shorter(change: Partial<Recipe>, epochs = 1): Recipe {
  const float = { ...TINY_STAGE, schedule: [{ inputSize: 16, epochs }] };
  return { ...TINY_RECIPE, float, quantisation: null, ...change };
}

function expectNear(actual: Float32Array, expected: Float32Array = new Float32Array()): void {
  expect(actual.length).toBe(expected.length);
  actual.forEach((value, i) => {
    expect(Math.abs(value - expected[i])).toBeLessThan(1e-5);
  });
}

describe('a training', { timeout: 120_000 }, () => {
  let result: Checkpoint;
  let tensorsLeft: number;
  beforeAll(async () => {
    const before = tf.memory().numTensors;
    result = await train(job('whole'));
    tensorsLeft = tf.memory().numTensors - before;
  }, 120_000);

  it('learns, in both stages', async () => {
    const log = await readLog(path.join(folder, 'whole/float/log.jsonl'));
    expect(log.map(({ epoch }) => epoch)).toEqual([1, 2, 3]);
    expect(log[2].loss).toBeLessThan(log[0].loss);
    expect(result.metrics['validation.top1']).toBe(1);
    expect(result.quantisation).not.toBeNull();
  });

  it('leaves no tensors behind', () => {
    expect(tensorsLeft).toBe(0);
  });

  it('leaves its result ready for conversion beside its stages', async () => {
    expect((await readdir(path.join(folder, 'whole'))).sort()).toEqual([
      'float',
      'model.checkpoint',
      'quantised',
    ]);
    const written = await readCheckpoint(path.join(folder, 'whole/model.checkpoint'));
    expect(written).toEqual(result);
    expect(written.optimiser).toBeNull();
  });

  it('gives other weights from another seed alone', async () => {
    const recipe = shorter({});
    const [first, again, other] = [
      await train(job('first', { recipe })),
      await train(job('again', { recipe })),
      await train(job('other', { recipe, seed: 4 })),
    ];
    expect(again.averages).toEqual(first.averages);
    expect(other.averages).not.toEqual(first.averages);
  });

  it('does not mix with another in one folder', async () => {
    await expect(train(job('whole'))).rejects.toMatchObject({ code: 'TRAINING_FOLDER', exitCode: 2 });
    const recipe = { ...TINY_RECIPE, float: { ...TINY_STAGE, weightDecay: 0.5 } };
    await expect(train(job('whole', { resume: true, recipe }))).rejects.toMatchObject({
      code: 'RESUME_RECIPE',
    });
  });

  it('that has ended ends at once when resumed, with the same result', async () => {
    let steps = 0;
    const again = await train(job('whole', { resume: true, onStep: () => steps++ }));
    expect(steps).toBe(0);
    expect(again).toEqual(result);
  });

  it('can start its quantised stage from a float network that it is given', async () => {
    const float = await readCheckpoint(path.join(folder, 'whole/float/last.checkpoint'));
    const from = await train(job('from', { from: float }));
    expect(from.averages).toEqual(result.averages);
  });

  it('can go on from a float network of its own architecture, and from no other', async () => {
    const initial = await readCheckpoint(path.join(folder, 'whole/float/last.checkpoint'));
    const float = {
      ...TINY_STAGE,
      schedule: [{ inputSize: 16, epochs: 1 }],
      rate: { peak: 1e-9, warmUp: 0, floor: 0 },
    };
    const { averages } = await train(job('initial', { recipe: shorter({ float }), initial }));
    for (const [name, { values }] of averages ?? []) {
      if (name.endsWith('/weights')) expectNear(values, initial.averages?.get(name)?.values);
    }
    const network = { ...TINY_RECIPE.network, widths: [4, 32] };
    await expect(train(job('other-widths', { recipe: shorter({ network }), initial }))).rejects.toMatchObject(
      {
        code: 'INITIAL',
      },
    );
  });

  it('learns from a teacher at the teacher’s own image size', async () => {
    const float = await readCheckpoint(path.join(folder, 'whole/float/last.checkpoint'));
    const teacher = networkTeacher(openNetwork(float));
    const network = { ...TINY_RECIPE.network, inputSize: 8 };
    const stage = { ...TINY_STAGE, schedule: [{ inputSize: 8, epochs: 1 }] };
    const alone = await train(
      job('alone', { recipe: shorter({ network, float: stage }), teachers: [teacher] }),
    );
    const loss = { ...TINY_STAGE.loss, distillation: { temperature: 2, weight: 0.7 } };
    const recipe = shorter({ network, float: { ...stage, loss } });
    const taught = await train(job('taught', { recipe, teachers: [teacher] }));
    await teacher.close();
    expect(taught.averages).not.toEqual(alone.averages);
  });

  it('goes through smaller images first and does not choose among their epochs', async () => {
    const schedule = [
      { inputSize: 8, epochs: 2 },
      { inputSize: 16, epochs: 1 },
    ];
    const recipe = shorter({ float: { ...TINY_STAGE, schedule, select: 'best' } });
    const chosen = await train(job('growing', { recipe }));
    const log = await readLog(path.join(folder, 'growing/float/log.jsonl'));
    expect(log.map(({ inputSize }) => inputSize)).toEqual([8, 8, 16]);
    expect(chosen.progress.best?.epoch).toBe(3);
  });

  it('stops once validation has not improved for as long as the recipe says', async () => {
    const recipe = shorter({
      float: { ...TINY_STAGE, schedule: [{ inputSize: 16, epochs: 40 }], patience: 2 },
    });
    const { progress } = await train(job('patience', { recipe }));
    expect(progress.finished).toBe(true);
    expect(progress.epochs).toBe((progress.best?.epoch ?? 0) + 2);
    expect(progress.epochs).toBeLessThan(40);
  });

  it('with Muon and dropout is repeatable too', async () => {
    const recipe = shorter({
      float: { ...TINY_STAGE, schedule: [{ inputSize: 16, epochs: 1 }], optimiser: 'muon' },
    });
    const [first, again] = [await train(job('muon', { recipe })), await train(job('muon2', { recipe }))];
    expect(again.averages).toEqual(first.averages);
    expect(first.averages).not.toEqual(
      (await readCheckpoint(path.join(folder, 'first/model.checkpoint'))).averages,
    );
  });
});

describe('the four-bit variant', { timeout: 120_000 }, () => {
  it('trains into a graph that lies whole on Akida 1.0', async () => {
    const { quantisation } = TINY_RECIPE;
    const recipe: Recipe = {
      ...TINY_RECIPE,
      network: { kind: 'qana-akd1000', inputSize: 16, widths: [4, 6, 8], headDropout: 0.1 },
      quantisation: quantisation && {
        ...quantisation,
        bits: { activations: 4, weights: 4, firstWeights: 8 },
        learnActivationSteps: true,
      },
    };
    const result = await train(job('akida', { recipe }));
    const { graph, manifest } = await integerModel(result, 'akida', () =>
      Promise.reject(new Error('not needed')),
    );
    expect(manifest.targets.akd1000).toEqual({ maps: true, unmapped: [] });
    expect(programOf(tunedForAkida1(graph)).layers).toHaveLength(3);
    expect(result.metrics['validation.top1']).toBeGreaterThan(0.8);
  });
});
