/** Every image of a split through the device's own path, and through the float graph on the same inputs. */

import { mapConcurrently } from '../concurrently.ts';
import type { Sample } from '../dataset/dataset.ts';
import { SpikescopeError } from '../errors.ts';
import type { RgbFrame } from '../frame.ts';
import type { ModelBundle } from '../model/bundle/bundle.ts';
import { decodeImage } from '../preprocess/decode.ts';
import { networkInput } from '../preprocess/light.ts';
import { retakeReasons } from '../preprocess/quality.ts';
import type { Engine } from '../runtime/engine/contract.ts';
import { createClassifier } from '../runtime/inference/classifier.ts';
import { OUT_OF_SCOPE, type Reading } from '../runtime/inference/reading.ts';
import type { FloatModel } from './float-model.ts';

export interface ReadOptions {
  readonly crop: boolean;
  readonly tiling: boolean;
  /** Also run on each image's untiled input. */
  readonly float?: FloatModel;
  /** What becomes of each photograph before the device reads it. */
  readonly change?: (frame: RgbFrame, sample: Sample) => RgbFrame | Promise<RgbFrame>;
  /** Called once per image. */
  readonly onImage?: () => void;
}

/** What came of one image. */
export interface Outcome {
  readonly sample: Sample;
  /** Made without sending anything back, so that every image has an answer. */
  readonly reading: Reading;
  /** Why the device would have sent the capture back; empty when it would not. */
  readonly retake: readonly string[];
  /** Answers to exactly the same untiled input. */
  readonly comparison: { readonly integer: Int32Array; readonly float: Float32Array } | null;
}

export interface Unreadable {
  readonly imageId: string;
  readonly file: string;
  readonly code: string;
  readonly message: string;
}

export interface ReadSplit {
  readonly outcomes: readonly Outcome[];
  /** Image files that do not decode; they have no answer. */
  readonly unreadable: readonly Unreadable[];
}

/** Reads all samples, several at once; a file that does not decode is set aside, any other fault ends the run. */
export async function readSplit(
  samples: readonly Sample[],
  bundle: ModelBundle,
  engine: Engine,
  options: ReadOptions,
): Promise<ReadSplit> {
  const { crop, tiling, float, change, onImage } = options;
  const classifier = createClassifier(bundle, engine, { crop, tiling, integrityCheck: false });
  const { quality: limits } = bundle.preprocessing;

  const read = async (sample: Sample): Promise<Outcome> => {
    const photograph = await decodeImage(sample.file);
    const frame = change === undefined ? photograph : await change(photograph, sample);
    const { reading, scope } = await classifier.classify(frame);
    const failures = retakeReasons(reading.quality, limits);
    const retake = failures.length === 0 && scope?.isOutOfScope ? [OUT_OF_SCOPE] : failures;
    if (float === undefined || reading.crop === null) return { sample, reading, retake, comparison: null };
    const input = networkInput(bundle, frame, reading.crop);
    const [integer, real] = await Promise.all([engine.infer(input), float.run(float.prepare(input, 1))]);
    return { sample, reading, retake, comparison: { integer: integer.potentials, float: real } };
  };

  const results = await mapConcurrently(samples, async (sample) => {
    try {
      return await read(sample);
    } catch (error) {
      return unreadable(sample, error);
    } finally {
      onImage?.();
    }
  });
  return {
    outcomes: results.filter((result) => 'reading' in result),
    unreadable: results.filter((result) => 'code' in result),
  };
}

/** @throws anything that is not about the image file */
export function unreadable({ imageId, file }: Sample, error: unknown): Unreadable {
  if (!(error instanceof SpikescopeError) || !error.code.startsWith('IMAGE_')) throw error;
  return { imageId, file, code: error.code, message: error.describe() };
}
