/** A float graph exported as ONNX, judged by onnxruntime and by importing it again. */
import { describe, expect, it } from 'vitest';
import { composeAndFold, GHOST_POLICIES } from '../../src/conversion/compose/choose.ts';
import { exportFloat } from '../../src/conversion/export/float.ts';
import { evaluate } from '../../src/conversion/float/evaluate.ts';
import type { FloatGraph } from '../../src/conversion/float/graph.ts';
import { withNormalisation } from '../../src/conversion/fold/input.ts';
import { importOnnx } from '../../src/conversion/onnx/import.ts';
import { randomImages } from '../support/convert-onnx.ts';
import { OnnxBuilder, onnxruntime } from '../support/onnx.ts';
import { MODEL_CASES } from '../support/onnx-models.ts';
import { openOnnx, outlineOf } from '../support/onnx-session.ts';

const SIDE = 8;
const IMAGES = randomImages(3, SIDE);
const real = (image: Uint8Array) => Float32Array.from(image, (value) => value / 255);

/** Largest difference to our own evaluation, relative to the largest logit. */
async function distanceToOnnxruntime(graph: FloatGraph): Promise<number> {
  const session = await openOnnx(await exportFloat(graph), SIDE);
  let distance = 0;
  for (const image of IMAGES) {
    const logits = (await session.run(image)).get('logits') ?? [];
    distance = Math.max(distance, relativeDistance(logits, evaluate(graph, real(image))));
  }
  await session.close();
  return distance;
}

function relativeDistance(actual: ArrayLike<number>, expected: Float64Array): number {
  expect(actual.length).toBe(expected.length);
  const reach = expected.reduce((most, value) => Math.max(most, Math.abs(value)), 1);
  return expected.reduce((most, value, i) => Math.max(most, Math.abs(value - actual[i]) / reach), 0);
}

describe.skipIf(onnxruntime === null).each(MODEL_CASES)('$name', ({ build }) => {
  it('computes in onnxruntime what our own evaluation computes', async () => {
    const { graph } = await importOnnx(await build().encode(), 'test.onnx');
    expect(await distanceToOnnxruntime(graph)).toBeLessThan(1e-5);
  });

  it.each(GHOST_POLICIES)('does so after folding too, ghost %s', async (policy) => {
    const { graph } = await importOnnx(await build().encode(), 'test.onnx');
    expect(await distanceToOnnxruntime(composeAndFold(graph, policy))).toBeLessThan(1e-5);
  });

  it('is the same function when it is imported again, unless a flattened map had to be transposed', async () => {
    const { graph } = await importOnnx(await build().encode(), 'test.onnx');
    const exported = await exportFloat(composeAndFold(graph, 'keep'));
    const importing = importOnnx(exported, 'exported.onnx');
    if ((await outlineOf(exported)).operators.includes('Transpose')) {
      await expect(importing).rejects.toMatchObject({ code: 'ONNX_OPERATOR' });
      return;
    }
    const again = (await importing).graph;
    for (const image of IMAGES) {
      const expected = evaluate(graph, real(image));
      expect(relativeDistance(evaluate(again, real(image)), expected)).toBeLessThan(1e-5);
    }
  });
});

describe.skipIf(onnxruntime === null)('an exported float graph', () => {
  async function normalised(): Promise<FloatGraph> {
    const b = new OnnxBuilder({ image: ['n', 3, SIDE, SIDE] });
    const x = b.node('Relu', [b.convolution('image', 4, 3)]);
    b.output(b.node('Gemm', [b.node('Flatten', [x]), b.weights([4 * SIDE * SIDE, 3])]));
    const { graph } = await importOnnx(await b.encode(), 'test.onnx');
    return composeAndFold(
      withNormalisation(graph, { mean: [0.48, 0.45, 0.4], std: [0.22, 0.25, 0.21] }),
      'keep',
    );
  }

  it('pads with the mean colour where the normalisation was folded, and imports again', async () => {
    const graph = await normalised();
    expect(graph.nodes.some((node) => node.op === 'convolution' && node.paddingValues !== null)).toBe(true);
    expect(await distanceToOnnxruntime(graph)).toBeLessThan(1e-5);
    const again = composeAndFold((await importOnnx(await exportFloat(graph), 'exported.onnx')).graph, 'keep');
    expect(again.nodes.map(({ op }) => op)).toEqual(graph.nodes.map(({ op }) => op));
    expect(relativeDistance(evaluate(again, real(IMAGES[0])), evaluate(graph, real(IMAGES[0])))).toBeLessThan(
      1e-5,
    );
  });

  it('is of opset 17, and the same bytes each time', async () => {
    const graph = await normalised();
    const bytes = await exportFloat(graph);
    expect((await outlineOf(bytes)).opset).toBe(17);
    expect(Buffer.from(await exportFloat(graph)).equals(bytes)).toBe(true);
  });
});
