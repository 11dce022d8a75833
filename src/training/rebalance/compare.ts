/** What balancing by synthetic embeddings brings: the network as it is, the control without synthesis, and SMOTE. */
import path from 'node:path';
import type { Checkpoint } from '../../model/checkpoint/format.ts';
import { bootstrapDifferences, type Differences } from '../../statistics/difference.ts';
import type { Prediction } from '../../statistics/prediction.ts';
import { type TableFigures, tableFigures } from '../ablation/figures.ts';
import type { TrainingData } from '../data/training-data.ts';
import { integerAnswers, integerModel } from '../measure/integer-model.ts';
import type { ClassSynthesis } from '../smote/smote.ts';
import { type RebalanceJob, rebalance } from './rebalance.ts';

export const ARMS = ['before', 'real', 'smote'] as const;
/** `real`: the same training on real embeddings alone. */
export type Arm = (typeof ARMS)[number];

export interface Comparison {
  readonly figures: Readonly<Record<Arm, TableFigures>>;
  readonly gains: {
    readonly smoteOverReal: Differences;
    readonly smoteOverBefore: Differences;
  };
}

export interface Compared {
  /** Balanced by SMOTE. */
  readonly checkpoint: Checkpoint;
  readonly synthesis: readonly ClassSynthesis[];
  /** By the name of the split. */
  readonly splits: Readonly<Record<string, Comparison>>;
}

export interface CompareJob extends RebalanceJob {
  /** Splits to measure on, opened as the device sees them. */
  readonly measure: Readonly<Record<string, () => Promise<TrainingData>>>;
}

/** All arms in 8-bit integers on the same images. @throws as `rebalance` and `integerModel` */
export async function compareBalancing(job: CompareJob): Promise<Compared> {
  const balanced = await rebalance({ ...job, folder: path.join(job.folder, 'smote') });
  const control = await rebalance({
    ...job,
    folder: path.join(job.folder, 'real'),
    recipe: { ...job.recipe, smote: null },
  });
  const checkpoints: Record<Arm, Checkpoint> = {
    before: job.checkpoint,
    real: control.checkpoint,
    smote: balanced.checkpoint,
  };
  const splits: Record<string, Comparison> = {};
  for (const [split, open] of Object.entries(job.measure)) {
    splits[split] = comparisonOf(job.checkpoint.classes, {
      before: await answersOf(checkpoints.before, open),
      real: await answersOf(checkpoints.real, open),
      smote: await answersOf(checkpoints.smote, open),
    });
  }
  return { checkpoint: balanced.checkpoint, synthesis: balanced.synthesis ?? [], splits };
}

async function answersOf(checkpoint: Checkpoint, open: () => Promise<TrainingData>): Promise<Prediction[]> {
  // A network with a quantised head brings its scales; no image is needed for them.
  const model = await integerModel(checkpoint, 'balanced', async () => []);
  const data = await open();
  return integerAnswers(model, data).finally(() => data.close());
}

function comparisonOf(classes: readonly string[], answers: Readonly<Record<Arm, Prediction[]>>): Comparison {
  return {
    figures: {
      before: tableFigures(classes, answers.before),
      real: tableFigures(classes, answers.real),
      smote: tableFigures(classes, answers.smote),
    },
    gains: {
      smoteOverReal: bootstrapDifferences(classes, answers.real, answers.smote),
      smoteOverBefore: bootstrapDifferences(classes, answers.before, answers.smote),
    },
  };
}
