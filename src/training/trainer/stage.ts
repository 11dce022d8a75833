/**
 * One stage of a training, float or quantised: epochs, validation, checkpoints. Killed at any time and resumed it ends
 * with the weights of an undisturbed run, because a checkpoint holds all that an epoch starts from and every random choice
 * follows from the seed and the number of the epoch or step.
 */
import path from 'node:path';
import { SpikescopeError, UsageError } from '../../errors.ts';
import type { Architecture } from '../../model/architecture/architecture.ts';
import { writeCheckpoint } from '../../model/checkpoint/file.ts';
import type {
  Arrays,
  Checkpoint,
  TrainedQuantisation,
  TrainingProgress,
} from '../../model/checkpoint/format.ts';
import type { Metrics } from '../../statistics/metrics.ts';
import type { TrainingData } from '../data/training-data.ts';
import { settledQuantisation } from '../network/plan.ts';
import type { StageRecipe } from '../recipes/recipe.ts';
import type { AnswerMemory } from './answer-memory.ts';
import { trainEpoch } from './epoch.ts';
import { STAGE_FILES } from './files.ts';
import { appendEpoch, type EpochEntry } from './log.ts';
import type { Teacher } from './teacher.ts';
import { taughtProbabilities } from './teaching.ts';
import { startingState, Trainee, type TraineeState } from './trainee.ts';
import { validate } from './validate.ts';

/** Where a stage's images come from. */
export interface StageData {
  /** Training images, augmented and shuffled, at these sides. */
  training(inputSizes: readonly number[]): Promise<TrainingData>;
  /** Validation images as the device sees them. */
  validation(inputSize: number): Promise<TrainingData>;
  /** Where teachers' answers are kept; without it they are asked every time. */
  readonly memory?: AnswerMemory;
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
  readonly teachers: readonly Teacher[];
  /** Where to go on; null starts anew. */
  readonly resumed: Checkpoint | null;
  /** Takes the share of the stage's work that is done, 0…1; steps on smaller images are less work. */
  readonly onStep: (share: number) => void;
  /** Takes the share of the teachers' answers to an epoch's views that is there, 0…1. */
  readonly onTeaching?: (share: number) => void;
  readonly onEpoch: (entry: EpochEntry) => void;
}

/**
 * @returns the checkpoint of the epoch that the recipe selects.
 * @throws SpikescopeError `TRAINING_DIVERGED`, UsageError `BATCH`
 */
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
  const { recipe, folder, resumed, seed, architecture } = job;
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
      const views = progress.epochs % (recipe.distinctEpochs ?? Number.POSITIVE_INFINITY);
      const { loss, rate } = await trainEpoch(trainee, {
        number: progress.epochs,
        views,
        of: sides.length,
        side,
        training: images.training,
        recipe,
        seed,
        taught: await taught(job, images.training, views),
        onStep: (share) => job.onStep(workShare(sides, progress.epochs, share)),
      });
      const metrics = await validate(images.validation, job.classes, (pixels) => trainee.answers(pixels));
      const isOwnSide = side === architecture.inputShape[0];
      progress = progressAfter(progress, isOwnSide ? metrics : null, recipe, sides.length);
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

/** Share of the stage's work: a step costs as the number of its pixels. */
function workShare(sides: readonly number[], epoch: number, share: number): number {
  const work = (part: readonly number[]) => part.reduce((sum, side) => sum + side ** 2, 0);
  return (work(sides.slice(0, epoch)) + share * sides[epoch] ** 2) / work(sides);
}

interface EpochImages {
  readonly side: number;
  readonly training: TrainingData;
  readonly validation: TrainingData;
  close(): Promise<void>;
}

/** Null without teachers, or where the recipe does not listen to them. */
async function taught(
  { teachers, recipe, data, onTeaching }: StageJob,
  { digest }: TrainingData,
  views: number,
): Promise<Float32Array | null> {
  const temperature = recipe.loss.distillation?.temperature;
  if (temperature === undefined || teachers.length === 0) return null;
  const memory = recipe.distinctEpochs === undefined ? null : (data.memory ?? null);
  const job = { teachers, temperature, views: data.training, digest, memory };
  return taughtProbabilities({ ...job, ...(onTeaching && { onStep: onTeaching }) }, views);
}

async function openImages({ data, recipe }: StageJob, side: number): Promise<EpochImages> {
  const training = await data.training([side]);
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

/** `metrics`: null for an epoch on smaller images than the network's own, which is none to choose. */
function progressAfter(
  { seed, epochs: before, best: earlier }: TrainingProgress,
  metrics: Metrics | null,
  { patience }: StageRecipe,
  total: number,
): TrainingProgress {
  const epochs = before + 1;
  const isBest = metrics !== null && (earlier === null || metrics.macroF1 > earlier.macroF1);
  const best = isBest ? { epoch: epochs, macroF1: metrics.macroF1 } : earlier;
  const stale = patience !== null && best !== null && epochs - best.epoch >= patience;
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
