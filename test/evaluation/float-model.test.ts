import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { realImage } from '../../src/conversion/calibration/real-image.ts';
import { floatGraphOf } from '../../src/conversion/float/architecture.ts';
import { evaluate } from '../../src/conversion/float/evaluate.ts';
import { openFloatModel } from '../../src/evaluation/float-model.ts';
import { writeCheckpoint } from '../../src/model/checkpoint/file.ts';
import { answeringArrays } from '../../src/model/checkpoint/format.ts';
import { randomCheckpoint } from '../support/architectures.ts';
import { randomImages } from '../support/convert-onnx.ts';
import { type LinearModel, linearOnnx } from '../support/linear-onnx.ts';

const SIDE = 4;
let folder: string;
let linear: LinearModel;

beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'float-'));
  linear = await linearOnnx(SIDE, 3);
  await writeFile(path.join(folder, 'linear.onnx'), linear.bytes);
});
afterAll(() => rm(folder, { recursive: true }));

describe('a float model', () => {
  it('sees RGB, channel by channel, divided by 255, image after image', async () => {
    const model = await openFloatModel(path.join(folder, 'linear.onnx'), SIDE);
    const pixels = SIDE * SIDE;
    const images = Uint8Array.from({ length: 2 * 3 * pixels }, (_, i) => (i * 37) % 256);
    const answer = await model.run(model.prepare(images, 2));
    await model.close();
    expect(answer).toHaveLength(6);
    for (let n = 0; n < 2; n++) {
      linear.weights.forEach((weights, c) => {
        let expected = 0;
        for (let channel = 0; channel < 3; channel++) {
          for (let pixel = 0; pixel < pixels; pixel++) {
            expected +=
              (weights[channel * pixels + pixel] * images[(n * pixels + pixel) * 3 + channel]) / 255;
          }
        }
        expect(answer[n * 3 + c]).toBeCloseTo(expected, 4);
      });
    }
  });

  it('of a checkpoint answers as the float graph of its averages', async () => {
    const file = path.join(folder, 'tiny.checkpoint');
    const checkpoint = randomCheckpoint();
    await writeCheckpoint(file, checkpoint);
    const [height, width] = checkpoint.architecture.inputShape;
    const [image] = randomImages(1, height);
    const model = await openFloatModel(file, width);
    const answer = await model.run(model.prepare(image, 1));
    await model.close();
    const graph = floatGraphOf(checkpoint.architecture, answeringArrays(checkpoint));
    const expected = evaluate(graph, realImage(image));
    expect(answer).toHaveLength(expected.length);
    expected.forEach((logit, c) => {
      expect(answer[c]).toBeCloseTo(logit, 4);
    });
  });

  it('of another input size is refused, naming both shapes', async () => {
    await expect(openFloatModel(path.join(folder, 'linear.onnx'), 64)).rejects.toMatchObject({
      code: 'FLOAT_MODEL',
      exitCode: 3,
      details: { expected: 'one input [n, 3, 64, 64]', received: expect.stringContaining('4') },
    });
  });

  it('that is no ONNX file, or not there, is refused', async () => {
    await writeFile(path.join(folder, 'text.onnx'), 'no model');
    for (const name of ['text.onnx', 'nowhere.onnx']) {
      await expect(openFloatModel(path.join(folder, name), SIDE)).rejects.toMatchObject({
        code: 'FLOAT_MODEL',
      });
    }
  });
});
