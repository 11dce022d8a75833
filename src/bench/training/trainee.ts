import * as tf from '@tensorflow/tfjs-core';
import { qana } from '../../model/networks/qana.ts';
import { initialArrays } from '../../training/network/initialise.ts';
import { startingState, Trainee } from '../../training/trainer/trainee.ts';

export interface Training {
  /** Takes one training step. */
  readonly step: () => void;
  /** Number of the network's parameters. */
  readonly parameters: number;
}

/** A training of QANA on random images, on whichever backend is active. @param side of the images, pixels */
export function trainingOf(images: number, side: number): Training {
  const architecture = qana({ inputSize: side });
  const { parameters, statistics } = initialArrays(architecture, 1);
  const trainee = new Trainee(architecture, startingState(parameters, statistics), {
    weightDecay: 0.01,
    optimiser: 'adamw',
    quantisation: null,
  });
  const pixels = tf.randomUniform<tf.Rank.R4>([images, side, side, 3], 0, 1, 'float32', 1);
  const classes = tf.tensor1d(
    Array.from({ length: images }, (_, i) => i % 7),
    'int32',
  );
  const labels = tf.oneHot(classes, 7);
  const lossOf = (logits: tf.Tensor) =>
    tf.losses.softmaxCrossEntropy(labels, logits, undefined, 0.1) as tf.Scalar;
  const settings = { learningRate: 1e-3, averageDecay: 0.999, seed: 1 };
  const sizes = Array.from(parameters.values(), ({ values }) => values.length);
  return {
    step: () => void trainee.step(pixels, lossOf, settings),
    parameters: sizes.reduce((all, size) => all + size, 0),
  };
}
