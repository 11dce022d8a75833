/** What a training is worth once it runs in integers: converted, and read by the engine that serves it. */
import { createHash } from 'node:crypto';
import type { CalibrationSet } from '../../conversion/calibration/images.ts';
import { convert } from '../../conversion/convert.ts';
import { prepareModel } from '../../conversion/prepare.ts';
import type { ModelContents } from '../../model/bundle/bundle.ts';
import { checkpointBytes } from '../../model/checkpoint/file.ts';
import type { Checkpoint } from '../../model/checkpoint/format.ts';
import { createCpuEngine } from '../../runtime/engine/cpu.ts';
import { softmax } from '../../runtime/inference/readout.ts';
import type { Prediction } from '../../statistics/prediction.ts';
import type { TrainingData } from '../data/training-data.ts';

/**
 * The network as a bundle's contents, eight bits throughout.
 * @param images training images, raw bytes, for the scales of a network that was trained without rounding; a network
 *   that was trained quantised brings its own
 * @throws RefusedError, UsageError as `prepareModel` and `convert`
 */
export async function integerModel(
  checkpoint: Checkpoint,
  name: string,
  images: () => Promise<readonly Uint8Array[]>,
): Promise<ModelContents> {
  const bytes = checkpointBytes(checkpoint);
  const sourceName = `${name}.checkpoint`;
  const prepared = await prepareModel(bytes, sourceName);
  const calibration = checkpoint.quantisation === null ? calibrationSet(await images()) : null;
  return convert(prepared, bytes, calibration, {
    name,
    version: '0.0.0',
    sourceName,
    scheme: 'per-channel',
    classes: checkpoint.classes,
  });
}

function calibrationSet(images: readonly Uint8Array[]): CalibrationSet {
  const hash = createHash('sha256');
  for (const image of images) hash.update(image);
  return { images, sha256: hash.digest('hex'), refused: [] };
}

/** The engine's answers to all images, in their own order; softmax by the model's own α, each image whole. */
export async function integerAnswers(
  { graph, readout }: Pick<ModelContents, 'graph' | 'readout'>,
  data: TrainingData,
): Promise<Prediction[]> {
  const engine = await createCpuEngine(graph);
  try {
    const answers = new Array<Prediction>(data.length);
    for await (const { images, labels, indices } of data.batches(0)) {
      const bytes = Uint8Array.from(images[0], (value) => Math.round(255 * value));
      const { potentials } = await engine.infer(bytes, labels.length);
      indices.forEach((index, i) => {
        const own = potentials.subarray(i * graph.classes.length, (i + 1) * graph.classes.length);
        answers[index] = {
          label: labels[i],
          probabilities: softmax(readout.alpha, own),
          group: data.lesions[index],
        };
      });
    }
    return answers;
  } finally {
    await engine.close();
  }
}
