/** Quantised files in other ways than QDQ: operators on bytes, scales chosen for every image, weights in blocks. */
import { describe, expect, it } from 'vitest';
import { realImage } from '../../src/conversion/calibration/real-image.ts';
import { convert } from '../../src/conversion/convert.ts';
import { evaluate } from '../../src/conversion/float/evaluate.ts';
import { prepareModel } from '../../src/conversion/prepare.ts';
import { fileScalesOf } from '../../src/conversion/scrutiny/file-scales.ts';
import { integerLogits, onnxruntimeLogits, randomImages } from '../support/convert-onnx.ts';
import { onnxruntime } from '../support/onnx.ts';
import { type Attributes, OnnxSketch } from '../support/onnx-sketch.ts';

const SIDE = 8;
const UINT8 = 2;
const INT8 = 3;
const UINT16 = 4;
const INT16 = 5;
const INT32 = 6;
const DOUBLE = 11;
const UINT4 = 21;
const images = randomImages(6, SIDE);

/** A tensor of bytes: name, scale, zero point. */
type Bytes = readonly [values: string, scale: string, zeroPoint: string];

class QuantisedSketch extends OnnxSketch {
  constructor() {
    super({ side: SIDE, opset: 21 });
  }

  contributed(opType: string, input: readonly string[], attributes: Attributes = {}): string {
    const output = this.draw(opType, input, attributes);
    this.nodes[this.nodes.length - 1].domain = 'com.microsoft';
    return output;
  }

  zero(dataType: number, value: number, dims: readonly number[] = []): string {
    const count = dims.reduce((product, extent) => product * extent, 1);
    return this.store({ dims, dataType, int32Data: new Array<number>(count).fill(value) });
  }

  whole(dims: readonly number[], dataType: number, least: number, most: number): string {
    const count = dims.reduce((product, extent) => product * extent, 1);
    return this.store({
      ...{ dims, dataType },
      int32Data: Array.from({ length: count }, () => this.random.integer(least, most)),
    });
  }

  scales(scale: number, zeroPoint: number): readonly [string, string] {
    return [this.scalar(scale), this.zero(UINT8, zeroPoint)];
  }

  quantisedImage(): Bytes {
    const [scale, zero] = this.scales(1 / 255, 0);
    return [this.draw('QuantizeLinear', [this.image, scale, zero]), scale, zero];
  }

  /** Weights with a step for each output, and a bias. */
  convolutionOf(
    input: Bytes,
    inputs: number,
    outputs: number,
    result: readonly [string, string],
    attributes: Attributes = {},
  ): Bytes {
    const weights = this.whole([outputs, inputs, 3, 3], INT8, -127, 127);
    const steps = this.between(0.002, 0.004, [outputs]);
    const bias = this.whole([outputs], INT32, -2000, 2000);
    const output = this.draw(
      'QLinearConv',
      [...input, weights, steps, this.zero(INT8, 0, [outputs]), ...result, bias],
      attributes,
    );
    return [output, ...result];
  }

  unary(opType: string, input: Bytes, result: readonly [string, string], attributes: Attributes = {}): Bytes {
    return [this.contributed(opType, [...input, ...result], attributes), ...result];
  }

  real([values, scale, zeroPoint]: Bytes): string {
    return this.draw('DequantizeLinear', [values, scale, zeroPoint]);
  }
}

/** Every operator on bytes that onnxruntime writes. */
function networkOnBytes(): QuantisedSketch {
  const s = new QuantisedSketch();
  const [a, b, c, d] = [s.scales(0.02, 0), s.scales(0.03, 110), s.scales(0.025, 100), s.scales(1 / 256, 0)];
  const first = s.convolutionOf(s.quantisedImage(), 3, 8, a, { pads: [1, 1, 1, 1] });
  const second = s.convolutionOf(first, 8, 8, b, { pads: [1, 1, 1, 1] });
  const sum: Bytes = [s.contributed('QLinearAdd', [...first, ...second, ...c]), ...c];
  const leaky = s.unary('QLinearLeakyRelu', sum, c, { alpha: { float: 0.1 } });
  const pooled = s.unary('QLinearAveragePool', leaky, b, { kernel_shape: [2, 2], strides: [2, 2] });
  const most: Bytes = [s.draw('MaxPool', [leaky[0]], { kernel_shape: [2, 2], strides: [2, 2] }), ...c];
  const joined: Bytes = [s.contributed('QLinearConcat', [...b, ...pooled, ...most], { axis: 1 }), ...b];
  const mean = s.unary('QLinearGlobalAveragePool', joined, c, { channels_last: 0 });
  const gate = s.unary('QLinearSigmoid', mean, d);
  const gated: Bytes = [s.contributed('QLinearMul', [...joined, ...gate, ...b]), ...b];
  const embedding = s.unary('QLinearGlobalAveragePool', gated, c, { channels_last: 0 });
  const features: Bytes = [s.draw('Flatten', [embedding[0]]), ...c];
  const matrix = s.whole([12, 16], INT8, -127, 127);
  const bias = s.whole([12], INT32, -2000, 2000);
  const hidden: Bytes = [
    s.contributed(
      'QGemm',
      [...features, matrix, s.between(0.004, 0.008, [12]), s.zero(INT8, 0, [12]), bias, ...a],
      { transB: 1 },
    ),
    ...a,
  ];
  const last = s.whole([12, 5], INT8, -127, 127);
  const answer: Bytes = [
    s.draw('QLinearMatMul', [...hidden, last, s.scalar(0.005), s.zero(INT8, 0), ...b]),
    ...b,
  ];
  s.output(s.real(answer));
  return s;
}

async function withoutImages(bytes: Uint8Array) {
  const prepared = await prepareModel(bytes, 'bytes.onnx');
  expect(prepared.stated?.openTensors).toEqual([]);
  const options = { name: 'b', version: '1.0.0', sourceName: 'bytes.onnx', scheme: 'per-channel' } as const;
  return { prepared, graph: (await convert(prepared, bytes, null, options)).graph };
}

const floatLogits = async (bytes: Uint8Array) => {
  const { folded } = await prepareModel(bytes, 'sketch.onnx');
  return images.map((image) => Array.from(evaluate(folded, realImage(image))));
};

function expectClose(given: readonly number[][], expected: readonly number[][], share: number): void {
  const range = Math.max(...expected.flat()) - Math.min(...expected.flat());
  given.forEach((logits, n) => {
    logits.forEach((logit, i) => {
      expect(Math.abs(logit - expected[n][i]) / range).toBeLessThan(share);
    });
  });
}

describe('operators on bytes', () => {
  it('keep every scale, zero point and weight of the file, and need no images', async () => {
    const { prepared, graph } = await withoutImages(await networkOnBytes().encode());
    if (prepared.stated === null) throw new Error('The file states nothing');
    expect(fileScalesOf(prepared.folded, graph, prepared.stated)).toMatchObject({
      changedTensors: [],
      requantisedLayers: [],
    });
  });

  it.skipIf(onnxruntime === null)('answer as onnxruntime does, but for roundings', async () => {
    const bytes = await networkOnBytes().encode();
    const expected = await onnxruntimeLogits(bytes, images, SIDE);
    const { graph } = await withoutImages(bytes);
    expectClose(
      images.map((image) => integerLogits(graph, image)),
      expected,
      0.05,
    );
  });

  it('with the channels last are refused: only a runtime writes them for itself', async () => {
    const s = new QuantisedSketch();
    const map = s.convolutionOf(s.quantisedImage(), 3, 8, s.scales(0.02, 0));
    const mean = s.unary('QLinearGlobalAveragePool', map, s.scales(0.02, 0), { channels_last: 1 });
    const bytes = await s.output(s.linear(s.draw('Flatten', [s.real(mean)]), 8, 5)).encode();
    await expect(prepareModel(bytes, 'bytes.onnx')).rejects.toMatchObject({
      code: 'ONNX_OPERATOR',
      details: { received: 'com.microsoft.QLinearGlobalAveragePool' },
    });
  });

  it('of several nodes of one name keep each its own scale', async () => {
    const sketch = networkOnBytes();
    for (const node of sketch.nodes) node.name = 'node';
    const named = await withoutImages(await sketch.encode());
    const own = await withoutImages(await networkOnBytes().encode());
    expect(named.graph.nodes.map(({ output }) => output.quantisation)).toEqual(
      own.graph.nodes.map(({ output }) => output.quantisation),
    );
  });

  it('a rounded softmax at the end is a readout: its bounds are none of the logits', async () => {
    const s = new QuantisedSketch();
    const logits = s.classify(s.conv(s.image, 3, 8), 8, 5);
    const [scale, zero] = s.scales(1 / 256, 0);
    const rounded = s.draw('QuantizeLinear', [s.draw('Softmax', [logits]), scale, zero]);
    const bytes = await s.output(s.real([rounded, scale, zero])).encode();
    const { folded, imported } = await prepareModel(bytes, 'bytes.onnx');
    expect(imported.readout).toBe('softmax');
    expect(folded.nodes.at(-1)).toMatchObject({ op: 'dense', clamp: null });
  });
});

describe.skipIf(onnxruntime === null)(
  'bytes that are read by another scale than they were written by',
  () => {
    it('stand for other numbers', async () => {
      const s = new QuantisedSketch();
      const map = s.conv(s.image, 3, 8);
      const written = s.draw('QuantizeLinear', [map, ...s.scales(0.01, 120)]);
      const read = s.draw('DequantizeLinear', [written, ...s.scales(0.03, 100)]);
      const bytes = await s.output(s.classify(read, 8, 5)).encode();
      expectClose(await floatLogits(bytes), await onnxruntimeLogits(bytes, images, SIDE), 0.02);
    });
  },
);

/** As onnxruntime.quantization writes it with sixteen bits of activations, or of weights and activations. */
function networkOfSixteenBits(activations: number, weights: number): QuantisedSketch {
  const s = new QuantisedSketch();
  const centre = activations === INT16 ? -1_000 : 30_000;
  const least = weights === INT16 ? -32_767 : 0;
  const between = (map: string, scale: number) => {
    const parameters = [s.scalar(scale), s.zero(activations, centre)];
    return s.draw('DequantizeLinear', [s.draw('QuantizeLinear', [map, ...parameters]), ...parameters]);
  };
  const matrix = s.whole([8, 3, 3, 3], weights, least, least + 65_534);
  const real = s.draw('DequantizeLinear', [matrix, s.scalar(2 / 65_536), s.zero(weights, least + 32_767)]);
  const map = between(s.draw('Relu', [s.draw('Conv', [between(s.image, 1 / 30_000), real])]), 1 / 4_000);
  s.output(s.classify(map, 8, 5));
  return s;
}

describe('sixteen bits', () => {
  const kinds = [
    [UINT16, UINT16],
    [INT16, INT16],
  ] as const;

  it.skipIf(onnxruntime === null).each(kinds)(
    'of type %i are read as what they stand for',
    async (...types) => {
      const bytes = await networkOfSixteenBits(...types).encode();
      expectClose(await floatLogits(bytes), await onnxruntimeLogits(bytes, images, SIDE), 1e-3);
    },
  );

  it('become eight, and the file is told to have lost its scales', async () => {
    const bytes = await networkOfSixteenBits(UINT16, UINT16).encode();
    const prepared = await prepareModel(bytes, 'sixteen.onnx');
    const calibration = { images, sha256: '0'.repeat(64), refused: [] };
    const options = { name: 's', version: '1.0.0', sourceName: 's.onnx', scheme: 'per-channel' } as const;
    const { graph } = await convert(prepared, bytes, calibration, options);
    if (prepared.stated === null) throw new Error('The file states nothing');
    const { requantisedLayers, changedTensors } = fileScalesOf(prepared.folded, graph, prepared.stated);
    expect(changedTensors).toEqual(graph.nodes.map(({ name }) => name));
    expect(requantisedLayers[0].decibels).toBeGreaterThan(40);
  });
});

it.skipIf(onnxruntime === null)(
  'QuantizeLinear without a zero point writes the type that it names',
  async () => {
    const s = new QuantisedSketch();
    const map = s.draw('Sub', [s.conv(s.image, 3, 8), s.scalar(0.5)]);
    const written = s.draw('QuantizeLinear', [map, s.scalar(0.02)], { output_dtype: INT8 });
    const read = s.draw('DequantizeLinear', [written, s.scalar(0.02)]);
    const bytes = await s.output(s.classify(read, 8, 5)).encode();
    expectClose(await floatLogits(bytes), await onnxruntimeLogits(bytes, images, SIDE), 0.02);
  },
);

/** A layer as quantize_dynamic writes it. */
function dynamicNetwork(scaledBack = true): QuantisedSketch {
  const s = new QuantisedSketch();
  const [values, scale, zero] = s.drawMany('DynamicQuantizeLinear', [s.image], 3);
  const weights = s.whole([8, 3, 3, 3], INT8, -127, 127);
  const sums = s.draw('ConvInteger', [values, weights, zero, s.zero(INT8, 0)]);
  const factor = s.draw('Mul', [scaledBack ? scale : s.scalar(0.01), s.scalar(0.004)]);
  const map = s.draw('Relu', [s.draw('Mul', [s.draw('Cast', [sums], { to: 1 }), factor])]);
  const features = s.draw('Flatten', [s.draw('GlobalAveragePool', [map])]);
  const [vector, step, centre] = s.drawMany('DynamicQuantizeLinear', [features], 3);
  const matrix = s.whole([8, 5], UINT8, 0, 255);
  const products = s.draw('MatMulInteger', [vector, matrix, centre, s.zero(UINT8, 128)]);
  const steps = s.draw('Mul', [step, s.scalar(0.01)]);
  s.output(s.draw('Mul', [s.draw('Cast', [products], { to: 1 }), steps]));
  return s;
}

describe('scales that are chosen for every image', () => {
  it.skipIf(onnxruntime === null)('are left to calibration; what is computed stays the same', async () => {
    const bytes = await dynamicNetwork().encode();
    expectClose(await floatLogits(bytes), await onnxruntimeLogits(bytes, images, SIDE), 0.03);
  });

  it('keep the steps of the weights, whatever is multiplied behind', async () => {
    const bytes = await dynamicNetwork().encode();
    const prepared = await prepareModel(bytes, 'dynamic.onnx');
    const calibration = { images, sha256: '0'.repeat(64), refused: [] };
    const options = { name: 'b', version: '1.0.0', sourceName: 'd.onnx', scheme: 'per-channel' } as const;
    const { graph } = await convert(prepared, bytes, calibration, options);
    if (prepared.stated === null) throw new Error('The file states nothing');
    const { layers, requantisedLayers, changedTensors } = fileScalesOf(
      prepared.folded,
      graph,
      prepared.stated,
    );
    expect([layers, requantisedLayers]).toEqual([2, []]);
    expect(changedTensors).toEqual(graph.nodes.map(({ name }) => name));
  });

  it('that do not come back are refused: the answer would depend on them', async () => {
    await expect(prepareModel(await dynamicNetwork(false).encode(), 'dynamic.onnx')).rejects.toMatchObject({
      code: 'ONNX_OPERATOR',
      details: { node: 'ConvInteger_1', remedy: expect.stringContaining('fixed scales') },
    });
  });
});

describe('weights in blocks', () => {
  const features = (s: QuantisedSketch) =>
    s.draw('Flatten', [s.draw('GlobalAveragePool', [s.conv(s.image, 3, 32)])]);

  it.skipIf(onnxruntime === null)('of four bits, with a scale for each sixteen', async () => {
    const s = new QuantisedSketch();
    const packed = Array.from({ length: 80 }, () => s.random.integer(0, 255));
    const weights = s.store({ dims: [32, 5], dataType: UINT4, int32Data: packed });
    const scales = s.between(0.01, 0.1, [2, 5]);
    const zeros = s.store({ dims: [2, 5], dataType: UINT4, int32Data: [0x78, 0x97, 0x85, 0x68, 0x79] });
    const matrix = s.draw('DequantizeLinear', [weights, scales, zeros], { axis: 0, block_size: 16 });
    const bytes = await s.output(s.draw('MatMul', [features(s), matrix])).encode();
    expectClose(await floatLogits(bytes), await onnxruntimeLogits(bytes, images, SIDE), 1e-4);
  });

  it.skipIf(onnxruntime === null).each([true, false])(
    'as MatMulNBits has them, zero points stated: %s',
    async (isStated) => {
      const s = new QuantisedSketch();
      const weights = s.whole([5, 2, 8], UINT8, 0, 255);
      const scales = s.between(0.01, 0.1, [10]);
      const zeros = isStated ? [s.whole([5], UINT8, 0, 255)] : [];
      const attributes = { K: 32, N: 5, bits: 4, block_size: 16 };
      const last = s.contributed('MatMulNBits', [features(s), weights, scales, ...zeros], attributes);
      const bytes = await s.output(last).encode();
      expectClose(await floatLogits(bytes), await onnxruntimeLogits(bytes, images, SIDE), 1e-4);
    },
  );

  it('have no steps to keep: the layer is quantised anew, and what that costs is told', async () => {
    const s = new QuantisedSketch();
    const weights = s.whole([32, 5], INT8, -127, 127);
    const matrix = s.draw('DequantizeLinear', [weights, s.between(0.001, 0.02, [2, 5])], {
      ...{ axis: 0, block_size: 16 },
    });
    const plain = s.draw('DequantizeLinear', [
      ...[s.whole([32, 3, 3, 3], INT8, -127, 127), s.scalar(0.004), s.zero(INT8, 0)],
    ]);
    const map = s.draw('Relu', [s.draw('Conv', [s.image, plain])]);
    const vector = s.draw('Flatten', [s.draw('GlobalAveragePool', [map])]);
    const bytes = await s.output(s.draw('MatMul', [vector, matrix])).encode();
    const prepared = await prepareModel(bytes, 'blocks.onnx');
    const options = { name: 'b', version: '1.0.0', sourceName: 'b.onnx', scheme: 'per-channel' } as const;
    const calibration = { images, sha256: '0'.repeat(64), refused: [] };
    const { graph } = await convert(prepared, bytes, calibration, options);
    if (prepared.stated === null) throw new Error('The file states nothing');
    const { layers, requantisedLayers } = fileScalesOf(prepared.folded, graph, prepared.stated);
    expect([layers, requantisedLayers.length]).toEqual([2, 1]);
    expect(requantisedLayers[0].layer).toContain('MatMul');
    expect(requantisedLayers[0].decibels).toBeGreaterThan(30);
    expect(requantisedLayers[0].decibels).toBeLessThan(70);
  });
});

describe('weights in other forms', () => {
  const network = (store: (s: OnnxSketch, dims: readonly number[], values: readonly number[]) => string) => {
    const s = new OnnxSketch({ side: SIDE, opset: 13 });
    const values = Array.from({ length: 108 }, (_, i) => ((i * 53) % 101) / 128 - 0.4);
    const map = s.draw('Conv', [s.image, store(s, [4, 3, 3, 3], values)]);
    return s.output(s.classify(map, 4, 3)).encode();
  };

  it('of 64 bits are those of 32', async () => {
    const double = await network((s, dims, doubleData) => s.store({ dims, dataType: DOUBLE, doubleData }));
    const single = await network((s, dims, values) => s.weights(dims, values));
    const [a, b] = await Promise.all([prepareModel(double, 'a.onnx'), prepareModel(single, 'a.onnx')]);
    const weights = a.folded.nodes.flatMap((node) => (node.op === 'convolution' ? [node.weights] : []));
    expect(weights).toHaveLength(1);
    expect(a.folded.nodes).toEqual(b.folded.nodes);
  });

  it.skipIf(onnxruntime === null)(
    'real ones that the file quantises itself have the steps it says',
    async () => {
      const bytes = await network((s, dims, values) => {
        const scale = [
          s.weights([4], [0.004, 0.005, 0.006, 0.007]),
          s.store({ dims: [4], dataType: INT8, int32Data: [0, 0, 0, 0] }),
        ];
        const quantised = s.draw('QuantizeLinear', [s.weights(dims, values), ...scale], { axis: 0 });
        return s.draw('DequantizeLinear', [quantised, ...scale], { axis: 0 });
      });
      const { stated } = await prepareModel(bytes, 'a.onnx');
      expect(stated?.weights.size).toBe(1);
      expectClose(await floatLogits(bytes), await onnxruntimeLogits(bytes, images, SIDE), 1e-4);
    },
  );
});
