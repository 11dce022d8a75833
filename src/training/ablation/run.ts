/** Trains and measures the rows of the ablation, one after the other, each with the same budget and seed. */
import { mkdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { UsageError } from '../../errors.ts';
import { parameterCount } from '../../model/architecture/parameters.ts';
import { replaceFile } from '../../model/bundle/replace-file.ts';
import { readCheckpoint, writeCheckpoint } from '../checkpoint/file.ts';
import type { Checkpoint } from '../checkpoint/format.ts';
import type { Row, TrainingData } from '../data/training-data.ts';
import { integerAnswers, integerModel } from '../measure/integer-model.ts';
import { type RebalanceRecipe, rebalance } from '../rebalance/rebalance.ts';
import { networkOf } from '../recipes/network.ts';
import type { Recipe } from '../recipes/recipe.ts';
import type { ListedImage } from '../smote/embed.ts';
import { TRAINING_FILES } from '../trainer/files.ts';
import { type TrainingJob, type TrainingSource, train } from '../trainer/train.ts';
import { answersSchema, type RowAnswers } from './figures.ts';
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
  await mkdir(folder, { recursive: true });
  const started = performance.now();
  const checkpoint = row.rebalance === 'none' ? await trained(job, row) : await rebalanced(job, row);
  const seconds = (performance.now() - started) / 1000;
  const model = await integerModel(checkpoint, row.id, () =>
    job.source.training.calibration(checkpoint.architecture.inputShape[0], 256),
  );
  const answersOn = async (split: 'val' | 'test') => {
    const data = await job.source.split(split);
    return integerAnswers(model, data).finally(() => data.close());
  };
  const answers: RowAnswers = {
    format: 1,
    row: row.id,
    seed: job.seed,
    recipe,
    seconds,
    parameters: parameterCount(networkOf(recipeOf(row, job.base).network, job.classes.length)),
    classes: job.classes,
    validation: await answersOn('val'),
    test: await answersOn('test'),
  };
  await replaceFile(file, Buffer.from(JSON.stringify(answers)));
  job.onRow?.(row, 'trained');
  return answers;
}

/** The finished row in a folder of `runRow`, null where there is none. */
export async function readAnswers(folder: string, id: string): Promise<RowAnswers | null> {
  try {
    return answersSchema.parse(JSON.parse(await readFile(path.join(folder, id, ANSWERS), 'utf8')));
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return null;
    throw error;
  }
}

function settingsOf({ base, rebalance, seed }: AblationJob, row: AblationRow): unknown {
  const after = row.rebalance === 'none' ? null : rebalanceOf(rebalance, row);
  return JSON.parse(JSON.stringify({ seed, recipe: recipeOf(row, base), rebalance: after }));
}

function rebalanceOf(recipe: RebalanceRecipe, row: AblationRow): RebalanceRecipe {
  return row.rebalance === 'smote' ? recipe : { ...recipe, smote: null };
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
  const before = predecessor(row);
  const start = path.join(job.folder, before?.id ?? '', TRAINING_FILES.result);
  const folder = path.join(job.folder, row.id);
  const recipe = rebalanceOf(job.rebalance, row);
  const { checkpoint } = await rebalance({
    folder: path.join(folder, 'tuning'),
    checkpoint: await readCheckpoint(start),
    recipe,
    seed: job.seed,
    images: job.source.images,
    open: job.source.open,
    data: job.source.training.stage(recipe.fineTune ?? job.base.float),
  });
  await writeCheckpoint(path.join(folder, TRAINING_FILES.result), checkpoint);
  return checkpoint;
}
