/** Networks as people bring them: small files of public kinds, where they lie beside the project. */
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { prepareModel } from '../../src/conversion/prepare.ts';
import { convertOnnx, integerLogits, onnxruntimeLogits, randomImages } from '../support/convert-onnx.ts';
import { onnxruntime } from '../support/onnx.ts';

const FOLDER = path.resolve(import.meta.dirname, '../../../shared/field-inputs/onnx');
const FILES = [
  ...[
    'silu',
    'mbv3_hardswish',
    'se_hardsigmoid',
    'leakyrelu',
    'ghost_slice',
    'ghost_slice_noop',
    'split_only',
  ],
  ...['bgr_gather', 'dilation', 'dilation_1x1', 'cbam_spatial', 'reducemax', 'sum_op', 'relu6_minmax'],
  'one_minus_x',
];
const IMAGES = 24;
const CALIBRATION = 8;
const DECIBELS = 20;

const winner = (logits: readonly number[]) => logits.indexOf(Math.max(...logits));

/** Whether a class has the largest logit, or one that random weights set apart from it by less than 1 % of their range. */
function isWinner(logits: readonly number[], index: number): boolean {
  const [least, most] = [Math.min(...logits), Math.max(...logits)];
  return most - logits[index] <= (most - least) / 100;
}

/** Signal to noise of all logits together, dB; what all logits of an image have in common is no signal. */
function signalToNoise(expected: readonly (readonly number[])[], answers: readonly (readonly number[])[]) {
  let [signal, noise] = [0, 0];
  expected.forEach((row, n) => {
    const mean = row.reduce((sum, value) => sum + value, 0) / row.length;
    row.forEach((value, i) => {
      signal += (value - mean) ** 2;
      noise += (value - answers[n][i]) ** 2;
    });
  });
  return 10 * Math.log10(signal / noise);
}

describe.skipIf(onnxruntime === null || !existsSync(FOLDER))('files from the field', () => {
  it.each(FILES)('%s converts, and answers as onnxruntime does', async (name) => {
    const bytes = new Uint8Array(await readFile(path.join(FOLDER, `${name}.onnx`)));
    const { folded } = await prepareModel(bytes, name);
    const [side] = folded.inputShape;
    const images = randomImages(IMAGES + CALIBRATION, side);
    const judged = images.slice(CALIBRATION);
    const expected = await onnxruntimeLogits(bytes, judged, side);
    const { graph } = await convertOnnx(bytes, images.slice(0, CALIBRATION));
    const answers = judged.map((image) => integerLogits(graph, image));
    const agreeing = answers.filter((logits, i) => isWinner(expected[i], winner(logits)));
    expect(agreeing.length).toBeGreaterThanOrEqual(IMAGES - 1);
    expect(signalToNoise(expected, answers)).toBeGreaterThan(DECIBELS);
  });
});
