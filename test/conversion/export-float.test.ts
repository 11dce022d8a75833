/** A float graph exported as ONNX, judged by onnxruntime and by importing it again. */
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { evenlySpaced, findCalibrationImages, loadImages } from '../../src/conversion/calibration/images.ts';
import { composeAndFold, GHOST_POLICIES } from '../../src/conversion/compose/choose.ts';
import { exportFloat } from '../../src/conversion/export/float.ts';
import { floatGraphOf } from '../../src/conversion/float/architecture.ts';
import { evaluate } from '../../src/conversion/float/evaluate.ts';
import type { FloatGraph } from '../../src/conversion/float/graph.ts';
import { withNormalisation } from '../../src/conversion/fold/input.ts';
import { importOnnx } from '../../src/conversion/onnx/import.ts';
import { qana } from '../../src/model/networks/qana.ts';
import { qanaAkd1000 } from '../../src/model/networks/qana-akd1000.ts';
import { randomArrays } from '../support/architectures.ts';
import { onnxruntimeLogits, randomImages } from '../support/convert-onnx.ts';
import { OnnxBuilder, onnxruntime } from '../support/onnx.ts';
import { MODEL_CASES } from '../support/onnx-models.ts';
import { openOnnx, outlineOf } from '../support/onnx-session.ts';
import { phantomInputs } from '../support/phantoms.ts';

const data = process.env.SPIKESCOPE_DATA ?? '../shared';
const onnxFile = path.join(data, 'models/qana64-float.onnx');
const photographs = path.join(data, 'ham10000/images');

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

  it('is the same function when it is imported again', async () => {
    const { graph } = await importOnnx(await build().encode(), 'test.onnx');
    const exported = await exportFloat(composeAndFold(graph, 'keep'));
    const again = (await importOnnx(exported, 'exported.onnx')).graph;
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

/**
 * Largest difference between a float graph, exported and run by onnxruntime, and `expected`, relative to the largest logit.
 */
async function worstOver(
  graph: FloatGraph,
  images: readonly Uint8Array[],
  expected: (image: Uint8Array) => Float64Array,
): Promise<number> {
  const session = await openOnnx(await exportFloat(graph), 64);
  let worst = 0;
  for (const image of images) {
    const logits = (await session.run(image)).get('logits') ?? [];
    worst = Math.max(worst, relativeDistance(logits, expected(image)));
  }
  await session.close();
  return worst;
}

describe.skipIf(onnxruntime === null)('QANA, exported', () => {
  it.each([
    ['QANA', qana()],
    ['QANA for Akida 1.0', qanaAkd1000()],
  ])(
    '%s of random weights computes on phantoms what our own evaluation computes',
    async (_, architecture) => {
      const graph = floatGraphOf(architecture, randomArrays(architecture));
      const folded = composeAndFold(graph, 'keep');
      // Judged before folding: export and folding together keep the function.
      const own = (image: Uint8Array) => evaluate(graph, real(image));
      expect(await worstOver(folded, phantomInputs(3, 64), own)).toBeLessThan(1e-4);
    },
  );

  it.skipIf(!existsSync(onnxFile) || !existsSync(photographs))(
    'answers on photographs as the ONNX file that it was imported from',
    async () => {
      const contents = await readFile(onnxFile);
      const { images } = await loadImages(
        evenlySpaced(await findCalibrationImages(photographs), 24),
        [64, 64, 3],
      );
      const answers = await onnxruntimeLogits(contents, images, 64);
      const { graph } = await importOnnx(contents, onnxFile);
      const theirs = (image: Uint8Array) => Float64Array.from(answers[images.indexOf(image)]);
      expect(await worstOver(composeAndFold(graph, 'keep'), images, theirs)).toBeLessThan(1e-4);
    },
  );
});
