/** Networks that teach: trained ones in float, or bundles as a device reads them. */
import { createHash } from 'node:crypto';
import * as tf from '@tensorflow/tfjs-core';
import { checkpointBytes } from '../../model/checkpoint/file.ts';
import type { OpenModel } from '../../runtime/engine/open-model.ts';
import type { OpenNetwork } from '../network/open.ts';

/** What answers for a teacher. */
export interface Teacher {
  readonly classes: readonly string[];
  /** Side of its images, pixels. */
  readonly inputSize: number;
  /** Stands for its weights, 64 hexadecimal digits. */
  readonly digest: string;
  /**
   * @param images `count` × side × side × 3, in 0…1
   * @returns logits, `count` × classes
   */
  logits(images: Float32Array, count: number): Promise<Float32Array>;
  close(): Promise<void>;
}

export function networkTeacher(network: OpenNetwork): Teacher {
  const { checkpoint, inputSize } = network;
  return {
    classes: checkpoint.classes,
    inputSize,
    digest: createHash('sha256').update(checkpointBytes(checkpoint)).digest('hex'),
    async logits(images, count) {
      const shape: [number, number, number, number] = [count, inputSize, inputSize, 3];
      return tf.tidy(() => network.logits(tf.tensor(images, shape)).dataSync<'float32'>());
    },
    close: async () => network.dispose(),
  };
}

/** Its logits are α × potential, so that their softmax is what the bundle says of an image. */
export function bundleTeacher({ bundle, engine }: OpenModel): Teacher {
  const { graph, digest, preprocessing, readout } = bundle;
  return {
    classes: graph.classes,
    inputSize: preprocessing.width,
    digest,
    async logits(images, count) {
      const bytes = new Uint8Array(images.length);
      // `Uint8Array.from` takes twenty times as long as this.
      for (let i = 0; i < bytes.length; i++) bytes[i] = Math.round(255 * images[i]);
      const { potentials } = await engine.infer(bytes, count);
      return Float32Array.from(potentials, (potential) => readout.alpha * potential);
    },
    close: () => engine.close(),
  };
}
