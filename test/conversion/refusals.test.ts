import { describe, expect, it } from 'vitest';
import { importOnnx } from '../../src/conversion/onnx/import.ts';
import { prepareModel } from '../../src/conversion/prepare.ts';
import { RefusedError } from '../../src/errors.ts';
import { float, int, ints, OnnxBuilder, tensor, text } from '../support/onnx.ts';
import { Random } from '../support/random.ts';

async function refusalOf(bytes: Uint8Array): Promise<RefusedError> {
  try {
    await importOnnx(bytes, 'model.onnx');
  } catch (error) {
    if (error instanceof RefusedError) return error;
    throw error;
  }
  throw new Error('The model was accepted');
}

/** A sound model whose last step before the classifier is `body`. */
function around(body: (b: OnnxBuilder, x: string) => string, opset = 17): OnnxBuilder {
  const b = new OnnxBuilder({ opset });
  const y = body(b, b.node('Relu', [b.convolution('image', 4, 3)]));
  const flat = b.node('Flatten', [b.node('GlobalAveragePool', [y])]);
  return b.output(b.node('Gemm', [flat, b.weights([4, 3])]), ['n', 3]);
}

const sound = () => around((b, x) => b.convolution(x, 4, 4));

describe('files that are no models', () => {
  it.each([
    ['an empty file', new Uint8Array(0), 'ONNX_EMPTY'],
    ['text', Buffer.from('this is no model, and long enough to look like one'), 'ONNX_NOT_PROTOBUF'],
    ['a JPEG', Buffer.from('ffd8ffe000104a46494600010100000100010000', 'hex'), 'ONNX_NOT_PROTOBUF'],
    ['a length of two gigabytes', Buffer.from('3affffffff07', 'hex'), 'ONNX_NOT_PROTOBUF'],
    ['a length that never ends', Buffer.from(`3a${'ff'.repeat(20)}`, 'hex'), 'ONNX_NOT_PROTOBUF'],
    ['unknown fields only', Buffer.from('a20604abcdef01', 'hex'), 'ONNX_INCOMPLETE'],
    ['nothing but a version', Buffer.from('0808', 'hex'), 'ONNX_INCOMPLETE'],
  ])('%s', async (_, bytes, code) => {
    const fault = await refusalOf(bytes);
    expect(fault.code).toBe(code);
    expect(fault.details.file).toBe('model.onnx');
    expect(fault.exitCode).toBe(3);
  });

  it('a model cut short at any byte', async () => {
    const bytes = await sound().encode();
    for (let length = 0; length < bytes.length; length++) {
      const fault = await refusalOf(bytes.slice(0, length));
      expect(fault.code, `cut at ${length} of ${bytes.length}`).toMatch(/^ONNX_/);
    }
  });

  it('a model with any byte altered is refused in words or read, never a crash', async () => {
    const bytes = await sound().encode();
    const random = new Random(7);
    for (let i = 0; i < 1500; i++) {
      const damaged = bytes.slice();
      for (let k = random.integer(1, 4); k > 0; k--)
        damaged[random.integer(0, bytes.length - 1)] = random.integer(0, 255);
      await prepareModel(damaged, 'model.onnx').catch((error: unknown) => {
        if (!(error instanceof RefusedError)) throw error;
      });
    }
  });
});

describe('operators without an integer form', () => {
  it.each([
    ['LayerNormalization', 'BatchNormalization'],
    ['Loop', 'unroll'],
    ['Scan', 'unroll'],
    ['If', 'export one branch'],
    ['GRU', 'feed-forward'],
    ['LSTM', 'feed-forward'],
    ['QLinearWhere', 'QuantFormat.QDQ'],
    ['ConvTranspose', 'upsampling'],
    ['SomethingNobodyKnows', 'rebuild'],
  ])('%s', async (operator, remedy) => {
    const fault = await refusalOf(await around((b, x) => b.node(operator, [x])).encode());
    expect(fault.code).toBe('ONNX_OPERATOR');
    expect(fault.details.node).toBe(`${operator}_2`);
    expect(fault.details.received).toBe(operator);
    expect(fault.details.remedy).toContain(remedy);
    expect(fault.exitCode).toBe(3);
  });

  it('Softmax inside the network', async () => {
    const fault = await refusalOf(await around((b, x) => b.node('Softmax', [x])).encode());
    expect([fault.code, fault.details.node]).toEqual(['ONNX_OPERATOR', 'Softmax_2']);
  });

  it('an operator of another domain, under its full name', async () => {
    const builder = around((b, x) => b.node('Conv', [x]));
    builder.nodes[2].domain = 'com.example';
    expect((await refusalOf(await builder.encode())).details.received).toBe('com.example.Conv');
  });

  it.each([
    ['com.microsoft', 'NhwcConv'],
    ['com.microsoft', 'FusedConv'],
    ['com.microsoft.nchwc', 'Conv'],
  ])('an operator that onnxruntime’s optimiser wrote, by that reason: %s.%s', async (domain, operator) => {
    const builder = around((b, x) => b.node(operator, [x]));
    builder.nodes[2].domain = domain;
    const fault = await refusalOf(await builder.encode());
    expect(fault.message).toContain('made of the model for one machine');
    expect(fault.details.remedy).toContain('before onnxruntime optimised');
  });

  it('names every offending node, and the share that converts', async () => {
    const builder = around((b, x) => b.node('GRU', [b.node('LayerNormalization', [b.node('GRU', [x])])]));
    const fault = await refusalOf(await builder.encode());
    expect(fault.details.node).toBe('GRU_2, LayerNormalization_3, GRU_4');
    expect(fault.message).toContain('3 of 8 nodes');
    expect(fault.message).toContain((1 - 3 / 8).toFixed(3));
    expect(fault.message).toContain('replace LayerNormalization by BatchNormalization and retrain');
  });

  it('says once what many nodes have alike, and counts those that it does not name', async () => {
    const norms = (b: OnnxBuilder, x: string) =>
      Array.from({ length: 23 }).reduce<string>((y) => b.node('LayerNormalization', [y]), x);
    const fault = await refusalOf(await around((b, x) => b.node('GRU', [norms(b, x)])).encode());
    const names = [2, 3, 4, 5].map((index) => `LayerNormalization_${index}`).join(', ');
    expect(fault.message.match(/by BatchNormalization/g)).toHaveLength(1);
    expect(fault.message).toContain(`${names} and 19 more: LayerNormalization has no integer form`);
    expect(fault.message).toContain('GRU_25: GRU has no integer form');
    expect(fault.message).toContain('24 of 29 nodes');
    expect(fault.details.node).toBe(`${names} and 20 more`);
  });
});

describe('parameters', () => {
  const weights = (b: OnnxBuilder, index: number) => b.initializers[index];

  it.each<[string, string, (b: OnnxBuilder) => void]>([
    [
      'NaN',
      'ONNX_NOT_FINITE',
      (b) => Object.assign(weights(b, 0), { floatData: new Array(108).fill(Number.NaN) }),
    ],
    [
      'infinite',
      'ONNX_NOT_FINITE',
      (b) => Object.assign(weights(b, 1), { floatData: [1, 2, Number.POSITIVE_INFINITY, 4] }),
    ],
    ['too few', 'ONNX_TENSOR_SIZE', (b) => Object.assign(weights(b, 0), { floatData: [1, 2, 3] })],
    ['text', 'ONNX_DATA_TYPE', (b) => Object.assign(weights(b, 0), { dataType: 8 })],
    [
      'beyond float32',
      'ONNX_NOT_FINITE',
      (b) =>
        Object.assign(weights(b, 0), { dataType: 11, floatData: [], doubleData: new Array(108).fill(1e300) }),
    ],
    [
      'integers',
      'ONNX_DATA_TYPE',
      (b) => Object.assign(weights(b, 0), { dataType: 7, floatData: [], int64Data: new Array(108).fill(1) }),
    ],
    ['in another file', 'ONNX_EXTERNAL_DATA', (b) => Object.assign(weights(b, 0), { dataLocation: 1 })],
    [
      'cut within a value',
      'ONNX_TENSOR_SIZE',
      (b) => Object.assign(weights(b, 0), { floatData: [], rawData: Buffer.alloc(433) }),
    ],
    ['of another shape', 'ONNX_SHAPE', (b) => Object.assign(weights(b, 0), { dims: [4, 27, 1, 1] })],
    [
      'with a bias of another length',
      'ONNX_SHAPE',
      (b) => Object.assign(weights(b, 1), { dims: [3], floatData: [1, 2, 3] }),
    ],
    ['missing', 'ONNX_MISSING_TENSOR', (b) => b.initializers.shift()],
    ['stored twice', 'ONNX_DUPLICATE_NAME', (b) => b.initializers.push({ ...weights(b, 0) })],
  ])('weights %s', async (_, code, damage) => {
    const builder = sound();
    damage(builder);
    const fault = await refusalOf(await builder.encode());
    expect(fault.code).toBe(code);
    expect(fault.details.node ?? fault.details.field).toBeTruthy();
  });

  it.each<[string, string, (b: OnnxBuilder, x: string) => string]>([
    [
      'dilation by nothing',
      'ONNX_ATTRIBUTE',
      (b, x) => b.node('Conv', [x, b.weights([4, 4, 3, 3])], { dilations: ints(0, 2) }),
    ],
    [
      'negative padding',
      'ONNX_ATTRIBUTE',
      (b, x) => b.node('Conv', [x, b.weights([4, 4, 3, 3])], { pads: ints(-1, 0, 0, 0) }),
    ],
    [
      'a stride of 0',
      'ONNX_ATTRIBUTE',
      (b, x) => b.node('Conv', [x, b.weights([4, 4, 3, 3])], { strides: ints(0, 1) }),
    ],
    ['a kernel larger than the image', 'ONNX_SHAPE', (b, x) => b.node('Conv', [x, b.weights([4, 4, 9, 9])])],
    [
      'kernel_shape against the weights',
      'ONNX_SHAPE',
      (b, x) => b.node('Conv', [x, b.weights([4, 4, 3, 3])], { kernel_shape: ints(5, 5) }),
    ],
    [
      'groups that do not divide',
      'ONNX_SHAPE',
      (b, x) => b.node('Conv', [x, b.weights([4, 2, 3, 3])], { group: int(3) }),
    ],
    [
      'an unknown auto_pad',
      'ONNX_ATTRIBUTE',
      (b, x) => b.node('Conv', [x, b.weights([4, 4, 3, 3])], { auto_pad: text('SAME_SIDEWAYS') }),
    ],
    ['weights computed from the image', 'ONNX_DYNAMIC_WEIGHT', (b, x) => b.node('Conv', [x, x])],
    ['a pool without a kernel', 'ONNX_ATTRIBUTE', (b, x) => b.node('MaxPool', [x])],
    [
      'a pool padded by its kernel',
      'ONNX_ATTRIBUTE',
      (b, x) => b.node('MaxPool', [x], { kernel_shape: ints(2, 2), pads: ints(2, 2, 2, 2) }),
    ],
    [
      'bounds out of order',
      'ONNX_ATTRIBUTE',
      (b, x) => b.node('Clip', [x, b.weights([], [2]), b.weights([], [1])]),
    ],
    [
      'batch norm in training mode',
      'ONNX_ATTRIBUTE',
      (b, x) => {
        const y = b.batchNormalization(x, 4);
        b.nodes[b.nodes.length - 1].attribute = [{ name: 'training_mode', ...int(1) }];
        return y;
      },
    ],
    [
      'batch norm with a negative variance',
      'ONNX_NOT_FINITE',
      (b, x) => {
        const one = b.weights([4]);
        return b.node('BatchNormalization', [x, one, one, one, b.weights([4], [1, 1, -1, 1])]);
      },
    ],
    [
      'batch norm that divides by zero',
      'ONNX_NOT_FINITE',
      (b, x) => {
        const one = b.weights([4]);
        return b.node('BatchNormalization', [x, one, one, one, b.weights([4], [1, 0, 1, 1])], {
          epsilon: float(0),
        });
      },
    ],
    ['batch norm of other channels', 'ONNX_SHAPE', (b, x) => b.batchNormalization(x, 5)],
    [
      'dropout in training mode',
      'ONNX_ATTRIBUTE',
      (b, x) => {
        const training = b.store({ dims: [], dataType: 9, int32Data: [1] });
        return b.node('Dropout', [x, b.weights([], [0.5]), training]);
      },
    ],
    [
      'a border that is not zero',
      'ONNX_ATTRIBUTE',
      (b, x) => b.node('Pad', [x, b.integers(0, 0, 1, 1, 0, 0, 1, 1), b.weights([], [1])]),
    ],
    [
      'borders of an unknown kind',
      'ONNX_ATTRIBUTE',
      (b, x) => b.node('Pad', [x, b.integers(0, 0, 1, 1, 0, 0, 1, 1)], { mode: text('mirror') }),
    ],
    ['padded channels', 'ONNX_ATTRIBUTE', (b, x) => b.node('Pad', [x, b.integers(0, 1, 0, 0, 0, 0, 0, 0)])],
    ['a constant per pixel', 'ONNX_BROADCAST', (b, x) => b.node('Mul', [x, b.weights([1, 1, 8, 8])])],
    [
      'a sum of different shapes',
      'ONNX_BROADCAST',
      (b, x) => b.node('Add', [x, b.convolution(x, 4, 4, 3, 0)]),
    ],
    ['a mean over the batch', 'ONNX_ATTRIBUTE', (b, x) => b.node('ReduceMean', [x], { axes: ints(0) })],
    ['a concatenation of rows', 'ONNX_SHAPE', (b, x) => b.node('Concat', [x, x], { axis: int(2) })],
    ['a channel shuffle', 'ONNX_SHAPE', (b, x) => b.node('Reshape', [x, b.integers(1, 2, 2, 64)])],
    [
      'a division by zero',
      'ONNX_NOT_FINITE',
      (b, x) => b.node('Div', [x, b.weights([1, 4, 1, 1], [1, 0, 1, 1])]),
    ],
    ['a sparse constant', 'ONNX_ATTRIBUTE', (b, x) => b.node('Mul', [x, b.node('Constant', [])])],
    [
      'a constant of sixteen-bit whole numbers',
      'ONNX_DATA_TYPE',
      (b, x) => {
        const constant = b.node('Constant', [], {
          value: tensor({ dims: [1], dataType: 5, rawData: Buffer.alloc(2) }),
        });
        return b.node('Mul', [x, constant]);
      },
    ],
    [
      'a constant in place of the image',
      'ONNX_CONSTANT_OPERAND',
      (b) => b.node('Relu', [b.weights([1, 4, 8, 8])]),
    ],
    ['an operator without inputs', 'ONNX_OPERANDS', (b) => b.node('Relu', [])],
    [
      'max pooling with indices',
      'ONNX_ATTRIBUTE',
      (b, x) => {
        const y = b.node('MaxPool', [x], { kernel_shape: ints(2, 2) });
        b.nodes[b.nodes.length - 1].output = [y, 'indices'];
        return y;
      },
    ],
  ])('%s', async (_, code, body) => {
    const fault = await refusalOf(await around(body).encode());
    expect(fault.code).toBe(code);
    expect(fault.details.node).toBeTruthy();
    expect(fault.describe()).not.toContain('undefined');
  });
});

describe('graphs', () => {
  it('a cycle, with its nodes', async () => {
    const builder = sound();
    builder.nodes[0].input = ['conv_2', 'w0', 'w1'];
    const fault = await refusalOf(await builder.encode());
    expect(fault.code).toBe('ONNX_CYCLE');
    expect(fault.details.node).toContain('Conv_0');
  });

  it('two nodes that make one tensor', async () => {
    const builder = sound();
    builder.nodes[1].output = ['conv_0'];
    expect((await refusalOf(await builder.encode())).code).toBe('ONNX_DUPLICATE_NAME');
  });

  it('an input that nothing makes', async () => {
    const builder = sound();
    builder.nodes[1].input = ['nowhere'];
    const fault = await refusalOf(await builder.encode());
    expect([fault.code, fault.details.field]).toEqual(['ONNX_MISSING_TENSOR', 'nowhere']);
  });

  it('an output that nothing makes', async () => {
    const builder = sound();
    builder.outputs.pop();
    builder.output('nowhere');
    expect((await refusalOf(await builder.encode())).code).toBe('ONNX_OUTPUTS');
  });

  it('stated shapes that contradict the operators', async () => {
    const builder = sound();
    builder.outputs.pop();
    builder.output('gemm_5', ['n', 4]);
    expect((await refusalOf(await builder.encode())).code).toBe('ONNX_SHAPE_CONTRADICTION');
    const inner = sound();
    inner.valueInfo.push({
      name: 'relu_1',
      type: { tensorType: { elemType: 1, shape: { dim: [1, 4, 8, 9].map((dimValue) => ({ dimValue })) } } },
    });
    const fault = await refusalOf(await inner.encode());
    expect([fault.code, fault.details.node]).toEqual(['ONNX_SHAPE_CONTRADICTION', 'relu_1']);
  });

  it('nodes out of order are put in order', async () => {
    const builder = sound();
    builder.nodes.reverse();
    await expect(importOnnx(await builder.encode(), 'model.onnx')).resolves.toMatchObject({ floatNodes: 6 });
  });

  it.each<[string, string, ConstructorParameters<typeof OnnxBuilder>[0]]>([
    ['dynamic height and width', 'ONNX_DYNAMIC_SHAPE', { image: ['n', 3, 'h', 'w'] }],
    ['an unknown width', 'ONNX_DYNAMIC_SHAPE', { image: [1, 3, 8, null] }],
    ['an image in whole numbers', 'ONNX_DATA_TYPE', { imageType: 7 }],
    ['a vector as input', 'ONNX_INPUTS', { image: ['n', 192] }],
    ['opset 8', 'ONNX_OPSET', { opset: 8 }],
    ['opset 25', 'ONNX_OPSET', { opset: 25 }],
  ])('%s', async (_, code, options) => {
    const b = new OnnxBuilder(options);
    b.output(b.convolution('image', 4, 3));
    const fault = await refusalOf(await b.encode());
    expect(fault.code).toBe(code);
    expect(fault.details.remedy ?? fault.details.expected).toBeTruthy();
  });

  it('a batch fixed to one is fine', async () => {
    const b = new OnnxBuilder({ image: [1, 3, 8, 8] });
    b.output(b.convolution('image', 4, 3));
    await expect(importOnnx(await b.encode(), 'model.onnx')).resolves.toBeDefined();
  });

  it('two images', async () => {
    const two = sound();
    two.inputs.push(
      ...new OnnxBuilder({ image: ['n', 3, 8, 8] }).inputs.map((input) => ({ ...input, name: 'second' })),
    );
    expect((await refusalOf(await two.encode())).code).toBe('ONNX_INPUTS');
  });

  it.each<[string, (number | string)[]]>([
    ['an image that is not square', ['n', 3, 8, 12]],
    ['a grey image', ['n', 1, 8, 8]],
  ])('%s cannot be fed by the device', async (_, image) => {
    const b = new OnnxBuilder({ image });
    b.output(b.node('Flatten', ['image']));
    const flat = b.nodes[0];
    flat.opType = 'GlobalAveragePool';
    const fault = await prepareModel(await b.encode(), 'model.onnx').catch((error: unknown) => error);
    expect(fault).toMatchObject({ code: 'INPUT_SHAPE', exitCode: 3 });
  });
});

describe('what folding cannot remove', () => {
  it('weights that overflow when a batch norm is folded need a float, and are named', async () => {
    const b = new OnnxBuilder();
    const x = b.node('Conv', ['image', b.weights([2, 3, 1, 1], new Array(6).fill(1e38))]);
    let y = x;
    for (let i = 0; i < 9; i++) y = b.node('Mul', [y, b.weights([], [3e38])]);
    b.output(y);
    const fault = await prepareModel(await b.encode(), 'model.onnx').catch((error: unknown) => error);
    expect(fault).toMatchObject({ code: 'NEEDS_DEQUANTISATION', exitCode: 3, details: { node: 'Conv_0' } });
  });

  it('a normalisation that feeds no convolution', async () => {
    const b = new OnnxBuilder();
    const pooled = b.node('MaxPool', ['image'], { kernel_shape: ints(2, 2) });
    b.output(b.convolution(pooled, 4, 3));
    const normalisation = { mean: [0.5, 0.5, 0.5], std: [0.25, 0.25, 0.25] };
    const fault = await prepareModel(await b.encode(), 'model.onnx', { normalisation }).catch(
      (error: unknown) => error,
    );
    expect(fault).toMatchObject({
      code: 'INPUT_NORMALISATION',
      exitCode: 3,
      details: { received: 'maxPool' },
    });
  });
});
