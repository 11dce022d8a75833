/** A checkpoint ready to answer. */
import * as tf from '@tensorflow/tfjs-core';
import { embeddingOf } from '../../model/architecture/architecture.ts';
import { answeringArrays, type Checkpoint } from '../../model/checkpoint/format.ts';
import { type Execution, execute, logitsOf } from './execute.ts';
import { fakeQuantiser } from './quantiser.ts';
import { tensorOf } from './tensors.ts';

export interface OpenNetwork {
  readonly checkpoint: Checkpoint;
  /** Side of its images, pixels. */
  readonly inputSize: number;
  /** Batch × side × side × 3 in 0…1 → logits, [batch, classes]. Call it within `tf.tidy`. */
  logits(images: tf.Tensor): tf.Tensor2D;
  /**
   * The same images → what the head reads, [batch, features]. Call it within `tf.tidy`.
   * @throws RangeError without a dense head
   */
  embeddings(images: tf.Tensor): tf.Tensor2D;
  dispose(): void;
}

/** As its averages answer, and rounding where it was trained to round. */
export function openNetwork(checkpoint: Checkpoint): OpenNetwork {
  const { architecture, quantisation } = checkpoint;
  const tensors = new Map(
    Array.from(answeringArrays(checkpoint), ([name, array]) => [name, tensorOf(array)]),
  );
  const array = (name: string): tf.Tensor => {
    const tensor = tensors.get(name);
    if (tensor === undefined) throw new RangeError(`No array is named ${name}`);
    return tensor;
  };
  const execution = (): Execution => ({
    architecture,
    array,
    training: null,
    quantiser: quantisation && fakeQuantiser(architecture, quantisation, (name) => tensors.get(name)),
  });
  const embedding = embeddingOf(architecture);
  return {
    checkpoint,
    inputSize: architecture.inputShape[0],
    logits: (images) => logitsOf(execution(), images),
    embeddings(images) {
      if (embedding === null) throw new RangeError(`${architecture.name} has no dense head`);
      const made = execute(execution(), images, [embedding])[embedding];
      return tf.reshape(made, [made.shape[0], -1]);
    },
    dispose: () => tf.dispose([...tensors.values()]),
  };
}
