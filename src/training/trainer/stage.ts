/**
 * One stage of a training, float or quantised: epochs, validation, checkpoints. Killed at any time and resumed it ends
 * with the weights of an undisturbed run, because a checkpoint holds all that an epoch starts from and every random choice
 * follows from the seed and the number of the epoch or step.
 */
import path from 'node:path';
import * as tf from '@tensorflow/tfjs-core';
import { SpikescopeError, UsageError } from '../../errors.ts';
import type { Metrics } from '../../evaluation/metrics/metrics.ts';
import type { Architecture } from '../../model/architecture.ts';
import { writeCheckpoint } from '../checkpoint/file.ts';
import type { Arrays, Checkpoint, TrainedQuantisation, TrainingProgress } from '../checkpoint/format.ts';
import type { Batch, TrainingData } from '../data/training-data.ts';
import type { OpenNetwork } from '../network/open.ts';
import { settledQuantisation } from '../network/plan.ts';
import type { StageRecipe } from '../recipes/recipe.ts';
import { STAGE_FILES } from './files.ts';
import { appendEpoch, type EpochEntry } from './log.ts';
import { classWeights, logitAdjustment, lossOf, targetShares } from './loss.ts';
import { learningRateAt } from './schedule.ts';
import { seedOf } from './seed.ts';
import { startingState, Trainee, type TraineeState } from './trainee.ts';
import { validate } from './validate.ts';

/** Where a stage's images come from. */
export interface StageData {
  /** Training images, augmented and shuffled, at these sides. */
  training(inputSizes: readonly number[]): Promise<TrainingData>;
  /** Validation images as the device sees them. */
  validation(inputSize: number): Promise<TrainingData>;
}

export interface StageJob {
  /** Folder for the stage's files; exists. */
  readonly folder: string;
  readonly architecture: Architecture;
  readonly start: { readonly parameters: Arrays; readonly statistics: Arrays };
  readonly quantisation: TrainedQuantisation | null;
  /** Which parameters learn; default all. */
  readonly learns?: (parameter: string) => boolean;
  readonly recipe: StageRecipe;
  /** Kept in the checkpoints. */
  readonly recipeDocument: unknown;
  readonly classes: readonly string[];
  readonly seed: number;
  readonly data: StageData;
  readonly teachers: readonly OpenNetwork[];
  /** Where to go on; null starts anew. */
  readonly resumed: Checkpoint | null;
  readonly onStep: (progress: { readonly done: number; readonly total: number }) => void;
  readonly onEpoch: (entry: EpochEntry) => void;
}

/** @returns the checkpoint of the epoch that the recipe selects. @throws SpikescopeError `TRAINING_DIVERGED` */
export async function runStage(job: StageJob): Promise<Checkpoint> {
  const { resumed, architecture, recipe, quantisation, learns } = job;
  const state =
    resumed === null ? startingState(job.start.parameters, job.start.statistics) : stateOf(resumed);
  const trainee = new Trainee(architecture, state, {
    weightDecay: recipe.weightDecay,
    optimiser: recipe.optimiser,
    quantisation,
    ...(learns !== undefined && { learns }),
  });
  try {
    return await runEpochs(job, trainee);
  } finally {
    trainee.dispose();
  }
}

async function runEpochs(job: StageJob, trainee: Trainee): Promise<Checkpoint> {
  const { recipe, folder, resumed, seed } = job;
  const sides = recipe.schedule.flatMap(({ inputSize, epochs }) => new Array<number>(epochs).fill(inputSize));
  let progress: TrainingProgress = resumed?.progress ?? { seed, epochs: 0, best: null, finished: false };
  let result = resumed;
  let images: EpochImages | null = null;
  try {
    while (!progress.finished) {
      const side = sides[progress.epochs];
      if (images?.side !== side) {
        await images?.close();
        images = await openImages(job, side);
      }
      const started = performance.now();
      const { loss, rate } = await trainEpoch(job, trainee, images, progress.epochs, sides.length);
      const metrics = await validate(images.validation, job.classes, (pixels) => trainee.answers(pixels));
      progress = progressAfter(progress, metrics, recipe, sides.length);
      const entry = entryOf(
        progress.epochs,
        side,
        { loss, rate, seconds: (performance.now() - started) / 1000 },
        metrics,
      );
      result = checkpointOf(job, trainee.state(), progress, entry);
      await appendEpoch(path.join(folder, STAGE_FILES.log), entry);
      if (progress.best?.epoch === progress.epochs) {
        await writeCheckpoint(path.join(folder, STAGE_FILES.best), { ...result, optimiser: null });
      }
      await writeCheckpoint(path.join(folder, STAGE_FILES.last), result);
      job.onEpoch(entry);
    }
  } finally {
    await images?.close();
  }
  if (result === null) throw new RangeError('A stage without epochs has no result');
  return result;
}

interface EpochImages {
  readonly side: number;
  readonly training: TrainingData;
  readonly validation: TrainingData;
  close(): Promise<void>;
}

async function openImages({ data, teachers, recipe }: StageJob, side: number): Promise<EpochImages> {
  const training = await data.training([side, ...teachers.map(({ inputSize }) => inputSize)]);
  if (training.batchesPerEpoch === 0) {
    throw new UsageError('BATCH', 'The training split does not fill one batch', {
      expected: `${recipe.batch} images`,
      received: String(training.length),
      remedy: 'give a smaller --batch',
    });
  }
  const validation = await data.validation(side);
  return {
    side,
    training,
    validation,
    close: async () => {
      await Promise.all([training.close(), validation.close()]);
    },
  };
}

async function trainEpoch(
  job: StageJob,
  trainee: Trainee,
  { training, side }: EpochImages,
  epoch: number,
  epochs: number,
): Promise<{ loss: number; rate: number }> {
  const { recipe, seed, teachers } = job;
  const total = training.batchesPerEpoch * epochs;
  const weights = classWeights(recipe.loss.balance, training.classCounts);
  const adjustment = logitAdjustment(recipe.loss.logitAdjustment, training.classCounts);
  let sum = 0;
  let rate = 0;
  for await (const batch of training.batches(epoch)) {
    rate = learningRateAt(recipe.rate, trainee.steps, total);
    const shares = targetShares(batch, weights, recipe.loss.labelSmoothing);
    const loss = tf.tidy(() => {
      const teacher = teacherProbabilities(teachers, batch, recipe);
      const inputs = {
        shares: tf.tensor2d(shares, [batch.labels.length, weights.length]),
        adjustment: tf.tensor1d(adjustment),
        teacher,
        distillation: recipe.loss.distillation,
      };
      return trainee.step(pixels(batch, 0, side), (logits) => lossOf(logits, inputs), {
        learningRate: rate,
        averageDecay: recipe.averageDecay,
        seed: seedOf(seed, DROPOUT, trainee.steps),
      });
    });
    if (!Number.isFinite(loss)) throw diverged(epoch, rate);
    sum += loss;
    job.onStep({ done: trainee.steps, total });
  }
  return { loss: sum / training.batchesPerEpoch, rate };
}

/** Which part of the randomness a seed is for. */
const DROPOUT = 1;

function pixels({ images, labels }: Batch, index: number, side: number): tf.Tensor {
  return tf.tensor(images[index], [labels.length, side, side, 3]);
}

/** Mean of the teachers' softened probabilities on the same view, each at its own image size. */
function teacherProbabilities(
  teachers: readonly OpenNetwork[],
  batch: Batch,
  { loss }: StageRecipe,
): tf.Tensor2D | null {
  const temperature = loss.distillation?.temperature;
  if (temperature === undefined || teachers.length === 0) return null;
  return tf.tidy(() => {
    const answers = teachers.map((teacher, index) =>
      tf.softmax(tf.div(teacher.logits(pixels(batch, index + 1, teacher.inputSize)), temperature)),
    );
    return tf.div(tf.addN(answers), teachers.length);
  });
}

function progressAfter(
  { seed, epochs: before, best: earlier }: TrainingProgress,
  { macroF1 }: Metrics,
  { patience }: StageRecipe,
  total: number,
): TrainingProgress {
  const epochs = before + 1;
  const best = earlier === null || macroF1 > earlier.macroF1 ? { epoch: epochs, macroF1 } : earlier;
  const stale = patience !== null && epochs - best.epoch >= patience;
  return { seed, epochs, best, finished: epochs === total || stale };
}

function entryOf(
  epoch: number,
  inputSize: number,
  training: { loss: number; rate: number; seconds: number },
  { top1, macroF1, balancedAccuracy, macroAuc, ece }: Metrics,
): EpochEntry {
  return { epoch, inputSize, ...training, validation: { top1, macroF1, balancedAccuracy, macroAuc, ece } };
}

function stateOf({ parameters, statistics, averages, optimiser }: Checkpoint): TraineeState {
  if (averages === null || optimiser === null) {
    throw new SpikescopeError('CHECKPOINT_RESULT', 'This checkpoint is a result, not a point to go on from', {
      remedy: `go on from the folder that holds ${STAGE_FILES.last}`,
    });
  }
  return { parameters, statistics, averages, optimiser };
}

function checkpointOf(
  { architecture, classes, quantisation, recipeDocument }: StageJob,
  state: TraineeState,
  progress: TrainingProgress,
  { loss, validation }: EpochEntry,
): Checkpoint {
  const figures = Object.entries(validation).flatMap(([name, value]) =>
    value === null ? [] : [[`validation.${name}`, value] as const],
  );
  return {
    architecture,
    classes,
    ...state,
    quantisation: quantisation && settledQuantisation(quantisation, state.averages),
    progress,
    metrics: { loss, ...Object.fromEntries(figures) },
    recipe: recipeDocument,
  };
}

function diverged(epoch: number, rate: number): SpikescopeError {
  return new SpikescopeError('TRAINING_DIVERGED', `The loss left the finite numbers in epoch ${epoch + 1}`, {
    received: `a learning rate of ${rate.toPrecision(3)}`,
    remedy: 'lower the peak of the learning rate, or lengthen its rise',
  });
}
