/** A head that the device's own code taught itself, lesion by lesion, after training had ended. */
import { createHash, randomUUID } from 'node:crypto';
import { rm } from 'node:fs/promises';
import path from 'node:path';
import { SpikescopeError } from '../../errors.ts';
import { learningSectionOf } from '../../evaluation/calibration/learning-set.ts';
import { makeFolder } from '../../make-folder.ts';
import type { ModelContents } from '../../model/bundle/bundle.ts';
import { parseBundle } from '../../model/bundle/read.ts';
import { bundleBytes } from '../../model/bundle/write.ts';
import { embeddingShape, pooled } from '../../model/embedding.ts';
import { createCpuEngine } from '../../runtime/engine/cpu.ts';
import type { HeadInput } from '../../runtime/inference/head.ts';
import { softmax } from '../../runtime/inference/readout.ts';
import { HeadLearner } from '../../runtime/learning/learner.ts';
import type { Prediction } from '../../statistics/prediction.ts';
import { Journal } from '../../store/journal.ts';
import type { TrainingData } from '../data/training-data.ts';

/** Lesions that are taught, one image of each. */
export const LESSONS = 200;

interface Seen extends HeadInput {
  readonly label: number;
  readonly lesion: string;
}

export interface LearningRun {
  readonly model: ModelContents;
  /** Half of its lesions become guard set and rehearsal, the other half lessons. */
  readonly validation: TrainingData;
  readonly test: TrainingData;
  /** The device's data folder; what it holds is removed first. */
  readonly folder: string;
}

/**
 * Teaches a device up to 200 validation lesions in an order that only depends on their names, safety gate on, then reads
 * the test images with the head that it has learned.
 * @throws SpikescopeError `ABLATION_LEARNING` where the validation images do not suffice; as `HeadLearner`
 */
export async function learnedAnswers({
  model,
  validation,
  test,
  folder,
}: LearningRun): Promise<Prediction[]> {
  const [taught, read] = [await see(model, validation), await see(model, test)];
  const lessons = taught.filter(({ lesion }) => orderOf(lesion) % 2 === 1);
  const bundle = bundleFor(
    model,
    taught.filter((seen) => !lessons.includes(seen)),
  );
  await rm(folder, { recursive: true, force: true });
  makeFolder(folder);
  const journal = Journal.open(path.join(folder, 'journal.sqlite'));
  try {
    const learner = await HeadLearner.open(bundle, { folder, journal });
    if (learner === null) throw withoutSection();
    for (const lesson of inOrder(lessons).slice(0, LESSONS)) {
      const id = randomUUID();
      learner.observe(id, lesson);
      await learner.learn({ id }, bundle.graph.classes[lesson.label], 'command');
    }
    const { alpha } = model.readout;
    return read.map(({ label, lesion, potentials, pooled: sums }) => ({
      label,
      probabilities: softmax(alpha, learner.head.potentials(potentials, sums)),
      group: lesion,
    }));
  } finally {
    journal.close();
  }
}

/** What the head gets of every image, as a device would keep it until its label comes. */
async function see({ graph }: ModelContents, data: TrainingData): Promise<Seen[]> {
  const engine = await createCpuEngine(graph);
  const [classes, shape] = [graph.classes.length, embeddingShape(graph)];
  const bytes = shape[0] * shape[1] * shape[2];
  try {
    const seen = new Array<Seen>(data.length);
    for await (const { images, labels, indices } of data.batches(0)) {
      const pixels = Uint8Array.from(images[0], (value) => Math.round(255 * value));
      const { potentials, embeddings } = await engine.infer(pixels, labels.length);
      indices.forEach((index, i) => {
        seen[index] = {
          label: labels[i],
          lesion: data.lesions[index],
          potentials: potentials.slice(i * classes, (i + 1) * classes),
          pooled: pooled(embeddings.subarray(i * bytes, (i + 1) * bytes), shape[2]),
        };
      });
    }
    return seen;
  } finally {
    await engine.close();
  }
}

function bundleFor(model: ModelContents, seen: readonly Seen[]) {
  const views = seen.map(({ label, lesion, potentials, pooled: sums }) => {
    const view = { whole: potentials, pooled: sums };
    return { sample: { label, lesionId: lesion, imageId: lesion }, centred: view, cropped: view };
  });
  const learning = learningSectionOf(model.graph, views, false);
  if (learning === null) throw withoutSection();
  return parseBundle(bundleBytes({ ...model, learning }), `${model.name}.spikescope`);
}

function withoutSection(): SpikescopeError {
  return new SpikescopeError('ABLATION_LEARNING', 'Too few validation lesions for a device to learn with', {
    expected: 'lesions for a guard set, for rehearsal and for lessons',
  });
}

/** One image of each lesion, in an order that has nothing to do with how the data set was collected. */
function inOrder(lessons: readonly Seen[]): Seen[] {
  const ofLesion = new Map(lessons.map((seen) => [seen.lesion, seen]));
  return [...ofLesion.values()].sort((a, b) => orderOf(a.lesion) - orderOf(b.lesion));
}

function orderOf(lesion: string): number {
  return createHash('sha256').update(`lesson ${lesion}`).digest().readUInt32LE(0);
}
