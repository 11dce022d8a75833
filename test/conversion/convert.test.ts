import { describe, expect, it } from 'vitest';
import type { CalibrationSet } from '../../src/conversion/calibration/images.ts';
import { type ConversionOptions, convert } from '../../src/conversion/convert.ts';
import { evaluate } from '../../src/conversion/float/evaluate.ts';
import { pattern } from '../../src/conversion/golden.ts';
import { importOnnx } from '../../src/conversion/onnx/import.ts';
import { type PreparationOptions, prepareModel } from '../../src/conversion/prepare.ts';
import { bundleBytes } from '../../src/model/bundle/write.ts';
import type { ConvolutionNode, GraphNode } from '../../src/model/graph.ts';
import { interpret } from '../../src/model/interpreter/interpreter.ts';
import { int, OnnxBuilder } from '../support/onnx.ts';
import { Random } from '../support/random.ts';

const random = new Random(5);
const images = Array.from({ length: 16 }, () =>
  Uint8Array.from({ length: 192 }, () => random.integer(0, 255)),
);
const calibration: CalibrationSet = { images, sha256: 'f'.repeat(64), refused: [] };

function network(): OnnxBuilder {
  const b = new OnnxBuilder();
  const x = b.node('Relu', [b.batchNormalization(b.convolution('image', 6, 3), 6)]);
  const gate = b.node('Sigmoid', [b.convolution(b.node('GlobalAveragePool', [x]), 6, 6, 1, 0)]);
  const flat = b.node('Flatten', [b.node('Mul', [x, gate])], { axis: int(1) });
  return b.output(b.node('Gemm', [flat, b.weights([384, 7], undefined, 0.2), b.weights([7])]), ['n', 7]);
}

async function converted(
  builder: OnnxBuilder,
  options: Partial<ConversionOptions> = {},
  preparation: PreparationOptions = {},
) {
  const contents = await builder.encode();
  const prepared = await prepareModel(contents, 'network.onnx', preparation);
  return convert(prepared, contents, calibration, {
    name: 'network',
    version: '1.0.0',
    sourceName: 'network.onnx',
    scheme: 'per-channel',
    ...options,
  });
}

describe('a conversion', () => {
  it('gives the same bytes for the same input', async () => {
    const [first, second] = [await converted(network()), await converted(network())];
    expect(Buffer.from(bundleBytes(first)).equals(bundleBytes(second))).toBe(true);
  });

  it('writes down every layer, its sources, its quantisation and where it runs', async () => {
    const { graph, manifest } = await converted(network());
    expect(manifest.layers.map(({ name }) => name)).toEqual([...graph.nodes.map(({ name }) => name), 'head']);
    const [first] = manifest.layers;
    expect(first.sources).toEqual(['Conv_0', 'BatchNormalization_1', 'Relu_2']);
    expect(first.reparameterisation).toEqual([
      'affine folded into the layer before it',
      'bounded activation fused',
    ]);
    expect(first.kernel).toBe('dense 3×3');
    expect(first.scale).toBe(graph.nodes[0].output.quantisation.scale);
    expect(first.placement).toEqual({ cpu: 'cpu', akd1000: 'host', akd1500: 'host', akida2: 'chip' });
    expect(manifest.source).toMatchObject({ name: 'network.onnx', format: 'onnx', opset: 13 });
    expect(manifest.floatNodes).toBe(9);
    expect(manifest.calibration).toEqual({ images: 16, sha256: 'f'.repeat(64) });
    expect([manifest.conversionSuccessRate, manifest.nodesNeedingDequantisation]).toEqual([1, []]);
    expect(manifest.targets.cpu.maps).toBe(true);
    expect(manifest.targets.akida2.unmapped.map(({ node }) => node)).toEqual(['Mul_6']);
  });

  it('carries golden inputs, from smooth to noisy, with the interpreter’s potentials', async () => {
    const { graph, golden } = await converted(network());
    expect(golden).toHaveLength(4);
    for (const { input, potentials } of golden)
      expect(interpret(graph, input).potentials).toEqual(potentials);
    const roughness = golden.map(({ input }) =>
      input.reduce((sum, v, i) => sum + Math.abs(v - (input[i - 3] ?? v)), 0),
    );
    expect(roughness).toEqual(roughness.toSorted((a, b) => a - b));
  });

  it('starts from the float network’s softmax, no thresholds, no tiling, no crop', async () => {
    const { readout, graph, preprocessing } = await converted(network());
    expect(readout).toEqual({
      alpha: graph.head.scale,
      thresholds: new Array(7).fill(0),
      tiling: { enabled: false, tau: 0, overlap: 0.2 },
      fittedOn: null,
    });
    expect(preprocessing).toMatchObject({ width: 8, height: 8, crop: { enabled: false } });
  });

  it('names seven outputs after HAM10000, others by number, unless told', async () => {
    expect((await converted(network())).graph.classes).toEqual([
      'akiec',
      'bcc',
      'bkl',
      'df',
      'mel',
      'nv',
      'vasc',
    ]);
    const three = new OnnxBuilder();
    three.output(three.node('GlobalAveragePool', [three.convolution('image', 3, 3)]));
    expect((await converted(three)).graph.classes).toEqual(['class0', 'class1', 'class2']);
    expect((await converted(three, { classes: ['x', 'y', 'z'] })).graph.classes).toEqual(['x', 'y', 'z']);
    await expect(converted(three, { classes: ['x', 'y'] })).rejects.toMatchObject({
      code: 'CLASSES',
      exitCode: 2,
    });
    await expect(converted(three, { classes: ['x', 'y', 'y'] })).rejects.toMatchObject({ code: 'CLASSES' });
  });

  it('gives a network without a dense layer a head of ones', async () => {
    const b = new OnnxBuilder();
    b.output(b.node('Flatten', [b.node('Relu', [b.convolution('image', 2, 3, 7, 0)])]));
    const { graph, manifest } = await converted(b);
    expect(Array.from(graph.head.weights).filter((weight) => weight !== 0)).toEqual(new Array(8).fill(1));
    expect(manifest.layers.at(-1)?.reparameterisation).toEqual(['identity: the last layer is not dense']);
  });

  it('keeps one weight scale per layer on request, and one for the head always', async () => {
    const scalesOf = (nodes: readonly GraphNode[]) =>
      nodes.filter((node) => node.op === 'convolution').map(({ weightScales }) => new Set(weightScales).size);
    expect(scalesOf((await converted(network(), { scheme: 'per-tensor' })).graph.nodes)).toEqual([1, 1]);
    expect(Math.min(...scalesOf((await converted(network())).graph.nodes))).toBeGreaterThan(1);
  });

  it('fuses sums of tensors with scales that align: one multiplier each, as large as they fit', async () => {
    const b = new OnnxBuilder();
    const x = b.node('Relu', [b.convolution('image', 4, 3)]);
    b.output(b.node('GlobalAveragePool', [b.node('Add', [x, b.convolution(x, 4, 4)])]));
    const { graph } = await converted(b);
    const add = graph.nodes.find((node) => node.op === 'add');
    expect(Math.max(...(add?.multipliers ?? []))).toBeGreaterThan(2 ** 14);
  });
});

describe('normalisation of the image', () => {
  const normalisation = { mean: [0.485, 0.456, 0.406], std: [0.229, 0.224, 0.225] };

  it('goes into the first convolution, and its padding stands for the mean colour', async () => {
    const builder = network();
    const { graph, manifest } = await converted(builder, {}, { normalisation });
    const [first] = graph.nodes;
    expect(first.op).toBe('convolution');
    expect(Array.from((first as ConvolutionNode).paddingValues)).toEqual([124, 116, 104]);
    expect(manifest.layers[0].reparameterisation).toContain('input normalisation folded');
    expect(graph.input.quantisation).toEqual({ scale: 1 / 255, zeroPoint: 0 });
  });

  it('gives what the float network gives on normalised images', async () => {
    const builder = network();
    const { graph } = await converted(builder, {}, { normalisation });
    const float = (await importOnnx(await builder.encode(), 'network.onnx')).graph;
    for (const image of images) {
      const normalised = Float32Array.from(
        image,
        (value, i) => (value / 255 - normalisation.mean[i % 3]) / normalisation.std[i % 3],
      );
      const expected = evaluate(float, normalised);
      const spread = Math.max(...expected) - Math.min(...expected);
      interpret(graph, image).potentials.forEach((potential, c) => {
        expect(Math.abs(potential * graph.head.scale - expected[c])).toBeLessThan(0.05 * spread);
      });
    }
  });
});

describe('golden patterns', () => {
  it('depend on the seed alone and use the whole range', () => {
    expect(pattern([16, 16, 3], 5, 2)).toEqual(pattern([16, 16, 3], 5, 2));
    expect(pattern([16, 16, 3], 5, 2)).not.toEqual(pattern([16, 16, 3], 5, 3));
    const noise = pattern([16, 16, 3], Number.POSITIVE_INFINITY, 1);
    expect(Math.min(...noise)).toBeLessThan(8);
    expect(Math.max(...noise)).toBeGreaterThan(247);
  });
});
