/** One epoch of a stage: every batch once through the optimiser. */
import * as tf from '@tensorflow/tfjs-core';
import { SpikescopeError } from '../../errors.ts';
import type { Batch, TrainingData } from '../data/training-data.ts';
import type { StageRecipe } from '../recipes/recipe.ts';
import { classWeights, logitAdjustment, lossOf, targetShares } from './loss.ts';
import { learningRateAt } from './schedule.ts';
import { seedOf } from './seed.ts';
import type { Trainee } from './trainee.ts';

export interface Epoch {
  /** From 0. */
  readonly number: number;
  /** Which epoch's views it shows. */
  readonly views: number;
  /** Epochs of the stage. */
  readonly of: number;
  /** Side of the images, pixels. */
  readonly side: number;
  readonly training: TrainingData;
  readonly recipe: StageRecipe;
  readonly seed: number;
  /** From `taughtProbabilities`; null without teachers. */
  readonly taught: Float32Array | null;
  /** Takes the share of the epoch that is done. */
  readonly onStep: (share: number) => void;
}

/** @returns the mean loss and the last step's learning rate. @throws SpikescopeError `TRAINING_DIVERGED` */
export async function trainEpoch(trainee: Trainee, epoch: Epoch): Promise<{ loss: number; rate: number }> {
  const { recipe, training, seed, side } = epoch;
  const steps = training.batchesPerEpoch;
  const weights = classWeights(recipe.loss.balance, training.classCounts);
  const adjustment = logitAdjustment(recipe.loss.logitAdjustment, training.classCounts);
  let [sum, rate, done, row] = [0, 0, 0, 0];
  for await (const batch of training.batches(epoch.views)) {
    rate = learningRateAt(recipe.rate, trainee.steps, steps * epoch.of);
    const shares = targetShares(batch, weights, recipe.loss.labelSmoothing);
    const loss = tf.tidy(() => {
      const inputs = {
        shares: tf.tensor2d(shares, [batch.labels.length, weights.length]),
        adjustment: tf.tensor1d(adjustment),
        teacher: rowsOf(epoch.taught, row, batch.labels.length, weights.length),
        distillation: recipe.loss.distillation,
      };
      return trainee.step(pixels(batch, side), (logits) => lossOf(logits, inputs), {
        learningRate: rate,
        averageDecay: recipe.averageDecay,
        seed: seedOf(seed, DROPOUT, trainee.steps),
      });
    });
    if (!Number.isFinite(loss)) throw diverged(epoch.number, rate);
    sum += loss;
    row += batch.labels.length;
    epoch.onStep(++done / steps);
  }
  return { loss: sum / steps, rate };
}

/** Which part of the randomness a seed is for. */
const DROPOUT = 1;

function pixels({ images, labels }: Batch, side: number): tf.Tensor {
  return tf.tensor(images[0], [labels.length, side, side, 3]);
}

function rowsOf(
  taught: Float32Array | null,
  first: number,
  count: number,
  classes: number,
): tf.Tensor2D | null {
  if (taught === null) return null;
  return tf.tensor2d(taught.subarray(first * classes, (first + count) * classes), [count, classes]);
}

function diverged(epoch: number, rate: number): SpikescopeError {
  return new SpikescopeError('TRAINING_DIVERGED', `The loss left the finite numbers in epoch ${epoch + 1}`, {
    received: `a learning rate of ${rate.toPrecision(3)}`,
    remedy: 'lower the peak of the learning rate, or lengthen its rise',
  });
}
