/** The head alone: softmax regression on embeddings, rounded in the forward pass as the integer graph rounds. */
import * as tf from '@tensorflow/tfjs-core';
import type { NamedArray } from '../../model/checkpoint/format.ts';
import { type AdamWSlot, adamWStep, fakeQuantise } from '../backend/operators.ts';
import { tensorOf } from '../network/tensors.ts';
import { shuffled } from '../protocol/shuffle.ts';
import type { RateRecipe } from '../recipes/recipe.ts';
import { type Rows, selectRows } from '../smote/rows.ts';
import { learningRateAt } from '../trainer/schedule.ts';
import { seedOf } from '../trainer/seed.ts';

/** logits = embedding · weights + bias */
export interface Head {
  /** [width, classes]. */
  readonly weights: NamedArray;
  /** [classes]. */
  readonly bias: NamedArray;
}

export interface HeadQuantisation {
  /** Of the embedding: quantised values 0…`maximum`. */
  readonly input: { readonly scale: number; readonly zeroPoint: number; readonly maximum: number };
  /** Largest quantised weight; one step for all classes follows the largest magnitude. */
  readonly limit: number;
}

export interface HeadSettings {
  readonly epochs: number;
  readonly batch: number;
  readonly rate: RateRecipe;
  readonly weightDecay: number;
  /** Decay of the moving averages that are the result, per step; 0 gives the last values. */
  readonly averageDecay: number;
  readonly seed: number;
}

const ADAMW = { beta1: 0.9, beta2: 0.999, epsilon: 1e-8 };

/** Keeps the step of weights that are all zero above zero. */
const SMALLEST_STEP = 1e-12;

/**
 * Trains by cross-entropy with AdamW; every vector comes once per epoch, in an order that follows from the seed. The
 * same inputs and backend give the same head.
 * @param onEpoch called after each epoch with its mean loss
 */
export function trainHead(
  start: Head,
  rows: Rows,
  labels: Uint8Array,
  quantisation: HeadQuantisation,
  settings: HeadSettings,
  onEpoch: (epoch: number, loss: number) => void = () => {},
): Head {
  const weights = slotOf(start.weights, settings.weightDecay);
  const bias = slotOf(start.bias, 0);
  try {
    const perEpoch = Math.ceil(rows.count / settings.batch);
    for (let epoch = 0; epoch < settings.epochs; epoch++) {
      const order = shuffled(labels.keys(), seedOf(settings.seed, epoch));
      let loss = 0;
      for (let b = 0; b < perEpoch; b++) {
        const indices = order.slice(b * settings.batch, (b + 1) * settings.batch);
        const step = epoch * perEpoch + b;
        const learningRate = learningRateAt(settings.rate, step, settings.epochs * perEpoch);
        const batchLoss = update(
          weights,
          bias,
          selectRows(rows, indices),
          indices.map((i) => labels[i]),
          quantisation,
          {
            step: step + 1,
            learningRate,
            averageDecay: Math.min(settings.averageDecay, (1 + step) / (10 + step)),
          },
        );
        loss += (batchLoss * indices.length) / rows.count;
      }
      onEpoch(epoch, loss);
    }
    return { weights: averageOf(weights), bias: averageOf(bias) };
  } finally {
    for (const { parameter, firstMoment, secondMoment, average } of [weights, bias]) {
      tf.dispose([parameter, firstMoment, secondMoment, average]);
    }
  }
}

/** One step. @returns the mean loss before it */
function update(
  weights: AdamWSlot,
  bias: AdamWSlot,
  { values, count, width }: Rows,
  labels: readonly number[],
  quantisation: HeadQuantisation,
  step: { readonly step: number; readonly learningRate: number; readonly averageDecay: number },
): number {
  return tf.tidy(() => {
    const { scale, zeroPoint, maximum } = quantisation.input;
    const x = fakeQuantise(tf.tensor2d(values, [count, width]), scale, zeroPoint, 0, maximum);
    const truth = tf.oneHot(tf.tensor1d([...labels], 'int32'), bias.parameter.size);
    const { value, grads } = tf.variableGrads(() => {
      const logits = tf.add(tf.matMul(x, onGrid(weights.parameter, quantisation.limit)), bias.parameter);
      return tf.div(tf.neg(tf.sum(tf.mul(truth, tf.logSoftmax(logits)))), count);
    }, [weights.parameter, bias.parameter]);
    const slots = [weights, bias];
    adamWStep(
      slots,
      slots.map(({ parameter }) => grads[parameter.name]),
      { ...ADAMW, ...step },
    );
    return value.dataSync()[0];
  });
}

/** The weights as the integer graph stores them: one step for all classes, so that potentials compare. */
function onGrid(weights: tf.Tensor, limit: number): tf.Tensor {
  const step = tf.maximum(tf.div(tf.max(tf.abs(weights)), limit), SMALLEST_STEP);
  return fakeQuantise(weights, step, 0, -limit, limit);
}

function slotOf(array: NamedArray, weightDecay: number): AdamWSlot {
  return tf.tidy(() => {
    const value = tensorOf(array);
    const zeros = tf.zerosLike(value);
    return {
      parameter: tf.variable(value),
      firstMoment: tf.variable(zeros),
      secondMoment: tf.variable(zeros),
      average: tf.variable(value),
      weightDecay,
    };
  });
}

function averageOf({ average }: AdamWSlot): NamedArray {
  return { shape: [...average.shape], values: Float32Array.from(average.dataSync()) };
}
