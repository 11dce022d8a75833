/** ONNX models through the converter, and through onnxruntime for comparison. */
import { realImage } from '../../src/conversion/calibration/real-image.ts';
import { type ConversionOptions, convert } from '../../src/conversion/convert.ts';
import { prepareModel } from '../../src/conversion/prepare.ts';
import type { ModelContents } from '../../src/model/bundle/bundle.ts';
import type { IntegerGraph } from '../../src/model/graph.ts';
import { interpret } from '../../src/model/interpreter/interpreter.ts';
import { channelsFirst, onnxruntime } from './onnx.ts';
import { Random } from './random.ts';

/** uint8, side × side × 3 each: random blocks, so that neighbours resemble each other as in pictures. */
export function randomImages(count: number, side: number, seed = 7): Uint8Array[] {
  const random = new Random(seed);
  return Array.from({ length: count }, () => {
    const cells = random.integer(1, side);
    const grid = random.bytes(cells * cells * 3);
    return Uint8Array.from({ length: side * side * 3 }, (_, i) => {
      const pixel = Math.floor(i / 3);
      const row = Math.floor((Math.floor(pixel / side) * cells) / side);
      const column = Math.floor(((pixel % side) * cells) / side);
      return grid[(row * cells + column) * 3 + (i % 3)];
    });
  });
}

/** As the command does, calibrated on images that are at hand. */
export async function convertOnnx(
  contents: Uint8Array,
  images: readonly Uint8Array[],
  options: Partial<ConversionOptions> = {},
): Promise<ModelContents> {
  const prepared = await prepareModel(contents, 'sketch.onnx');
  const calibration = { images, sha256: '0'.repeat(64), refused: [] };
  return convert(prepared, contents, calibration, {
    name: 'sketch',
    version: '1.0.0',
    sourceName: 'sketch.onnx',
    scheme: 'per-channel',
    ...options,
  });
}

/** Logits of the integer graph, as real numbers. */
export function integerLogits(graph: IntegerGraph, image: Uint8Array): number[] {
  return Array.from(interpret(graph, image).potentials, (potential) => potential * graph.head.scale);
}

/** The float model's output for each image by onnxruntime, as the specification says, without rewrites. */
export async function onnxruntimeLogits(
  contents: Uint8Array,
  images: readonly Uint8Array[],
  side: number,
): Promise<number[][]> {
  if (onnxruntime === null) throw new Error('onnxruntime-node is not installed');
  const session = await onnxruntime.InferenceSession.create(contents, {
    intraOpNumThreads: 1,
    logSeverityLevel: 3,
    graphOptimizationLevel: 'disabled',
  });
  const answers: number[][] = [];
  for (const image of images) {
    const values = channelsFirst(realImage(image), [side, side, 3]);
    const feeds = { [session.inputNames[0]]: new onnxruntime.Tensor('float32', values, [1, 3, side, side]) };
    const { data } = (await session.run(feeds))[session.outputNames[0]];
    if (!(data instanceof Float32Array)) throw new TypeError('onnxruntime did not answer with floats');
    answers.push(Array.from(data));
  }
  await session.release();
  return answers;
}
