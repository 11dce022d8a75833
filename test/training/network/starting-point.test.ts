import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, it } from 'vitest';
import { NetworkBuilder } from '../../../src/bench/networks/network-builder.ts';
import { exportFloat } from '../../../src/conversion/export/float.ts';
import { floatGraphOf } from '../../../src/conversion/float/architecture.ts';
import { importOnnx } from '../../../src/conversion/onnx/import.ts';
import { parametersOf, statisticsOf } from '../../../src/model/architecture/parameters.ts';
import { efficientNetLite } from '../../../src/model/networks/efficientnet-lite.ts';
import { useBackend } from '../../../src/training/backend/backend.ts';
import { logitsOf, type Training } from '../../../src/training/network/execute.ts';
import { adopted, type StartingPoint, startingPoint } from '../../../src/training/network/starting-point.ts';
import { tensorOf } from '../../../src/training/network/tensors.ts';
import { randomArrays, tinyQana } from '../../support/architectures.ts';
import { onnxruntimeLogits, randomImages } from '../../support/convert-onnx.ts';
import { onnxruntime } from '../../support/onnx.ts';

const SIDE = 16;

beforeAll(() => useBackend('cpu'));

/** An inverted residual behind a stride, as mobile networks have them, from another framework. */
function mobileOnnx(classes: number): Promise<Uint8Array> {
  const builder = new NetworkBuilder(SIDE, 3);
  const stem = builder.relu6(builder.convolution(builder.image, { channels: 8, kernel: 3, stride: 2 }));
  const wide = builder.relu6(builder.convolution(stem, { channels: 24, kernel: 1 }));
  const deep = builder.relu6(builder.convolution(wide, { channels: 24, kernel: 5, groups: 24 }));
  const sum = builder.add(stem, builder.convolution(deep, { channels: 8, kernel: 1 }));
  const last = builder.convolution(sum, { channels: 12, kernel: 3, stride: 2 });
  return builder.encode(builder.dense(builder.flatten(builder.globalAverage(builder.relu(last))), classes));
}

const OPTIONS = { name: 'mobile', inputSize: SIDE, classes: 5, headDropout: 0, seed: 1 };

function logitsOfStart(
  { architecture, parameters, statistics }: StartingPoint,
  images: readonly Uint8Array[],
  training: Training | null = null,
): number[][] {
  return tf.tidy(() => {
    const tensors = new Map(
      [...parameters, ...statistics].map(([name, array]) => [name, tensorOf(array)] as const),
    );
    const array = (name: string) => {
      const tensor = tensors.get(name);
      if (tensor === undefined) throw new Error(name);
      return tensor;
    };
    const pixels = Float32Array.from(
      images.flatMap((image) => [...image]),
      (value) => value / 255,
    );
    const batch = tf.tensor(pixels, [images.length, ...architecture.inputShape]);
    return logitsOf({ architecture, array, training, quantiser: null }, batch).arraySync();
  });
}

function expectClose(actual: readonly number[][], expected: readonly number[][]): void {
  const size = Math.max(...expected.flat().map(Math.abs));
  expected.forEach((row, i) => {
    row.forEach((value, c) => {
      expect(Math.abs(actual[i][c] - value)).toBeLessThan(1e-4 * size);
    });
  });
}

describe('a network from elsewhere', () => {
  const images = randomImages(12, SIDE);

  it.skipIf(onnxruntime === null)(
    'answers as onnxruntime does, with batch norms put in that it did not have',
    async () => {
      const onnx = await mobileOnnx(5);
      const { graph } = await importOnnx(onnx, 'mobile.onnx');
      const start = startingPoint(graph, { ...OPTIONS, images });
      const others = randomImages(3, SIDE, 99);
      expectClose(logitsOfStart(start, others), await onnxruntimeLogits(onnx, others, SIDE));
      expect(start.architecture.layers.filter(({ op }) => op === 'batchNorm')).toHaveLength(5);
    },
  );

  it('answers in training as it does afterwards, on the images that its statistics are of', async () => {
    const { graph } = await importOnnx(await mobileOnnx(5), 'mobile.onnx');
    const start = startingPoint(graph, { ...OPTIONS, images });
    const training = { seed: 1, observe: () => {} };
    expectClose(logitsOfStart(start, images, training), logitsOfStart(start, images));
  });

  it('reads normalised images up to their borders', async () => {
    const { graph } = await importOnnx(await mobileOnnx(5), 'mobile.onnx');
    const plain = startingPoint(graph, { ...OPTIONS, images });
    const half = { mean: [0.5, 0.5, 0.5], std: [0.5, 0.5, 0.5] };
    const normalised = startingPoint(graph, { ...OPTIONS, images, normalisation: half });
    // (x − ½) / ½ of bytes 255·(y + 1)/2 is y for y of 0 and 1.
    const bright = images.map((image) => image.map((value) => (value > 127 ? 255 : 0)));
    const raised = bright.map((image) => image.map((value) => (value === 255 ? 255 : 127.5)));
    const same = raised.map((image) => Uint8Array.from(image, Math.round));
    const [a, b] = [logitsOfStart(plain, bright), logitsOfStart(normalised, same)];
    const size = Math.max(...a.flat().map(Math.abs));
    a.flat().forEach((value, i) => {
      expect(Math.abs(b.flat()[i] - value)).toBeLessThan(0.02 * size);
    });
  });

  it('takes images of another size and a head of its own for other classes, with all arrays in their places', async () => {
    const { graph } = await importOnnx(await mobileOnnx(5), 'mobile.onnx');
    const larger = randomImages(2, 24);
    const start = startingPoint(graph, {
      ...OPTIONS,
      inputSize: 24,
      classes: 3,
      headDropout: 0.2,
      images: larger,
    });
    const { architecture, parameters, statistics } = start;
    expect([...parameters.keys()]).toEqual(parametersOf(architecture).map(({ name }) => name));
    expect([...statistics.keys()].sort()).toEqual(
      statisticsOf(architecture)
        .map(({ name }) => name)
        .sort(),
    );
    for (const { name, shape } of parametersOf(architecture)) {
      expect({ name, shape: parameters.get(name)?.shape }).toEqual({ name, shape });
    }
    expect(logitsOfStart(start, larger)[0]).toHaveLength(3);
  });

  it('goes under the names of an architecture of ours, answering as before', async () => {
    const own = efficientNetLite({ variant: 0, inputSize: 32, classes: 4, headDropout: 0 });
    const arrays = randomArrays(own);
    const { graph } = await importOnnx(await exportFloat(floatGraphOf(own, arrays)), 'lite.onnx');
    // As it came the network reads a normalised image: its own first layer is no part of the file.
    const options = { ...OPTIONS, inputSize: 32, classes: 4, images: randomImages(4, 32) };
    const start = startingPoint(graph, options);
    const named = { architecture: own, ...adopted(start, own) };
    expectClose(logitsOfStart(named, options.images), logitsOfStart(start, options.images));
    expect(() => adopted(start, tinyQana())).toThrowError(expect.objectContaining({ code: 'INITIAL' }));
  });

  it('is refused where no dense layer makes its logits', async () => {
    const builder = new NetworkBuilder(SIDE, 3);
    const map = builder.convolution(builder.image, { channels: 4, kernel: 3 });
    const onnx = await builder.encode(builder.flatten(builder.globalAverage(map)));
    const { graph } = await importOnnx(onnx, 'mobile.onnx');
    expect(() => startingPoint(graph, { ...OPTIONS, images })).toThrowError(
      expect.objectContaining({ code: 'INITIAL' }),
    );
  });
});
