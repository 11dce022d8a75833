import * as tf from '@tensorflow/tfjs-core';
import type { Row, TrainingData } from '../data/training-data.ts';
import type { OpenNetwork } from '../network/open.ts';
import { type LabelledImage, TrainingEmbeddings } from './training-embeddings.ts';

/** An image of a data set, as `loadDataset` lists it. */
export interface ListedImage extends LabelledImage {
  readonly imageId: string;
}

/**
 * What the head reads of every training image, without augmentation.
 * @param images of all splits; those of the training split alone are opened
 * @param open gives the pixels of these rows, unaugmented
 * @param onShare takes the share that is done, 0…1
 */
export async function embedTraining(
  network: OpenNetwork,
  images: readonly ListedImage[],
  classCount: number,
  open: (rows: readonly Row[]) => Promise<TrainingData>,
  onShare: (share: number) => void = () => {},
): Promise<TrainingEmbeddings> {
  return TrainingEmbeddings.collect(images, classCount, async (training) => {
    const data = await open(training.map(({ imageId }) => ({ imageId, copy: 0 })));
    try {
      return await embed(network, data, onShare);
    } finally {
      await data.close();
    }
  });
}

/** Embeddings of all images, in the order of the data's own indices. */
async function embed(
  network: OpenNetwork,
  data: TrainingData,
  onShare: (share: number) => void,
): Promise<Float32Array> {
  const side = network.inputSize;
  let all: Float32Array | null = null;
  let done = 0;
  for await (const { images, indices } of data.batches(0)) {
    const vectors = tf.tidy(() =>
      network.embeddings(tf.tensor(images[0], [indices.length, side, side, 3])).dataSync<'float32'>(),
    );
    const width = vectors.length / indices.length;
    all ??= new Float32Array(width * data.length);
    for (let i = 0; i < indices.length; i++) {
      all.set(vectors.subarray(i * width, (i + 1) * width), indices[i] * width);
    }
    done += indices.length;
    onShare(done / data.length);
  }
  return all ?? new Float32Array(0);
}
