import * as tf from '@tensorflow/tfjs-core';
import { softmax } from '../../runtime/inference/readout.ts';
import { type Metrics, measure } from '../../statistics/metrics.ts';
import type { Prediction } from '../../statistics/prediction.ts';
import type { TrainingData } from '../data/training-data.ts';

/** What a network's answers on a split are worth; softmax of the logits in double precision, no calibration. */
export async function validate(
  data: TrainingData,
  classes: readonly string[],
  logits: (images: tf.Tensor) => tf.Tensor2D,
): Promise<Metrics> {
  const predictions: Prediction[] = [];
  for await (const { images, labels, indices } of data.batches(0)) {
    const [pixels] = images;
    const side = Math.sqrt(pixels.length / labels.length / 3);
    const answers = tf.tidy(() =>
      logits(tf.tensor(pixels, [labels.length, side, side, 3])).dataSync<'float32'>(),
    );
    labels.forEach((label, i) => {
      const row = answers.subarray(i * classes.length, (i + 1) * classes.length);
      predictions.push({ label, probabilities: softmax(1, row), group: data.lesions[indices[i]] });
    });
  }
  return measure(classes, predictions);
}
