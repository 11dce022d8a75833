/**
 * Balances a trained network for its rare classes (QANA, §III-A3): the quantised head is trained on real and synthetic
 * embeddings while everything before it stands still, then last block and head are tuned on real images.
 */
import { rm } from 'node:fs/promises';
import path from 'node:path';
import { makeFolder } from '../../make-folder.ts';
import { readCheckpoint } from '../../model/checkpoint/file.ts';
import type { Checkpoint } from '../../model/checkpoint/format.ts';
import type { Row, TrainingData } from '../data/training-data.ts';
import { type HeadSettings, trainHead } from '../head/train-head.ts';
import { openNetwork } from '../network/open.ts';
import type { StageRecipe } from '../recipes/recipe.ts';
import { embedTraining, type ListedImage } from '../smote/embed.ts';
import { stackRows } from '../smote/rows.ts';
import { type ClassSynthesis, type SmoteOptions, smote } from '../smote/smote.ts';
import { STAGE_FILES } from '../trainer/files.ts';
import type { EpochEntry } from '../trainer/log.ts';
import { runStage, type StageData } from '../trainer/stage.ts';
import { headOf, withHead } from './head-of.ts';
import { lastBlock } from './last-block.ts';

export interface RebalanceRecipe {
  /** Null: real embeddings alone, for as many epochs; what synthesis is to be compared with. */
  readonly smote: Omit<SmoteOptions, 'seed'> | null;
  readonly head: Omit<HeadSettings, 'seed'>;
  /** Of last block and head, on real images. Null: the new head is the result. */
  readonly fineTune: StageRecipe | null;
}

/** In this order; each reports the share that is done, 0…1. */
export type RebalanceStage = 'embedding' | 'head' | 'tuning';

export interface RebalanceJob {
  /** Folder of the tuning; made when missing. */
  readonly folder: string;
  /** A result of quantised training. */
  readonly checkpoint: Checkpoint;
  readonly recipe: RebalanceRecipe;
  readonly seed: number;
  /** All images of the data set; those of the training split are read. */
  readonly images: readonly ListedImage[];
  /** Pixels of these rows, unaugmented, at the network's own size. */
  readonly open: (rows: readonly Row[]) => Promise<TrainingData>;
  /** For the tuning. */
  readonly data: StageData;
  readonly onStep?: (stage: RebalanceStage, share: number) => void;
  readonly onHeadEpoch?: (epoch: number, loss: number) => void;
  readonly onEpoch?: (entry: EpochEntry) => void;
}

export interface Rebalanced {
  readonly checkpoint: Checkpoint;
  /** With the new head, before the tuning. */
  readonly beforeTuning: Checkpoint;
  /** Per class; null without synthesis. */
  readonly synthesis: readonly ClassSynthesis[] | null;
}

/** @throws UsageError `HEAD_NOT_QUANTISED`, RefusedError `SMOTE_*`, SpikescopeError `TRAINING_DIVERGED` */
export async function rebalance(job: RebalanceJob): Promise<Rebalanced> {
  const { checkpoint, images, open, recipe, seed } = job;
  const { head, quantisation } = headOf(checkpoint);
  const network = openNetwork(checkpoint);
  const real = await embedTraining(network, images, checkpoint.classes.length, open, (share) =>
    job.onStep?.('embedding', share),
  ).finally(() => network.dispose());
  const synthetic = recipe.smote && (await smote(real, { ...recipe.smote, seed }));
  const trained = trainHead(
    head,
    synthetic === null ? real.rows : stackRows([real.rows, synthetic.rows]),
    synthetic === null ? real.labels : Uint8Array.from([...real.labels, ...synthetic.labels]),
    quantisation,
    { ...recipe.head, seed },
    (epoch, loss) => {
      job.onStep?.('head', (epoch + 1) / recipe.head.epochs);
      job.onHeadEpoch?.(epoch, loss);
    },
  );
  const beforeTuning = withHead(checkpoint, trained);
  return {
    checkpoint: recipe.fineTune === null ? beforeTuning : await tune(job, recipe.fineTune, beforeTuning),
    beforeTuning,
    synthesis: synthetic?.classes ?? null,
  };
}

/** A short training of last block and head on real images. */
async function tune(job: RebalanceJob, recipe: StageRecipe, start: Checkpoint): Promise<Checkpoint> {
  const { folder, data, seed } = job;
  const tuned = lastBlock(start.architecture);
  makeFolder(folder);
  await rm(path.join(folder, STAGE_FILES.log), { force: true });
  const last = await runStage({
    folder,
    architecture: start.architecture,
    start: { parameters: start.averages ?? start.parameters, statistics: start.statistics },
    quantisation: start.quantisation,
    learns: (parameter) => tuned.has(layerOf(parameter)),
    recipe,
    recipeDocument: JSON.parse(JSON.stringify({ stage: 'rebalance', seed, recipe: job.recipe })),
    classes: start.classes,
    seed,
    data,
    teachers: [],
    resumed: null,
    onStep: (share) => job.onStep?.('tuning', share),
    onEpoch: job.onEpoch ?? (() => {}),
  });
  return recipe.select === 'best'
    ? readCheckpoint(path.join(folder, STAGE_FILES.best))
    : { ...last, optimiser: null };
}

/** `layer/weights`, `layer/weights/logStep`, `tensor/logStep` → the layer or tensor. */
function layerOf(parameter: string): string {
  return parameter.slice(0, parameter.indexOf('/'));
}
