/** Tensors that onnxruntime computes for calibration, judged by the own evaluator. */
import { describe, expect, it } from 'vitest';
import { openActivations, ownActivations } from '../../src/conversion/calibration/activations.ts';
import type { Activations } from '../../src/conversion/calibration/contract.ts';
import { openOnnxruntime } from '../../src/conversion/calibration/onnxruntime.ts';
import { pixelByPixel } from '../../src/conversion/calibration/order.ts';
import { collectHistograms } from '../../src/conversion/calibration/quantisations.ts';
import { collectStatistics } from '../../src/conversion/calibration/statistics.ts';
import { shapeIn } from '../../src/conversion/float/graph.ts';
import { prepareModel } from '../../src/conversion/prepare.ts';
import type { Shape } from '../../src/model/graph.ts';
import { randomImages } from '../support/convert-onnx.ts';
import { onnxruntime } from '../support/onnx.ts';
import { MODEL_CASES } from '../support/onnx-models.ts';
import { OnnxSketch } from '../support/onnx-sketch.ts';

const SIDE = 8;
const [image] = randomImages(1, SIDE);

describe('calibration on tensors that lie plane by plane', () => {
  it('comes to the same extremes, means and histograms, to the last bit', async () => {
    const sketch = new OnnxSketch({ side: SIDE });
    const bytes = await sketch.output(sketch.classify(sketch.conv(sketch.image, 3, 8), 8, 5)).encode();
    const { folded } = await prepareModel(bytes, 'model.onnx');
    const images = randomImages(3, SIDE);
    const own = ownActivations(folded);
    const planes: Activations = {
      ...own,
      observe: (one, observer) =>
        own.observe(one, (name, values) =>
          observer?.(name, inPlanes(values, shapeIn(folded, name)), 'planes'),
        ),
    };
    const statistics = await collectStatistics(folded, images);
    expect(await collectStatistics(folded, images, undefined, planes)).toEqual(statistics);
    const histograms = await collectHistograms(folded, statistics, images);
    expect(await collectHistograms(folded, statistics, images, undefined, planes)).toEqual(histograms);
  });
});

function inPlanes(values: Float32Array, [height, width, channels]: Shape): Float32Array {
  const pixels = height * width;
  return values.map((_, i) => values[(i % pixels) * channels + Math.floor(i / pixels)]);
}

describe.skipIf(onnxruntime === null)('calibration by onnxruntime', () => {
  it.each(MODEL_CASES)('sees every tensor of $name as the own evaluator does', async ({ build }) => {
    const { folded } = await prepareModel(await build().encode(), 'model.onnx');
    const theirs = new Map<string, Float32Array>();
    const runtime = await openOnnxruntime(folded);
    await runtime?.observe(image, (name, values, order) =>
      theirs.set(name, pixelByPixel(values, order, shapeIn(folded, name))),
    );
    await runtime?.close();
    const seen: string[] = [];
    await ownActivations(folded).observe(image, (name, values) => {
      const other = theirs.get(name);
      const largest = values.reduce((most, value) => Math.max(most, Math.abs(value)), 1e-3);
      const worst = values.reduce(
        (most, value, i) => Math.max(most, Math.abs(value - (other?.[i] ?? 1e9))),
        0,
      );
      if (other?.length === values.length && worst / largest < 1e-4) seen.push(name);
    });
    expect(seen).toEqual(['input', ...folded.nodes.map(({ name }) => name)]);
  });

  it('is for large networks: a small one is computed by the own evaluator, whatever is installed', async () => {
    const sketch = new OnnxSketch({ side: SIDE });
    const bytes = await sketch.output(sketch.classify(sketch.conv(sketch.image, 3, 8), 8, 5)).encode();
    const { folded } = await prepareModel(bytes, 'model.onnx');
    const told: string[] = [];
    await openActivations(folded, image, 2, (text) => told.push(text));
    expect(told).toEqual([]);
  });

  it('takes over where the work is large, and says so', async () => {
    const sketch = new OnnxSketch({ side: SIDE });
    const bytes = await sketch.output(sketch.classify(sketch.conv(sketch.image, 3, 8), 8, 5)).encode();
    const { folded } = await prepareModel(bytes, 'model.onnx');
    const told: string[] = [];
    const activations = await openActivations(folded, image, 1e9, (text) => told.push(text));
    expect(told).toEqual([expect.stringContaining('onnxruntime computes the calibration')]);
    await activations.close();
  });
});
