/** Small files of the kinds that people bring, where they are at hand: what converts keeps its answers. */
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { findCalibrationImages, loadImages } from '../../src/conversion/calibration/images.ts';
import { convertGraph } from '../../src/conversion/convert.ts';
import { type PreparationOptions, prepareModel } from '../../src/conversion/prepare.ts';
import { measureAgreement } from '../../src/conversion/scrutiny/agreement.ts';
import { requireDependence } from '../../src/conversion/scrutiny/dependence.ts';
import { channelsFirst, onnxruntime } from '../support/onnx.ts';

const SHARED = path.resolve('..', 'shared');
const FOLDER = path.join(SHARED, 'field-inputs', 'onnx');
const PHOTOGRAPHS = path.join(SHARED, 'ham10000-fullsize', 'images');
const isHere = existsSync(FOLDER) && existsSync(PHOTOGRAPHS);
const IMAGES = Number(process.env.FIELD_IMAGES ?? 12);

const files = isHere ? (await findCalibrationImages(PHOTOGRAPHS)).slice(0, IMAGES) : [];
const set = isHere ? await loadImages(files, [64, 64, 3]) : null;

/** What onnxruntime makes of an image of bytes; null for sixteen-bit files, whose numbers JavaScript has no array for. */
async function expectedLogits(file: string, image: Uint8Array): Promise<number[] | null> {
  if (onnxruntime === null || file.startsWith('fp16')) return null;
  const session = await onnxruntime.InferenceSession.create(path.join(FOLDER, file), { logSeverityLevel: 3 });
  const isLast = file.startsWith('tf2onnx');
  const real = Float32Array.from(image, (value) => value / 255);
  const ordered = isLast ? real : channelsFirst(real, [64, 64, 3]);
  const count = file.startsWith('batch8') ? 8 : 1;
  const batch = Float32Array.from({ length: ordered.length * count }, (_, i) => ordered[i % ordered.length]);
  const dims = isLast ? [count, 64, 64, 3] : [count, 3, 64, 64];
  const tensor = file.startsWith('u8')
    ? new onnxruntime.Tensor(
        'uint8',
        Uint8Array.from(batch, (value) => Math.round(value * 255)),
        dims,
      )
    : new onnxruntime.Tensor('float32', batch, dims);
  const answers = await session.run({ [session.inputNames[0]]: tensor });
  const { data } = answers[session.outputNames[0]];
  await session.release();
  return Array.from(data as Float32Array | BigInt64Array, Number);
}

const largest = (values: readonly number[]) => values.indexOf(Math.max(...values));

describe.skipIf(!isHere)('a file of the field', () => {
  it.each<[string, PreparationOptions?]>([
    ['end_binary_sigmoid.onnx'],
    ['end_binary_logit.onnx'],
    ['keras_0_255.onnx', { normalisation: { mean: [0, 0, 0], std: [1 / 255, 1 / 255, 1 / 255] } }],
    ['norm_inside.onnx'],
    ['ext_data.onnx'],
    ['tf2onnx_nhwc.onnx'],
    ['tf2onnx_flatten.onnx'],
    ['weight_transpose.onnx'],
    ['opset10.onnx'],
    ['opset21.onnx'],
    ['u8_in_cast_norm.onnx'],
    ['fp16.onnx'],
    ['fp16_keepio.onnx'],
    ['end_two_outputs.onnx'],
    ['end_softmax_argmax.onnx'],
    ['end_squeeze_softmax.onnx'],
    ['local_function.onnx'],
    ['constofshape_pad.onnx'],
    ['float_scalar_reshape_bias.onnx'],
    ['dead_branch.onnx'],
    ['dyn_hw.onnx', { side: 64 }],
    ['batch8.onnx'],
  ])('%s converts and keeps its answers', async (file, options = {}) => {
    if (set === null) throw new Error('There are no photographs');
    const place = path.join(FOLDER, file);
    const prepared = await prepareModel(readFileSync(place), place, { exactMean: true, ...options });
    await requireDependence(prepared, set.images);
    const { graph, context } = await convertGraph(prepared, set, { scheme: 'per-channel' });
    const { same, images, decibels } = await measureAgreement(context.graph, graph, {
      images: set.images,
      isHeldOut: false,
    });
    expect(same).toBeGreaterThanOrEqual(Math.floor((images * 47) / 48));
    expect(decibels).toBeGreaterThan(20);

    const { evaluate } = await import('../../src/conversion/float/evaluate.ts');
    const [image] = set.images;
    const scaled = Float32Array.from(image, (value) => value / 255);
    const logits = Array.from(evaluate(prepared.folded, scaled));
    const expected = options.normalisation === undefined ? await expectedLogits(file, image) : null;
    if (expected === null) return;
    if (file === 'end_softmax_argmax.onnx') expect(expected[0]).toBe(largest(logits));
    else if (expected.length === 1) {
      const p = 1 / (1 + Math.exp(logits[0] - logits[1]));
      expect(file.includes('sigmoid') ? p : logits[1]).toBeCloseTo(expected[0], 4);
    } else expect(largest(expected.slice(0, logits.length))).toBe(largest(logits));
  });

  it('keras_0_255.onnx without a word on its scale is refused with the likely one', async () => {
    const place = path.join(FOLDER, 'keras_0_255.onnx');
    const prepared = await prepareModel(readFileSync(place), place);
    await expect(requireDependence(prepared, set?.images ?? [])).rejects.toThrow(
      expect.objectContaining({ code: 'INPUT_NORMALISATION' }),
    );
  });
});
