/** Files as exporters write them: read as onnxruntime runs them, or refused within bounds. */
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { realImage } from '../../src/conversion/calibration/real-image.ts';
import { evaluate } from '../../src/conversion/float/evaluate.ts';
import { importOnnx, type OnnxOptions } from '../../src/conversion/onnx/import.ts';
import { modelType } from '../../src/conversion/onnx/schema.ts';
import { fromBrainFloat, fromHalf } from '../../src/conversion/onnx/tensor.ts';
import { prepareModel } from '../../src/conversion/prepare.ts';
import { requireDependence } from '../../src/conversion/scrutiny/dependence.ts';
import { RefusedError } from '../../src/errors.ts';
import { randomImages } from '../support/convert-onnx.ts';
import { int, ints, OnnxBuilder, onnxruntime, runOnnxruntime } from '../support/onnx.ts';

const SHAPE = [8, 8, 3] as const;
const images = randomImages(6, 8);

/** Conv, ReLU, pool, linear: [n, 3]. */
function classifier(b: OnnxBuilder, image = 'image', classes = 3): string {
  const map = b.node('Relu', [b.convolution(image, 4, 3)]);
  const flat = b.node('Flatten', [b.node('GlobalAveragePool', [map])]);
  return b.node('Gemm', [flat, b.weights([4, classes]), b.weights([classes])]);
}

async function logitsOf(bytes: Uint8Array, image: Uint8Array, options: OnnxOptions = {}): Promise<number[]> {
  const { graph } = await importOnnx(bytes, 'model.onnx', options);
  return Array.from(evaluate(graph, realImage(image)));
}

async function refusal(bytes: Uint8Array, file = 'model.onnx', options: OnnxOptions = {}): Promise<string> {
  try {
    await importOnnx(bytes, file, options);
  } catch (error) {
    if (error instanceof RefusedError) return error.code;
    throw error;
  }
  return 'accepted';
}

function close(received: readonly number[], expected: ArrayLike<number>): void {
  expect(received).toHaveLength(expected.length);
  received.forEach((value, i) => {
    expect(value).toBeCloseTo(expected[i], 4);
  });
}

/** A message with parts that the builder has no words for. */
async function encoded(b: OnnxBuilder, more: Record<string, unknown>): Promise<Uint8Array> {
  const type = await modelType();
  const message = type.toObject(type.decode(await b.encode()), { longs: Number });
  return type.encode(type.fromObject({ ...message, ...more })).finish();
}

const relu = (name: string, opType = 'Relu', domain = '') => ({
  ...{ name, domain: 'local', input: ['x'], output: ['y'], opsetImport: [{ domain: '', version: 13 }] },
  node: [{ opType, domain, input: ['x'], output: ['y'] }],
});

function calling(domain = 'local'): OnnxBuilder {
  const b = new OnnxBuilder();
  const map = b.node('f', [b.convolution('image', 4, 3)]);
  Object.assign(b.nodes[1], { domain });
  const flat = b.node('Flatten', [b.node('GlobalAveragePool', [map])]);
  return b.output(b.node('Gemm', [flat, b.weights([4, 3])]));
}

describe.skipIf(onnxruntime === null)('what exporters write is what onnxruntime runs', () => {
  it.each<[string, (b: OnnxBuilder) => string, number?]>([
    ['opset 9', (b) => classifier(b), 9],
    ['opset 22', (b) => classifier(b), 22],
    [
      'a dead branch that no integer graph could compute',
      (b) => {
        b.node('Mish', [b.node('Selu', ['image'])]);
        return classifier(b);
      },
      18,
    ],
    [
      'the channels last for a while',
      (b) => {
        const first = b.convolution('image', 4, 3);
        const last = b.node('Transpose', [first], { perm: ints(0, 2, 3, 1) });
        const moved = b.node('Relu', [b.node('Add', [last, b.weights([4])])]);
        const back = b.node('Transpose', [moved], { perm: ints(0, 3, 1, 2) });
        const flat = b.node('Flatten', [b.node('GlobalAveragePool', [back])]);
        return b.node('Gemm', [flat, b.weights([4, 3])]);
      },
    ],
    [
      'a map flattened with its channels last',
      (b) => {
        const last = b.node('Transpose', [b.convolution('image', 4, 3)], { perm: ints(0, 2, 3, 1) });
        return b.node('MatMul', [b.node('Reshape', [last, b.integers(-1, 256)]), b.weights([256, 3])]);
      },
    ],
    [
      'means over rows and columns of channels last',
      (b) => {
        const last = b.node('Transpose', [b.convolution('image', 4, 3)], { perm: ints(0, 2, 3, 1) });
        const mean = b.node('ReduceMean', [last], { axes: ints(1, 2), keepdims: int(0) });
        return b.node('Gemm', [mean, b.weights([4, 3])]);
      },
    ],
    [
      'weights that are turned, and a bias in another shape',
      (b) => {
        const turned = b.node('Transpose', [b.weights([3, 4])], { perm: ints(1, 0) });
        const bias = b.node('Reshape', [b.weights([4]), b.integers(1, 4, 1, 1)]);
        const map = b.node('Add', [b.convolution('image', 4, 3), bias]);
        return b.node('MatMul', [b.node('Flatten', [b.node('GlobalAveragePool', [map])]), turned]);
      },
    ],
    [
      'borders spelt with shape arithmetic',
      (b) => {
        const zeros = b.node('ConstantOfShape', [b.integers(4)]);
        const whole = b.node('Cast', [zeros], { to: int(7) });
        const pairs = b.node('Reshape', [
          b.node('Concat', [b.integers(1, 2, 1, 0), whole], { axis: int(0) }),
          b.integers(-1, 2),
        ]);
        const turned = b.node('Slice', [
          pairs,
          b.integers(-1),
          b.integers(-(2 ** 50)),
          b.integers(0),
          b.integers(-1),
        ]);
        const pads = b.node('Reshape', [b.node('Transpose', [turned], { perm: ints(1, 0) }), b.integers(-1)]);
        const map = b.convolution(b.node('Pad', ['image', pads]), 4, 3, 3, 0);
        return b.node('Gemm', [b.node('Flatten', [b.node('GlobalAveragePool', [map])]), b.weights([4, 3])]);
      },
    ],
  ])('%s', async (_, draw, opset = 13) => {
    const b = new OnnxBuilder({ opset });
    const bytes = await b.output(draw(b)).encode();
    for (const image of images.slice(0, 2)) {
      close(await logitsOf(bytes, image), await runOnnxruntime(bytes, realImage(image), SHAPE));
    }
  });

  it('a local function, with functions of its own', async () => {
    const functions = [relu('f', 'g', 'local'), relu('g')];
    const bytes = await encoded(calling(), { functions });
    const plain = await encoded(calling(''), {});
    const type = await modelType();
    const message = type.toObject(type.decode(plain), { longs: Number });
    message.graph.node[1].opType = 'Relu';
    const expected = await runOnnxruntime(
      type.encode(type.fromObject(message)).finish(),
      realImage(images[0]),
      SHAPE,
    );
    close(await logitsOf(bytes, images[0]), expected);
  });
});

describe('an image goes in', () => {
  it('with its channels last, in bytes, in batches of eight, or of any size: the same answers', async () => {
    const plain = new OnnxBuilder();
    const expected = await logitsOf(await plain.output(classifier(plain)).encode(), images[0]);

    const last = new OnnxBuilder({ image: ['n', 8, 8, 3] });
    const turned = last.node('Transpose', ['image'], { perm: ints(0, 3, 1, 2) });
    close(await logitsOf(await last.output(classifier(last, turned)).encode(), images[0]), expected);

    const bytes = new OnnxBuilder({ imageType: 2 });
    const cast = bytes.node('Cast', ['image'], { to: int(1) });
    const small = bytes.node('Div', [cast, bytes.node('Constant', [], { value_float: { f: 255, type: 1 } })]);
    close(await logitsOf(await bytes.output(classifier(bytes, small)).encode(), images[0]), expected);

    const batch = new OnnxBuilder({ image: [8, 3, 8, 8] });
    const vector = batch.node('Reshape', [classifier(batch), batch.integers(8, 3)]);
    close(await logitsOf(await batch.output(vector, [8, 3]).encode(), images[0]), expected);

    const open = new OnnxBuilder({ image: ['n', 3, 'height', 'width'] });
    const any = await open.output(classifier(open)).encode();
    close(await logitsOf(any, images[0], { side: 8 }), expected);
    expect(await refusal(any)).toBe('ONNX_DYNAMIC_SHAPE');
  });

  it('as sixteen bits become the numbers they stand for', () => {
    expect([0x3c00, 0xc000, 0x0001, 0x7bff, 0x8000].map(fromHalf)).toEqual([1, -2, 2 ** -24, 65_504, -0]);
    expect([0x3f80, 0xc000, 0x4049].map(fromBrainFloat)).toEqual([1, -2, 3.140625]);
    expect([fromHalf(0x7c00), fromHalf(0x7e00)]).toEqual([Number.POSITIVE_INFINITY, Number.NaN]);
  });
});

describe('an answer comes out', () => {
  it('as logits behind softmax, reshapes and ArgMax, and behind a sigmoid that is left out with a word', async () => {
    const plain = new OnnxBuilder();
    const expected = await logitsOf(await plain.output(classifier(plain)).encode(), images[0]);
    const ends: ((b: OnnxBuilder, logits: string) => string)[] = [
      (b, logits) => b.node('Reshape', [b.node('Softmax', [logits], { axis: int(-1) }), b.integers(-1, 3)]),
      (b, logits) => b.node('ArgMax', [b.node('Softmax', [logits], { axis: int(1) })], { axis: int(1) }),
      (b, logits) => b.node('Sigmoid', [logits]),
    ];
    for (const end of ends) {
      const b = new OnnxBuilder();
      close(await logitsOf(await b.output(end(b, classifier(b))).encode(), images[0]), expected);
    }
    const b = new OnnxBuilder();
    const { imported } = await prepareModel(await b.output(ends[2](b, classifier(b))).encode(), 'model.onnx');
    expect(imported.notes.join()).toContain('sigmoid');
  });

  it('from the one output that is a vector of classes, or the one that is named', async () => {
    const b = new OnnxBuilder();
    const logits = classifier(b);
    const index = b.node('ArgMax', [logits], { axis: int(1) });
    b.output(b.node('Softmax', [logits], { axis: int(1) }), ['n', 3]).output(index, ['n']);
    expect(await logitsOf(await b.encode(), images[0])).toHaveLength(3);

    const two = new OnnxBuilder();
    const names = [classifier(two), classifier(two)];
    const bytes = await two.output(names[0], ['n', 3]).output(names[1], ['n', 3]).encode();
    expect(await refusal(bytes)).toBe('ONNX_OUTPUTS');
    expect(await logitsOf(bytes, images[0], { output: names[1] })).toHaveLength(3);
    expect(await refusal(bytes, 'model.onnx', { output: 'nothing' })).toBe('ONNX_OUTPUTS');
  });

  it('of two classes from one number: the softmax of both logits is the sigmoid of the one', async () => {
    const plain = new OnnxBuilder();
    const [z] = await logitsOf(await plain.output(classifier(plain, 'image', 1)).encode(), images[0]);
    for (const end of [
      (_: OnnxBuilder, logit: string) => logit,
      (b: OnnxBuilder, logit: string) => b.node('Sigmoid', [logit]),
      (b: OnnxBuilder, logit: string) => {
        const power = b.node('Exp', [b.node('Neg', [logit])]);
        return b.node('Reciprocal', [b.node('Add', [power, b.weights([1], [1])])]);
      },
      (b: OnnxBuilder, logit: string) => {
        const half = b.node('Tanh', [b.node('Mul', [logit, b.weights([1], [0.5])])]);
        return b.node('Mul', [b.node('Add', [half, b.weights([1], [1])]), b.weights([1], [0.5])]);
      },
    ]) {
      const b = new OnnxBuilder();
      const bytes = await b.output(end(b, classifier(b, 'image', 1))).encode();
      const { folded } = await prepareModel(bytes, 'model.onnx');
      close(Array.from(evaluate(folded, realImage(images[0]))), [0, z]);
    }
    const b = new OnnxBuilder();
    const bytes = await b.output(b.node('Softmax', [classifier(b, 'image', 1)], { axis: int(1) })).encode();
    await expect(prepareModel(bytes, 'model.onnx')).rejects.toMatchObject({ code: 'ONNX_OUTPUTS' });
  });
});

describe('a scale that contradicts the network', () => {
  const normalising = async (scale: number, offset: number) => {
    const b = new OnnxBuilder();
    const scaled = b.node('Mul', ['image', b.weights([1], [scale])]);
    return b.output(classifier(b, b.node('Add', [scaled, b.weights([1], [offset])]))).encode();
  };

  it('is seen: an image that hardly changes anything is refused with what the network seems to expect', async () => {
    const prepared = await prepareModel(await normalising(1 / 127.5, -1), 'model.onnx');
    await expect(requireDependence(prepared, images)).rejects.toThrow(
      expect.objectContaining({
        code: 'INPUT_NORMALISATION',
        details: expect.objectContaining({ remedy: expect.stringContaining('--std 0.00392157') }),
      }),
    );
  });

  it('is not seen where there is none', async () => {
    await requireDependence(await prepareModel(await normalising(2, -1), 'model.onnx'), images);
    const normalisation = { mean: [0, 0, 0], std: [1 / 255, 1 / 255, 1 / 255] };
    await requireDependence(
      await prepareModel(await normalising(1 / 127.5, -1), 'm.onnx', { normalisation }),
      images,
    );
  });

  it('is refused where the network centres the image already', async () => {
    const normalisation = { mean: [0.5, 0.5, 0.5], std: [0.5, 0.5, 0.5] };
    await expect(
      prepareModel(await normalising(2, -1), 'model.onnx', { normalisation }),
    ).rejects.toMatchObject({
      code: 'INPUT_NORMALISATION',
    });
  });
});

describe('hostile files end in a typed refusal, within bounds', () => {
  let folder: string;
  beforeAll(() => {
    folder = mkdtempSync(path.join(tmpdir(), 'external-'));
    mkdirSync(path.join(folder, 'inside'));
    writeFileSync(path.join(folder, 'outside.bin'), Buffer.alloc(4096, 1));
    writeFileSync(path.join(folder, 'inside', 'short.bin'), Buffer.alloc(10));
    writeFileSync(
      path.join(folder, 'inside', 'weights.bin'),
      Buffer.from(new Float32Array(108).fill(0.1).buffer),
    );
    symlinkSync('../outside.bin', path.join(folder, 'inside', 'link.bin'));
    symlinkSync('..', path.join(folder, 'inside', 'up'));
  });
  afterAll(() => rmSync(folder, { recursive: true }));

  async function external(entries: Record<string, string>, dims = [4, 3, 3, 3]): Promise<Uint8Array> {
    const b = new OnnxBuilder();
    b.output(classifier(b));
    const externalData = Object.entries(entries).map(([key, value]) => ({ key, value }));
    const { name } = b.initializers[0];
    b.initializers[0] = { name, dims, dataType: 1, dataLocation: 1, externalData };
    return b.encode();
  }

  it('weights beside the model are read', async () => {
    const file = path.join(folder, 'inside', 'model.onnx');
    expect(await refusal(await external({ location: 'weights.bin', offset: '0', length: '432' }), file)).toBe(
      'accepted',
    );
  });

  it.each<[string, Record<string, string>, number[]?]>([
    ['above the folder', { location: '../outside.bin' }],
    ['above the folder in the middle', { location: 'a/../../outside.bin' }],
    ['above the folder with backslashes', { location: '..\\outside.bin' }],
    ['at an absolute path', { location: '/etc/passwd' }],
    ['on a drive', { location: 'C:\\weights.bin' }],
    ['behind a link that leads out', { location: 'link.bin' }],
    ['behind a folder that leads out', { location: 'up/outside.bin' }],
    ['nowhere', { location: 'missing.bin' }],
    ['at no place', {}],
    ['in the folder itself', { location: '.' }],
    ['behind a zero byte', { location: 'weights.bin\0.txt' }],
    ['in a file that is too short', { location: 'short.bin' }],
    ['behind the end of the file', { location: 'weights.bin', offset: '1000000000000' }],
    ['before its beginning', { location: 'weights.bin', offset: '-4' }],
    ['at an offset that is no number', { location: 'weights.bin', offset: 'four' }],
    ['with a length of two gigabytes', { location: 'weights.bin', length: '2147483648' }],
    ['with a shape of two gigabytes', { location: 'weights.bin' }, [2 ** 29, 1, 1, 1]],
    ['with a shape beyond all numbers', { location: 'weights.bin' }, [2 ** 40, 2 ** 40, 2 ** 40, 2 ** 40]],
  ])('weights %s', async (_, entries, dims) => {
    const file = path.join(folder, 'inside', 'model.onnx');
    expect(await refusal(await external(entries, dims), file)).toBe('ONNX_EXTERNAL_DATA');
  });

  it.each<[string, object[], string]>([
    ['a function that calls itself', [relu('f', 'f', 'local')], 'ONNX_CYCLE'],
    ['functions that call each other', [relu('f', 'g', 'local'), relu('g', 'f', 'local')], 'ONNX_CYCLE'],
    [
      'thirty functions that each call the next twice',
      Array.from({ length: 30 }, (_, i) => ({
        ...relu(i === 0 ? 'f' : `f${i}`),
        node: [
          {
            opType: i === 29 ? 'Relu' : `f${i + 1}`,
            domain: i === 29 ? '' : 'local',
            input: ['x'],
            output: ['z'],
          },
          {
            opType: i === 29 ? 'Relu' : `f${i + 1}`,
            domain: i === 29 ? '' : 'local',
            input: ['z'],
            output: ['y'],
          },
        ],
      })),
      'ONNX_TOO_LARGE',
    ],
    [
      'a function of another operator set',
      [{ ...relu('f'), opsetImport: [{ domain: '', version: 11 }] }],
      'ONNX_OPSET',
    ],
    ['a function that takes nothing', [{ ...relu('f'), input: [] }], 'ONNX_OPERANDS'],
    ['a function that makes nothing of the kind', [{ ...relu('f'), node: [] }], 'ONNX_MISSING_TENSOR'],
  ])('%s', async (_, functions, code) => {
    expect(await refusal(await encoded(calling(), { functions }))).toBe(code);
  });

  it.each<[string, (b: OnnxBuilder) => string]>([
    ['a constant of 2^40 values', (b) => b.node('ConstantOfShape', [b.integers(2 ** 20, 2 ** 20)])],
    ['a constant of a negative size', (b) => b.node('ConstantOfShape', [b.integers(-1)])],
    ['one value spread over 2^40', (b) => b.node('Expand', [b.weights([1]), b.integers(2 ** 20, 2 ** 20)])],
    ['a range without end', (b) => b.node('Range', [b.integers(0), b.integers(2 ** 50), b.integers(1)])],
    ['a range of no step', (b) => b.node('Range', [b.integers(0), b.integers(5), b.integers(0)])],
    ['sums of shapes that do not broadcast', (b) => b.node('Add', [b.weights([3]), b.weights([4])])],
    [
      'an outer sum of 2^40 values',
      (b) => {
        const column = b.node('ConstantOfShape', [b.integers(2 ** 20, 1)]);
        return b.node('Add', [column, b.node('ConstantOfShape', [b.integers(1, 2 ** 20)])]);
      },
    ],
    ['indices behind the end', (b) => b.node('Gather', [b.weights([3]), b.integers(7)])],
    [
      'steps of zero',
      (b) => b.node('Slice', [b.weights([3]), b.integers(0), b.integers(3), b.integers(0), b.integers(0)]),
    ],
    ['an order of axes that is none', (b) => b.node('Transpose', [b.weights([2, 2])], { perm: ints(0, 0) })],
    ['a shape that does not hold its values', (b) => b.node('Reshape', [b.weights([6]), b.integers(4, -1)])],
    [
      'constants of two sizes in a row',
      (b) => b.node('Concat', [b.weights([2, 3]), b.weights([2])], { axis: int(0) }),
    ],
  ])('%s', async (_, draw) => {
    const b = new OnnxBuilder();
    const odd = draw(b);
    b.output(b.node('Add', [classifier(b), odd]));
    expect(await refusal(await b.encode())).toBe('ONNX_SHAPE');
  });

  it('axes that a Transpose moved are never taken for others', async () => {
    const b = new OnnxBuilder();
    const turned = b.node('Transpose', [b.convolution('image', 8, 3)], { perm: ints(0, 2, 3, 1) });
    const flat = b.node('Flatten', [b.node('GlobalAveragePool', [turned])]);
    b.output(b.node('Gemm', [flat, b.weights([8, 3])]));
    expect(await refusal(await b.encode())).toBe('ONNX_OPERATOR');
  });
});
