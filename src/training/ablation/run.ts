/** Trains and measures the rows of the ablation, one after the other, each with the same budget and seed. */
import path from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { UsageError } from '../../errors.ts';
import { makeFolder } from '../../make-folder.ts';
import { parameterCount } from '../../model/architecture/parameters.ts';
import type { ModelContents } from '../../model/bundle/bundle.ts';
import { replaceFile } from '../../model/bundle/replace-file.ts';
import { readCheckpoint, writeCheckpoint } from '../../model/checkpoint/file.ts';
import type { Checkpoint } from '../../model/checkpoint/format.ts';
import type { Row, TrainingData } from '../data/training-data.ts';
import { integerAnswers, integerModel } from '../measure/integer-model.ts';
import { keptDocument } from '../measure/kept-document.ts';
import { type RebalanceRecipe, rebalance } from '../rebalance/rebalance.ts';
import { networkOf } from '../recipes/network.ts';
import type { Recipe } from '../recipes/recipe.ts';
import type { ListedImage } from '../smote/embed.ts';
import { TRAINING_FILES } from '../trainer/files.ts';
import { type TrainingJob, type TrainingSource, train } from '../trainer/train.ts';
import { answersSchema, type RowAnswers } from './figures.ts';
import { LESSONS, learnedAnswers } from './incremental.ts';
import { type AblationRow, predecessor, recipeOf } from './rows.ts';

export interface AblationSource {
  readonly training: TrainingSource;
  /** All images of the data set, for the embeddings of its training split. */
  readonly images: readonly ListedImage[];
  /** Pixels of these rows, unaugmented. */
  readonly open: (rows: readonly Row[]) => Promise<TrainingData>;
  /** A split as the device sees it. */
  readonly split: (split: 'val' | 'test') => Promise<TrainingData>;
}

export interface AblationJob {
  /** A folder per row; made when missing. Rows that are finished there are not trained again. */
  readonly folder: string;
  readonly base: Recipe;
  readonly rebalance: RebalanceRecipe;
  readonly classes: readonly string[];
  readonly seed: number;
  readonly source: AblationSource;
  readonly onRow?: (row: AblationRow, state: 'kept' | 'trained') => void;
  readonly progress?: Pick<TrainingJob, 'onStage' | 'onStep' | 'onEpoch'>;
}

const ANSWERS = 'answers.json';

/**
 * Trains a row where its folder holds no finished one, going on from checkpoints of a killed run.
 * @throws UsageError `ABLATION_FOLDER` where the folder holds a row of other settings; as `train` and `rebalance`
 */
export async function runRow(job: AblationJob, row: AblationRow): Promise<RowAnswers> {
  const folder = path.join(job.folder, row.id);
  const file = path.join(folder, ANSWERS);
  const recipe = settingsOf(job, row);
  const finished = await readAnswers(job.folder, row.id);
  if (finished !== null) {
    if (!isDeepStrictEqual(finished.recipe, recipe) || finished.seed !== job.seed) {
      throw new UsageError('ABLATION_FOLDER', 'The folder holds an ablation with other settings', {
        file,
        remedy: 'give the same options again, or another folder to --out',
      });
    }
    job.onRow?.(row, 'kept');
    return finished;
  }
  makeFolder(folder);
  const started = performance.now();
  const checkpoint = await checkpointOf(job, row);
  const seconds = (performance.now() - started) / 1000;
  const model = await integerModel(checkpoint, row.id, () =>
    job.source.training.calibration(checkpoint.architecture.inputShape[0], 256),
  );
  const answers: RowAnswers = {
    format: 1,
    row: row.id,
    seed: job.seed,
    recipe,
    seconds,
    parameters: parameterCount(networkOf(recipeOf(row, job.base).network, job.classes.length)),
    classes: job.classes,
    ...(await answersOf(job, row, model)),
  };
  await replaceFile(file, Buffer.from(JSON.stringify(answers)));
  job.onRow?.(row, 'trained');
  return answers;
}

async function answersOf(
  { folder, source }: AblationJob,
  row: AblationRow,
  model: ModelContents,
): Promise<Pick<RowAnswers, 'validation' | 'test'>> {
  const [validation, test] = [await source.split('val'), await source.split('test')];
  try {
    if (row.learns) {
      const device = path.join(folder, row.id, 'device');
      return { validation: null, test: await learnedAnswers({ model, validation, test, folder: device }) };
    }
    return {
      validation: await integerAnswers(model, validation),
      test: await integerAnswers(model, test),
    };
  } finally {
    await Promise.all([validation.close(), test.close()]);
  }
}

/** The finished row in a folder of `runRow`, null where there is none. */
export function readAnswers(folder: string, id: string): Promise<RowAnswers | null> {
  return keptDocument(path.join(folder, id, ANSWERS), answersSchema);
}

function settingsOf({ base, rebalance, seed }: AblationJob, row: AblationRow): unknown {
  const after = row.rebalance === 'none' ? null : rebalanceOf(rebalance, row);
  const lessons = row.learns ? { lessons: LESSONS } : {};
  return JSON.parse(JSON.stringify({ seed, recipe: recipeOf(row, base), rebalance: after, ...lessons }));
}

function rebalanceOf(recipe: RebalanceRecipe, row: AblationRow): RebalanceRecipe {
  return row.rebalance === 'smote' ? recipe : { ...recipe, smote: null };
}

function checkpointOf(job: AblationJob, row: AblationRow): Promise<Checkpoint> {
  if (row.learns) return readCheckpoint(resultOf(job, predecessor(row)));
  return row.rebalance === 'none' ? trained(job, row) : rebalanced(job, row);
}

/** Where a finished row's network lies. */
function resultOf({ folder }: AblationJob, row: AblationRow | null): string {
  return path.join(folder, row?.id ?? '', TRAINING_FILES.result);
}

function trained(
  { folder, base, classes, seed, source, progress }: AblationJob,
  row: AblationRow,
): Promise<Checkpoint> {
  return train({
    folder: path.join(folder, row.id),
    recipe: recipeOf(row, base),
    classes,
    seed,
    source: source.training,
    teachers: [],
    resume: true,
    from: null,
    ...progress,
  });
}

async function rebalanced(job: AblationJob, row: AblationRow): Promise<Checkpoint> {
  const folder = path.join(job.folder, row.id);
  const recipe = rebalanceOf(job.rebalance, row);
  const { checkpoint } = await rebalance({
    folder: path.join(folder, 'tuning'),
    checkpoint: await readCheckpoint(resultOf(job, predecessor(row))),
    recipe,
    seed: job.seed,
    images: job.source.images,
    open: job.source.open,
    data: job.source.training.stage(recipe.fineTune ?? job.base.float),
  });
  await writeCheckpoint(resultOf(job, row), checkpoint);
  return checkpoint;
}
