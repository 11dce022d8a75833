/** Distillation's other half: what trained networks say of the very views that a training shows (Hinton et al. 2015, §2). */
import { softmax } from '../../runtime/inference/readout.ts';
import type { TrainingData } from '../data/training-data.ts';
import type { AnswerMemory } from './answer-memory.ts';
import type { Teacher } from './teacher.ts';

export interface TeachingJob {
  readonly teachers: readonly Teacher[];
  readonly temperature: number;
  /** The same views, in the same order, at these sides. */
  readonly views: (inputSizes: readonly number[]) => Promise<TrainingData>;
  /** `TrainingData.digest` of the views. */
  readonly digest: string | null;
  /** Null asks the teachers every time. */
  readonly memory: AnswerMemory | null;
  /** Takes the share of an epoch's questions that is answered. */
  readonly onStep?: (share: number) => void;
}

/**
 * Mean of the teachers' probabilities at the temperature, each at its own image size: rows in the order of the epoch's
 * batches, as many as their images, times classes.
 */
export async function taughtProbabilities(job: TeachingJob, epoch: number): Promise<Float32Array> {
  const answers: Float32Array[] = [];
  for (const [place, teacher] of job.teachers.entries()) {
    const onStep = (share: number) => job.onStep?.((place + share) / job.teachers.length);
    answers.push(await answersOf(teacher, { ...job, onStep }, epoch));
  }
  return meanProbabilities(answers, job.teachers[0].classes.length, job.temperature);
}

async function answersOf(teacher: Teacher, job: TeachingJob, epoch: number): Promise<Float32Array> {
  const { memory, digest } = job;
  if (memory === null || digest === null) return ask(teacher, job, epoch);
  const lesson = { teacher: teacher.digest, views: digest, epoch };
  const remembered = await memory.recall(lesson);
  if (remembered !== null) return remembered;
  const answers = await ask(teacher, job, epoch);
  await memory.keep(lesson, answers);
  return answers;
}

async function ask(teacher: Teacher, job: TeachingJob, epoch: number): Promise<Float32Array> {
  const data = await job.views([teacher.inputSize]);
  const answers: number[] = [];
  let asked = 0;
  try {
    for await (const { images, labels } of data.batches(epoch)) {
      answers.push(...(await teacher.logits(images[0], labels.length)));
      job.onStep?.(++asked / data.batchesPerEpoch);
    }
  } finally {
    await data.close();
  }
  return Float32Array.from(answers);
}

function meanProbabilities(
  answers: readonly Float32Array[],
  classes: number,
  temperature: number,
): Float32Array {
  const mean = new Float32Array(answers[0].length);
  for (const logits of answers) {
    for (let row = 0; row < mean.length; row += classes) {
      const probabilities = softmax(1 / temperature, logits.subarray(row, row + classes));
      probabilities.forEach((probability, c) => {
        mean[row + c] += probability / answers.length;
      });
    }
  }
  return mean;
}
