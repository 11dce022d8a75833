/** Every operator and spelling through every stage: import, folding and composition, integers. */
import { describe, expect, it } from 'vitest';
import { separateImage } from '../../src/conversion/calibration/groups.ts';
import { chooseQuantisations, collectHistograms } from '../../src/conversion/calibration/quantisations.ts';
import { collectStatistics } from '../../src/conversion/calibration/statistics.ts';
import { composeAndFold, GHOST_POLICIES } from '../../src/conversion/compose/choose.ts';
import { evaluate } from '../../src/conversion/float/evaluate.ts';
import type { FloatGraph } from '../../src/conversion/float/graph.ts';
import { lower } from '../../src/conversion/lower/lower.ts';
import { importOnnx } from '../../src/conversion/onnx/import.ts';
import { withRepresentableFactors } from '../../src/conversion/quantise/scales.ts';
import { interpret } from '../../src/model/interpreter/interpreter.ts';
import { validateGraph } from '../../src/model/validate/validate.ts';
import { onnxruntime, runOnnxruntime } from '../support/onnx.ts';
import { MODEL_CASES } from '../support/onnx-models.ts';
import { Random } from '../support/random.ts';

const SHAPE = [8, 8, 3] as const;

function randomImage(seed: number): Uint8Array {
  const random = new Random(seed);
  return Uint8Array.from({ length: 8 * 8 * 3 }, () => random.integer(0, 255));
}

const real = (image: Uint8Array) => Float32Array.from(image, (value) => value / 255);

function distance(a: ArrayLike<number>, b: ArrayLike<number>): number {
  expect(a.length).toBe(b.length);
  return Array.from(a).reduce((most, value, i) => Math.max(most, Math.abs(value - b[i])), 0);
}

const reach = (values: ArrayLike<number>) =>
  Array.from(values).reduce((most, value) => Math.max(most, Math.abs(value)), 0);

async function quantised(
  graph: FloatGraph,
  images: readonly Uint8Array[],
  scheme: 'per-channel' | 'per-tensor',
) {
  const folded = separateImage(composeAndFold(graph, 'auto'));
  const statistics = await collectStatistics(folded, images);
  const histograms = await collectHistograms(folded, statistics, images);
  const quantisations = withRepresentableFactors(folded, chooseQuantisations(folded, histograms), scheme);
  const classes = Array.from(folded.outputOrder, (_, i) => `class${i}`);
  return lower({ graph: folded, quantisations, statistics, scheme }, classes);
}

describe.skipIf(onnxruntime === null).each(MODEL_CASES)('$name', ({ build }) => {
  it('is imported as onnxruntime runs it', async () => {
    const bytes = await build().encode();
    const { graph } = await importOnnx(bytes, 'test.onnx');
    for (const seed of [1, 2, 3]) {
      const image = real(randomImage(seed));
      const expected = await runOnnxruntime(bytes, image, SHAPE);
      expect(distance(evaluate(graph, image), expected)).toBeLessThan(1e-5 * (1 + reach(expected)));
    }
  });

  it.each(GHOST_POLICIES)('keeps its function through folding, ghost %s', async (policy) => {
    const { graph } = await importOnnx(await build().encode(), 'test.onnx');
    const folded = composeAndFold(graph, policy);
    expect(folded.nodes.filter(({ op }) => op === 'affine' || op === 'clamp')).toEqual([]);
    for (const seed of [1, 2, 3]) {
      const image = real(randomImage(seed));
      const expected = evaluate(graph, image);
      expect(distance(evaluate(folded, image), expected)).toBeLessThan(1e-5 * (1 + reach(expected)));
    }
  });

  it.each(['per-channel', 'per-tensor'] as const)(
    'is close to the float graph in integers, %s',
    async (scheme) => {
      const { graph } = await importOnnx(await build().encode(), 'test.onnx');
      const images = Array.from({ length: 24 }, (_, i) => randomImage(100 + i));
      const integer = await quantised(graph, images, scheme);
      validateGraph(integer);
      let signal = 0;
      let noise = 0;
      for (const image of images) {
        const expected = evaluate(graph, real(image));
        const mean = expected.reduce((sum, value) => sum + value, 0) / expected.length;
        interpret(integer, image).potentials.forEach((potential, i) => {
          signal += (expected[i] - mean) ** 2;
          noise += (potential * integer.head.scale - expected[i]) ** 2;
        });
      }
      // Eight bits leave some 40 dB per layer; below 23 dB a constant is wrong somewhere.
      expect(10 * Math.log10(signal / noise)).toBeGreaterThan(23);
    },
  );
});
