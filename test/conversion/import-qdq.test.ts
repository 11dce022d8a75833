/** Graphs that are quantised already: our own export comes back, and others keep what the integer graph can express. */
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { convert } from '../../src/conversion/convert.ts';
import { exportQdq } from '../../src/conversion/export/qdq.ts';
import { prepareModel } from '../../src/conversion/prepare.ts';
import { readBundle } from '../../src/model/bundle/read.ts';
import type { IntegerGraph } from '../../src/model/graph.ts';
import { interpret } from '../../src/model/interpreter/interpreter.ts';
import { DEFAULT_MODEL } from '../../src/runtime/engine/shipped-models.ts';
import { convertOnnx, integerLogits, onnxruntimeLogits, randomImages } from '../support/convert-onnx.ts';
import { onnxruntime } from '../support/onnx.ts';
import { MODEL_CASES } from '../support/onnx-models.ts';
import { OnnxSketch } from '../support/onnx-sketch.ts';
import { phantomInputs } from '../support/phantoms.ts';

const SIDE = 8;
const FIELD = path.resolve(import.meta.dirname, '../../../shared/field-inputs/onnx/qdq_channel.onnx');

/** Without any image. */
async function backFrom(bytes: Uint8Array): Promise<IntegerGraph> {
  const prepared = await prepareModel(bytes, 'quantised.onnx');
  expect(prepared.stated?.openTensors).toEqual([]);
  const { graph } = await convert(prepared, bytes, null, {
    name: 'back',
    version: '1.0.0',
    sourceName: 'quantised.onnx',
    scheme: 'per-channel',
  });
  return graph;
}

/** What names tensors and says what steps are worth, which no engine computes with. */
const NAMES: ReadonlySet<string> = new Set([
  ...['name', 'sources', 'output', 'input', 'inputs', 'gate', 'weightScales', 'function'],
]);

/** Everything that an engine computes with, node by node. */
function integersOf({ nodes, head }: IntegerGraph) {
  return {
    // A flatten computes nothing, and a head reads a map with or without one.
    nodes: nodes
      .filter(({ op }) => op !== 'flatten')
      .map((node) => ({
        ...Object.fromEntries(Object.entries(node).filter(([key]) => !NAMES.has(key))),
        shape: node.output.shape,
        zeroPoint: node.output.quantisation.zeroPoint,
      })),
    weights: head.weights,
    bias: head.bias,
  };
}

describe('our own QDQ export', () => {
  it.each(MODEL_CASES)('of $name comes back as the same integers', async ({ build }) => {
    const { graph } = await convertOnnx(await build().encode(), randomImages(8, SIDE));
    const back = await backFrom(await exportQdq(graph));
    expect(integersOf(back)).toEqual(integersOf(graph));
    for (const image of randomImages(4, SIDE, 3)) {
      expect(interpret(back, image).potentials).toEqual(interpret(graph, image).potentials);
    }
  });

  it('of a network with a table that is no sigmoid comes back as the same integers', async () => {
    const sketch = new OnnxSketch({ side: SIDE });
    const map = sketch.draw('HardSwish', [sketch.conv(sketch.image, 3, 8, 3, { pads: [1, 1, 1, 1] })]);
    const bytes = await sketch.output(sketch.classify(map, 8, 5)).encode();
    const { graph } = await convertOnnx(bytes, randomImages(8, SIDE));
    expect(integersOf(await backFrom(await exportQdq(graph)))).toEqual(integersOf(graph));
  });

  it.skipIf(!existsSync(DEFAULT_MODEL))('of the shipped bundle comes back as the same integers', async () => {
    const { graph } = await readBundle(DEFAULT_MODEL);
    const back = await backFrom(await exportQdq(graph));
    expect(integersOf(back)).toEqual(integersOf(graph));
    const [image] = phantomInputs(1, graph.input.shape[0]);
    expect(interpret(back, image).potentials).toEqual(interpret(graph, image).potentials);
  });
});

describe.skipIf(onnxruntime === null)('quantised files of others', () => {
  it.skipIf(!existsSync(FIELD))('one with a scale per channel answers as onnxruntime does', async () => {
    const bytes = new Uint8Array(await readFile(FIELD));
    const { folded } = await prepareModel(bytes, FIELD);
    const [side] = folded.inputShape;
    const images = randomImages(24, side);
    const expected = await onnxruntimeLogits(bytes, images, side);
    const { graph } = await convertOnnx(bytes, images);
    const winner = (logits: readonly number[]) => logits.indexOf(Math.max(...logits));
    const agreeing = images.filter((image, i) => winner(integerLogits(graph, image)) === winner(expected[i]));
    expect(agreeing.length).toBeGreaterThanOrEqual(23);
  });

  it('weights alone: real numbers, quantised anew', async () => {
    const sketch = new OnnxSketch({ side: SIDE });
    const weights = sketch.store({
      dims: [8, 3, 3, 3],
      dataType: 3,
      int32Data: Array.from({ length: 216 }, (_, i) => ((i * 37) % 255) - 127),
    });
    const zeros = sketch.store({ dims: [8], dataType: 3, int32Data: new Array<number>(8).fill(0) });
    const scales = sketch.between(0.001, 0.004, [8]);
    const real = sketch.draw('DequantizeLinear', [weights, scales, zeros], { axis: 0 });
    const map = sketch.draw('Relu', [sketch.draw('Conv', [sketch.image, real])]);
    const bytes = await sketch.output(sketch.classify(map, 8, 5)).encode();
    const images = randomImages(8, SIDE);
    const expected = await onnxruntimeLogits(bytes, images, SIDE);
    const { graph } = await convertOnnx(bytes, images);
    const range = Math.max(...expected.flat()) - Math.min(...expected.flat());
    images.forEach((image, n) => {
      integerLogits(graph, image).forEach((logit, i) => {
        expect(Math.abs(logit - expected[n][i]) / range).toBeLessThan(0.02);
      });
    });
  });
});
