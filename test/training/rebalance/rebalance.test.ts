import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import * as tf from '@tensorflow/tfjs-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readCheckpoint } from '../../../src/model/checkpoint/file.ts';
import { type Arrays, answeringArrays, type Checkpoint } from '../../../src/model/checkpoint/format.ts';
import { qana } from '../../../src/model/networks/qana.ts';
import { useBackend } from '../../../src/training/backend/backend.ts';
import type { Row } from '../../../src/training/data/training-data.ts';
import { withQuantisation } from '../../../src/training/rebalance/calibrated.ts';
import { compareBalancing } from '../../../src/training/rebalance/compare.ts';
import { lastBlock } from '../../../src/training/rebalance/last-block.ts';
import { type RebalanceJob, rebalance } from '../../../src/training/rebalance/rebalance.ts';
import { comparisonMarkdown } from '../../../src/training/rebalance/table.ts';
import { SMOTE_DEFAULTS } from '../../../src/training/smote/smote.ts';
import { train } from '../../../src/training/trainer/train.ts';
import { discs, phantomSource, TINY_RECIPE, TINY_STAGE } from '../../support/phantom-training.ts';

const IMAGES = 36;
const CLASSES = ['dark', 'bright'];

let folder: string;
let trained: Checkpoint;
beforeAll(async () => {
  await useBackend();
  folder = await mkdtemp(path.join(tmpdir(), 'spikescope-rebalance-'));
  trained = await train({
    folder: path.join(folder, 'trained'),
    recipe: TINY_RECIPE,
    classes: CLASSES,
    seed: 3,
    source: phantomSource(IMAGES),
    teachers: [],
    resume: false,
    from: null,
  });
}, 240_000);
afterAll(() => rm(folder, { recursive: true }));

/** The discs of `phantomSource`, and as many of a foreign split, whose pixels nobody may ask for. */
function listed() {
  return Array.from(discs(IMAGES, 1).labels).flatMap((label, i) => [
    { imageId: `own${i}`, label, split: 'train' },
    { imageId: `foreign${i}`, label, split: 'val' },
  ]);
}

function job(name: string, change: Partial<RebalanceJob['recipe']> = {}): RebalanceJob & { asked: Row[] } {
  const asked: Row[] = [];
  const images = discs(IMAGES, 1);
  return {
    asked,
    folder: path.join(folder, name),
    checkpoint: trained,
    recipe: {
      smote: { ...SMOTE_DEFAULTS, components: 8, neighbours: 3, ratio: 0.9 },
      head: {
        epochs: 5,
        batch: 8,
        rate: { peak: 1e-2, warmUp: 0, floor: 0 },
        weightDecay: 0,
        averageDecay: 0,
      },
      fineTune: null,
      ...change,
    },
    seed: 5,
    images: listed(),
    open: async (rows) => {
      asked.push(...rows);
      return images.open([16], 16, () => rows.map(({ imageId }) => Number(imageId.slice(3))));
    },
    data: phantomSource(IMAGES).stage(TINY_STAGE),
  };
}

function changed(before: Arrays, after: Arrays): string[] {
  return [...before].flatMap(([name, { values }]) =>
    values.every((value, i) => value === after.get(name)?.values[i]) ? [] : [name],
  );
}

describe('balancing a trained network', () => {
  it('asks for the pixels of training images alone', async () => {
    const given = job('asked');
    await rebalance(given);
    expect(given.asked).toHaveLength(IMAGES);
    for (const { imageId, copy } of given.asked) {
      expect(imageId).toMatch(/^own/);
      expect(copy).toBe(0);
    }
  });

  it('changes the head and nothing before it', async () => {
    const { checkpoint, synthesis } = await rebalance(job('head'));
    expect(changed(answeringArrays(trained), answeringArrays(checkpoint)).sort()).toEqual([
      `${trained.architecture.output}/bias`,
      `${trained.architecture.output}/weights`,
    ]);
    expect(synthesis?.map(({ images, made }) => images + made)).toEqual([24, 21]);
  });

  it('states the step of the new weights, that of their largest magnitude', async () => {
    const { checkpoint } = await rebalance(job('step'));
    const { output } = checkpoint.architecture;
    const weights = answeringArrays(checkpoint).get(`${output}/weights`)?.values ?? new Float32Array(0);
    const [step] = checkpoint.quantisation?.weights.get(output)?.scales ?? [];
    expect(step * 127).toBeCloseTo(Math.max(...weights.map(Math.abs)), 6);
  });

  it('then tunes the last block and the head, and nothing before them', async () => {
    const fineTune = { ...TINY_STAGE, schedule: [{ inputSize: 16, epochs: 1 }] };
    const { checkpoint, beforeTuning } = await rebalance(job('tuned', { fineTune }));
    const moved = changed(answeringArrays(beforeTuning), answeringArrays(checkpoint));
    const last = lastBlock(trained.architecture);
    expect(moved).toContain(`${trained.architecture.output}/weights`);
    expect(moved.some((name) => !name.startsWith(`${trained.architecture.output}/`))).toBe(true);
    for (const name of moved) expect(last).toContain(name.split('/')[0]);
    expect(moved.length).toBeLessThan(answeringArrays(checkpoint).size);
  });

  it('without synthesis trains on real embeddings, to another head', async () => {
    const real = await rebalance(job('real', { smote: null }));
    expect(real.synthesis).toBeNull();
    const { output } = trained.architecture;
    const weights = (checkpoint: Checkpoint) => answeringArrays(checkpoint).get(`${output}/weights`)?.values;
    expect(weights(real.checkpoint)).not.toEqual(weights((await rebalance(job('synthetic'))).checkpoint));
  });

  it('repeats itself exactly and leaves no tensor behind', async () => {
    const once = await rebalance(job('once'));
    const before = tf.memory().numTensors;
    expect(answeringArrays((await rebalance(job('twice'))).checkpoint)).toEqual(
      answeringArrays(once.checkpoint),
    );
    expect(tf.memory().numTensors).toBe(before);
  });

  it('is refused for a network that does not round', async () => {
    const float = { ...trained, quantisation: null };
    await expect(rebalance({ ...job('float'), checkpoint: float })).rejects.toMatchObject({
      code: 'HEAD_NOT_QUANTISED',
    });
  });
});

describe('comparing balancing with its control', () => {
  it('measures all three on the same images, from a network that was trained in float too', async () => {
    const float = await readCheckpoint(path.join(folder, 'trained/float/last.checkpoint'));
    const source = phantomSource(IMAGES);
    const checkpoint = await withQuantisation(float, () => source.calibration(16, 8));
    expect(checkpoint.quantisation).not.toBeNull();
    expect(await withQuantisation(trained, () => Promise.reject(new Error('not needed')))).toBe(trained);
    const held = discs(15, 2);
    const { splits, synthesis } = await compareBalancing({
      ...job('compared'),
      checkpoint,
      measure: { val: async () => held.open([16], 16, () => Array.from(held.labels.keys())) },
    });
    const { figures, gains } = splits.val;
    expect(Object.values(figures).map(({ n }) => n)).toEqual([15, 15, 15]);
    expect(gains.smoteOverReal.values.top1.value).toBeCloseTo(
      figures.smote.accuracy - figures.real.accuracy,
      12,
    );
    expect(gains.smoteOverBefore.recall.bright.value).toBeCloseTo(
      (figures.smote.perClassRecall.bright ?? 0) - (figures.before.perClassRecall.bright ?? 0),
      12,
    );
    expect(synthesis).toHaveLength(2);
    expect(comparisonMarkdown(splits.val, ['bright'])).toContain('| SMOTE over the control |');
  });
});

describe('the last block', () => {
  it('of QANA is its fourth, the transform, the gate and the head', () => {
    const names = [...lastBlock(qana())];
    expect(new Set(names.map((name) => name.split('.')[0]))).toEqual(
      new Set(['block4', 'transform', 'head']),
    );
  });
});
