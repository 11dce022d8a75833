/** One epoch of a stage: every batch once through the optimiser. */
import * as tf from '@tensorflow/tfjs-core';
import { SpikescopeError } from '../../errors.ts';
import type { Batch, TrainingData } from '../data/training-data.ts';
import type { OpenNetwork } from '../network/open.ts';
import type { StageRecipe } from '../recipes/recipe.ts';
import { classWeights, logitAdjustment, lossOf, targetShares } from './loss.ts';
import { learningRateAt } from './schedule.ts';
import { seedOf } from './seed.ts';
import type { Trainee } from './trainee.ts';

export interface Epoch {
  /** From 0. */
  readonly number: number;
  /** Epochs of the stage. */
  readonly of: number;
  /** Side of the images, pixels. */
  readonly side: number;
  readonly training: TrainingData;
  readonly recipe: StageRecipe;
  readonly seed: number;
  readonly teachers: readonly OpenNetwork[];
  /** Takes the share of the epoch that is done. */
  readonly onStep: (share: number) => void;
}

/** @returns the mean loss and the last step's learning rate. @throws SpikescopeError `TRAINING_DIVERGED` */
export async function trainEpoch(trainee: Trainee, epoch: Epoch): Promise<{ loss: number; rate: number }> {
  const { recipe, training, seed, side, teachers } = epoch;
  const steps = training.batchesPerEpoch;
  const weights = classWeights(recipe.loss.balance, training.classCounts);
  const adjustment = logitAdjustment(recipe.loss.logitAdjustment, training.classCounts);
  let [sum, rate, done] = [0, 0, 0];
  for await (const batch of training.batches(epoch.number)) {
    rate = learningRateAt(recipe.rate, trainee.steps, steps * epoch.of);
    const shares = targetShares(batch, weights, recipe.loss.labelSmoothing);
    const loss = tf.tidy(() => {
      const inputs = {
        shares: tf.tensor2d(shares, [batch.labels.length, weights.length]),
        adjustment: tf.tensor1d(adjustment),
        teacher: teacherProbabilities(teachers, batch, recipe),
        distillation: recipe.loss.distillation,
      };
      return trainee.step(pixels(batch, 0, side), (logits) => lossOf(logits, inputs), {
        learningRate: rate,
        averageDecay: recipe.averageDecay,
        seed: seedOf(seed, DROPOUT, trainee.steps),
      });
    });
    if (!Number.isFinite(loss)) throw diverged(epoch.number, rate);
    sum += loss;
    epoch.onStep(++done / steps);
  }
  return { loss: sum / steps, rate };
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

function diverged(epoch: number, rate: number): SpikescopeError {
  return new SpikescopeError('TRAINING_DIVERGED', `The loss left the finite numbers in epoch ${epoch + 1}`, {
    received: `a learning rate of ${rate.toPrecision(3)}`,
    remedy: 'lower the peak of the learning rate, or lengthen its rise',
  });
}
