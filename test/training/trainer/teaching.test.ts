import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import * as tf from '@tensorflow/tfjs-core';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { parseBundle } from '../../../src/model/bundle/read.ts';
import { bundleBytes } from '../../../src/model/bundle/write.ts';
import { interpret } from '../../../src/model/interpreter/interpreter.ts';
import { qana } from '../../../src/model/networks/qana.ts';
import { createCpuEngine } from '../../../src/runtime/engine/cpu.ts';
import { useBackend } from '../../../src/training/backend/backend.ts';
import { initialArrays } from '../../../src/training/network/initialise.ts';
import { openNetwork } from '../../../src/training/network/open.ts';
import { AnswerMemory } from '../../../src/training/trainer/answer-memory.ts';
import { bundleTeacher, networkTeacher, type Teacher } from '../../../src/training/trainer/teacher.ts';
import { type TeachingJob, taughtProbabilities } from '../../../src/training/trainer/teaching.ts';
import { train } from '../../../src/training/trainer/train.ts';
import { phantomSource, TINY_RECIPE, TINY_STAGE } from '../../support/phantom-training.ts';
import { tinyModel } from '../../support/tiny-model.ts';

const CLASSES = ['dark', 'bright'];
const TEMPERATURE = 2;
const data = phantomSource(24).stage(TINY_STAGE);

let folder: string;
const teachers: Teacher[] = [];
beforeAll(async () => {
  await useBackend('cpu');
  teachers.push(teacherOf(16, 1), teacherOf(8, 2));
});
beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'spikescope-teaching-'));
  return () => rm(folder, { recursive: true, force: true });
});
afterAll(async () => {
  for (const teacher of teachers) await teacher.close();
});

function teacherOf(inputSize: number, seed: number): Teacher {
  const architecture = qana({ ...TINY_RECIPE.network, widths: [4, 16], inputSize, classes: 2 });
  return networkTeacher(
    openNetwork({
      architecture,
      classes: CLASSES,
      ...initialArrays(architecture, seed),
      averages: null,
      quantisation: null,
      optimiser: null,
      progress: { seed, epochs: 0, best: null, finished: true },
      metrics: {},
      recipe: null,
    }),
  );
}

/** Counts how often a teacher is asked. */
function counted(teacher: Teacher): Teacher & { questions: number } {
  const counting = {
    ...teacher,
    questions: 0,
    logits(images: Float32Array, count: number): Promise<Float32Array> {
      counting.questions++;
      return teacher.logits(images, count);
    },
  };
  return counting;
}

function job(change: Partial<TeachingJob> = {}): TeachingJob {
  return {
    teachers,
    temperature: TEMPERATURE,
    views: data.training,
    digest: 'views',
    memory: null,
    ...change,
  };
}

describe('what teachers say of an epoch', () => {
  it('is the mean of their softened probabilities on the batches that the training sees', async () => {
    const taught = await taughtProbabilities(job(), 3);
    const shown = await data.training([16, 8]);
    let row = 0;
    for await (const { images, labels } of shown.batches(3)) {
      const soft = await Promise.all(
        teachers.map(async (teacher, i) => {
          const logits = await teacher.logits(images[i], labels.length);
          return tf.tidy(() =>
            tf.softmax(tf.div(tf.tensor(logits, [labels.length, 2]), TEMPERATURE)).dataSync<'float32'>(),
          );
        }),
      );
      const mean = soft[0].map((value, i) => (value + soft[1][i]) / 2);
      mean.forEach((value, i) => {
        expect(taught[2 * row + i]).toBeCloseTo(value, 5);
      });
      row += labels.length;
    }
    expect(taught.length).toBe(2 * row);
  });

  it('is what a bundle says of the images, where a bundle teaches', async () => {
    const bundle = parseBundle(bundleBytes(tinyModel()), 'tiny');
    const engine = await createCpuEngine(bundle.graph);
    const teacher = bundleTeacher({ bundle, engine });
    const inputs = Uint8Array.from({ length: 2 * 3 * teacher.inputSize ** 2 }, (_, i) => (37 * i) % 256);
    const logits = await teacher.logits(
      Float32Array.from(inputs, (value) => value / 255),
      2,
    );
    const { length } = inputs;
    const halves = [inputs.subarray(0, length / 2), inputs.subarray(length / 2)];
    const potentials = halves.flatMap((half) => [...interpret(bundle.graph, half).potentials]);
    expect(logits).toEqual(Float32Array.from(potentials, (value) => bundle.readout.alpha * value));
    await teacher.close();
  });

  it('is asked once and remembered, also by another training', async () => {
    const asked = counted(teachers[0]);
    const memory = () => new AnswerMemory(folder);
    const first = await taughtProbabilities(job({ teachers: [asked], memory: memory() }), 0);
    const questions = asked.questions;
    const second = await taughtProbabilities(job({ teachers: [asked], memory: memory() }), 0);
    expect(questions).toBeGreaterThan(0);
    expect(asked.questions).toBe(questions);
    expect(second).toEqual(first);
  });

  it.each<[string, Partial<TeachingJob>, number]>([
    ['other views', { digest: 'others' }, 0],
    ['another epoch', {}, 1],
    ['data that cannot tell what they show', { digest: null }, 0],
  ])('is asked again for %s', async (_, change, epoch) => {
    const asked = counted(teachers[0]);
    const memory = new AnswerMemory(folder);
    await taughtProbabilities(job({ teachers: [asked], memory }), 0);
    const questions = asked.questions;
    await taughtProbabilities(job({ teachers: [asked], memory, ...change }), epoch);
    expect(asked.questions).toBe(2 * questions);
  });

  it('is not taken from another teacher', async () => {
    const memory = new AnswerMemory(folder);
    await taughtProbabilities(job({ teachers: [teachers[0]], memory }), 0);
    const other = teacherOf(16, 5);
    const remembered = await taughtProbabilities(job({ teachers: [other], memory }), 0);
    expect(remembered).toEqual(await taughtProbabilities(job({ teachers: [other] }), 0));
    await other.close();
  });

  it('is asked again where the file is damaged or cut', async () => {
    const asked = counted(teachers[0]);
    const memory = new AnswerMemory(folder);
    const answers = await taughtProbabilities(job({ teachers: [asked], memory }), 0);
    const [file] = (await readdir(folder, { recursive: true })).filter((name) => name.endsWith('.logits'));
    const bytes = await readFile(path.join(folder, file));
    const flipped = Buffer.from(bytes);
    flipped[bytes.length - 1] ^= 1;
    for (const damaged of [flipped, bytes.subarray(0, -4), bytes.subarray(0, 20), Buffer.alloc(0)]) {
      await writeFile(path.join(folder, file), damaged);
      const before = asked.questions;
      expect(await taughtProbabilities(job({ teachers: [asked], memory }), 0)).toEqual(answers);
      expect(asked.questions).toBeGreaterThan(before);
    }
  });

  it('cannot be kept in a folder that is none', async () => {
    await writeFile(path.join(folder, 'file'), '');
    const memory = new AnswerMemory(path.join(folder, 'file'));
    await expect(taughtProbabilities(job({ memory }), 0)).rejects.toMatchObject({
      code: 'TEACHING_UNWRITABLE',
    });
  });
});

describe('a training with distinct epochs', { timeout: 60_000 }, () => {
  const loss = { ...TINY_STAGE.loss, distillation: { temperature: TEMPERATURE, weight: 0.7 } };
  const float = { ...TINY_STAGE, loss, schedule: [{ inputSize: 16, epochs: 3 }] };

  async function shownEpochs(distinctEpochs?: number): Promise<{ shown: number[]; questions: number }> {
    const source = phantomSource(12);
    const asked = counted(teachers[1]);
    const shown: number[] = [];
    await train({
      folder: path.join(folder, String(distinctEpochs)),
      recipe: {
        ...TINY_RECIPE,
        quantisation: null,
        float: { ...float, ...(distinctEpochs !== undefined && { distinctEpochs }) },
      },
      classes: CLASSES,
      seed: 3,
      source: {
        ...source,
        stage: (recipe) => {
          const stage = source.stage(recipe);
          return {
            ...stage,
            memory: new AnswerMemory(path.join(folder, 'memory')),
            async training(sides) {
              const opened = await stage.training(sides);
              const batches = (epoch: number) => {
                if (sides[0] === 16) shown.push(epoch);
                return opened.batches(epoch);
              };
              return { ...opened, batches };
            },
          };
        },
      },
      teachers: [asked],
      resume: false,
      from: null,
    });
    return { shown, questions: asked.questions };
  }

  it('shows their views again and again, and asks of each once', async () => {
    expect(await shownEpochs(2)).toEqual({ shown: [0, 1, 0], questions: 2 * 2 });
  });

  it('that has none shows new views in every epoch, and asks of each', async () => {
    expect(await shownEpochs()).toEqual({ shown: [0, 1, 2], questions: 3 * 2 });
  });
});
