import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import {
  type CalibrationSet,
  evenlySpaced,
  findCalibrationImages,
  loadImages,
  onlySplit,
} from '../../src/conversion/calibration/images.ts';
import { convert } from '../../src/conversion/convert.ts';
import { type PreparedModel, prepareModel } from '../../src/conversion/prepare.ts';
import type { WeightScheme } from '../../src/conversion/quantise/layer.ts';
import type { ModelContents } from '../../src/model/bundle/bundle.ts';
import { parseBundle } from '../../src/model/bundle/read.ts';
import { bundleBytes } from '../../src/model/bundle/write.ts';
import { createCpuEngine } from '../../src/runtime/engine/cpu.ts';
import { onnxruntimeLogits } from '../support/convert-onnx.ts';
import { onnxruntime } from '../support/onnx.ts';

const data = process.env.SPIKESCOPE_DATA ?? '../shared';
const onnxFile = path.join(data, 'models/qana64-float.onnx');
const dataset = path.join(data, 'ham10000');
const SIDE = 64;
const CLASSES = 7;
const TEST_IMAGES = 100;

const isHere = onnxruntime !== null && existsSync(onnxFile) && existsSync(dataset);

async function imagesOf(split: string, count: number): Promise<CalibrationSet> {
  const files = await findCalibrationImages(path.join(dataset, 'images'));
  const chosen = await onlySplit(files, path.join(dataset, 'split_lesion.csv'), split);
  return loadImages(evenlySpaced(chosen, count), [SIDE, SIDE, 3]);
}

function argmax(values: readonly number[]): number {
  return values.indexOf(Math.max(...values));
}

describe.skipIf(!isHere)('QANA, calibrated on 16 training images', () => {
  let contents: Uint8Array;
  let prepared: PreparedModel;
  let calibration: CalibrationSet;
  let test: CalibrationSet;
  let floatAnswers: number[][];

  beforeAll(async () => {
    contents = await readFile(onnxFile);
    prepared = await prepareModel(contents, onnxFile);
    calibration = await imagesOf('train', 16);
    test = await imagesOf('test', TEST_IMAGES);
    floatAnswers = await onnxruntimeLogits(contents, test.images, SIDE);
  });

  const converted = (scheme: WeightScheme): Promise<ModelContents> =>
    convert(prepared, contents, calibration, {
      name: 'qana64',
      version: '0.0.0',
      sourceName: 'qana64-float.onnx',
      scheme,
    });

  async function answersOf({ graph }: ModelContents): Promise<number[][]> {
    const engine = await createCpuEngine(graph);
    const { potentials } = await engine.infer(Buffer.concat(test.images), test.images.length);
    await engine.close();
    return test.images.map((_, n) => [...potentials.subarray(n * CLASSES, (n + 1) * CLASSES)]);
  }

  it('per channel: converts whole, and agrees with onnxruntime on ≥ 97 %', async () => {
    const model = await converted('per-channel');
    expect(model.manifest.conversionSuccessRate).toBe(1);
    expect(model.manifest.targets.cpu).toEqual({ maps: true, unmapped: [] });
    expect(model.manifest.targets.akd1000.unmapped.length).toBeGreaterThan(0);
    expect(model.manifest.targets.akida2.unmapped.length).toBeGreaterThan(0);
    expect(parseBundle(bundleBytes(model), 'qana64').golden.length).toBeGreaterThan(0);
    expect(await agreement(model)).toBeGreaterThanOrEqual(0.97);
  });

  it('per tensor: agrees on ≥ 90 %', async () => {
    const model = await converted('per-tensor');
    expect(model.manifest.conversionSuccessRate).toBe(1);
    expect(await agreement(model)).toBeGreaterThanOrEqual(0.9);
  });

  /** Share of the test images on which both name the same class. */
  async function agreement(model: ModelContents): Promise<number> {
    expect(test.images).toHaveLength(TEST_IMAGES);
    const answers = await answersOf(model);
    const same = answers.filter((answer, n) => argmax(answer) === argmax(floatAnswers[n]));
    return same.length / TEST_IMAGES;
  }
});
