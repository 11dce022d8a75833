/** Malformed, unsupported and hostile ONNX models, each with the refusal that is right for it. */

import { type Attributes, OnnxSketch } from './onnx-sketch.ts';
import { altered, type ModelMessage, type NodeMessage, nodeOf, tensorOf } from './onnx-surgery.ts';

export interface HostileModel {
  readonly name: string;
  readonly bytes: Uint8Array;
  readonly code: string;
  /** Parts of the message that must be there: the node, what came, what to do. */
  readonly says: readonly string[];
}

/** Image → Conv_0 → BatchNormalization_1 → Relu_2 → GlobalAveragePool_3 → Flatten_4 → Gemm_5. */
export async function soundModel(): Promise<Uint8Array> {
  const sketch = new OnnxSketch();
  const map = sketch.draw('Relu', [sketch.batchNorm(sketch.conv(sketch.image, 3, 4), 4)]);
  return sketch.output(sketch.classify(map, 4, 3), ['n', 3]).encode();
}

export async function hostileModels(): Promise<HostileModel[]> {
  const sound = await soundModel();
  const groups = await Promise.all([
    noModels(sound),
    unsupportedOperators(),
    edited(sound, damagedWeights),
    edited(sound, damagedGraphs),
    edited(sound, damagedInterfaces),
    edited(sound, damagedAttributes),
    drawn(),
  ]);
  return groups.flat();
}

type Entry = readonly [code: string, says: readonly string[], edit: (message: ModelMessage) => void];

async function edited(sound: Uint8Array, entries: Readonly<Record<string, Entry>>): Promise<HostileModel[]> {
  return Promise.all(
    Object.entries(entries).map(async ([name, [code, says, edit]]) => ({
      name,
      code,
      says,
      bytes: await altered(sound, edit),
    })),
  );
}

async function noModels(sound: Uint8Array): Promise<HostileModel[]> {
  const damaged = (name: string, code: string, bytes: Uint8Array): HostileModel => ({
    name,
    code,
    bytes,
    says: ['sketch.onnx'],
  });
  const text = (content: string) => Buffer.from(content, 'utf8');
  const zip = Buffer.concat([text('PK\u0003\u0004'), Buffer.alloc(100, 7)]);
  const quarters = [0.25, 0.5, 0.75].map((share) =>
    damaged(
      `cut after ${share * 100} %`,
      'ONNX_NOT_PROTOBUF',
      sound.subarray(0, Math.floor(sound.length * share)),
    ),
  );
  return [
    ...quarters,
    damaged('one byte short', 'ONNX_NOT_PROTOBUF', sound.subarray(0, -1)),
    damaged('empty', 'ONNX_EMPTY', new Uint8Array(0)),
    damaged('zeros', 'ONNX_NOT_PROTOBUF', new Uint8Array(4096)),
    damaged('all ones', 'ONNX_NOT_PROTOBUF', new Uint8Array(4096).fill(255)),
    damaged('text', 'ONNX_NOT_PROTOBUF', text('This is not a model, it is a sentence.\n')),
    damaged('HTML, a download that failed', 'ONNX_NOT_PROTOBUF', text('<!DOCTYPE html><title>404</title>')),
    damaged('a Git LFS pointer', 'ONNX_NOT_PROTOBUF', text('version https://git-lfs.github.com/spec/v1\n')),
    damaged('a zip, as PyTorch saves', 'ONNX_NOT_PROTOBUF', zip),
    damaged('HDF5, as Keras saves', 'ONNX_NOT_PROTOBUF', Buffer.from('894844460d0a1a0a00000000', 'hex')),
    damaged(
      'a bundle of our own',
      'ONNX_NOT_PROTOBUF',
      Buffer.concat([text('SPIKESCO'), Buffer.alloc(64, 1)]),
    ),
    // Field 7 (graph), length 2^31 − 1, and nothing behind it.
    damaged('a huge declared length', 'ONNX_NOT_PROTOBUF', Buffer.from('3affffffff07', 'hex')),
    damaged('a length of ten bytes', 'ONNX_NOT_PROTOBUF', Buffer.from('3affffffffffffffffff01', 'hex')),
    damaged('groups within groups', 'ONNX_NOT_PROTOBUF', new Uint8Array(200_000).fill(0x1b)),
    damaged(
      'a second file behind the model',
      'ONNX_NOT_PROTOBUF',
      Buffer.concat([sound, text('PK\u0003\u0004')]),
    ),
    damaged('a protobuf of something else', 'ONNX_INCOMPLETE', Buffer.from('0a0568656c6c6f', 'hex')),
  ];
}

/** Conv_0 → the operator → pool → flatten → Gemm. */
async function withOperator(
  opType: string,
  attributes: Attributes = {},
  domain = '',
  also: readonly string[] = [],
): Promise<Uint8Array> {
  const sketch = new OnnxSketch();
  const map = sketch.draw(opType, [sketch.conv(sketch.image, 3, 4), ...also], attributes);
  const bytes = await sketch.output(sketch.classify(map, 4, 3), ['n', 3]).encode();
  return altered(bytes, (message) => {
    nodeOf(message, opType).domain = domain;
  });
}

async function unsupportedOperators(): Promise<HostileModel[]> {
  const cases: readonly (readonly [
    opType: string,
    remedy: string,
    attributes?: Attributes,
    domain?: string,
  ])[] = [
    ['LayerNormalization', 'by BatchNormalization'],
    ['LpNormalization', 'normalise during training'],
    ['InstanceNormalization', 'by BatchNormalization'],
    ['Transpose', 'channels first', { perm: [1, 0, 2, 3] }],
    ['Einsum', 'rebuild this part', { equation: 'nchw->nchw' }],
    ['Conv2dWithSparkles', 'rebuild this part', {}, 'com.example'],
    ['Relu', 'rebuild this part', {}, 'com.example'],
    ['Cast', 'float32', { to: 7 }],
  ];
  return Promise.all(
    cases.map(async ([opType, remedy, attributes, domain = '']) => ({
      name: domain === '' ? opType : `${domain}.${opType}`,
      bytes: await withOperator(opType, attributes, domain),
      code: 'ONNX_OPERATOR',
      says: [`${opType}_1`, remedy, 'conversion success rate 0.800'],
    })),
  );
}

const conv = (message: ModelMessage): NodeMessage => nodeOf(message, 'Conv');
const norm = (message: ModelMessage): NodeMessage => nodeOf(message, 'BatchNormalization');
const gemm = (message: ModelMessage): NodeMessage => nodeOf(message, 'Gemm');

function bytesOf(message: ModelMessage, node: NodeMessage, index: number): Buffer {
  return Buffer.from(Float32Array.from(tensorOf(message, node, index).floatData ?? []).buffer);
}

const damagedWeights: Readonly<Record<string, Entry>> = {
  ...Object.fromEntries(
    (
      [
        [12, 'uint32'],
        [13, 'uint64'],
        [8, 'string'],
        [99, 'type 99'],
        [0, 'no type'],
      ] as const
    ).map(([dataType, type]): [string, Entry] => [
      `weights of ${type}`,
      [
        'ONNX_DATA_TYPE',
        ['w0', `received ${type}`, 'export the model in float32'],
        (message) => {
          tensorOf(message, conv(message), 1).dataType = dataType;
        },
      ],
    ]),
  ),
  'sparse weights': [
    'ONNX_DATA_TYPE',
    ['dense weights'],
    (message) => {
      message.graph.sparseInitializer = [{ dims: [3, 3] }];
    },
  ],
  'raw weights with a value missing': [
    'ONNX_TENSOR_SIZE',
    ['w0', 'expected 108 values', 'received 107'],
    (message) => {
      tensorOf(message, conv(message), 1).rawData = bytesOf(message, conv(message), 1).subarray(0, -4);
    },
  ],
  'no weights behind the shape': [
    'ONNX_TENSOR_SIZE',
    ['w0', 'received 0'],
    (message) => {
      tensorOf(message, conv(message), 1).floatData = [];
    },
  ],
  'a shape of 2^62 values': [
    'ONNX_TENSOR_SIZE',
    ['w0'],
    (message) => {
      tensorOf(message, conv(message), 1).dims = [2 ** 31, 2 ** 31];
    },
  ],
  'a negative extent': [
    'ONNX_INCOMPLETE',
    ['dims'],
    (message) => {
      tensorOf(message, conv(message), 1).dims = [-4, 3, 3, 3];
    },
  ],
  'an extent beyond exact numbers': [
    'ONNX_INCOMPLETE',
    ['dims'],
    (message) => {
      tensorOf(message, conv(message), 1).dims = [2 ** 60, 3, 3, 3];
    },
  ],
  'an extent of zero': [
    'ONNX_SHAPE',
    ['Conv_0'],
    (message) => {
      const weights = tensorOf(message, conv(message), 1);
      weights.dims = [0, 3, 3, 3];
      weights.floatData = [];
    },
  ],
  'a kernel of extent zero': [
    'ONNX_ATTRIBUTE',
    ['Conv_0', 'kernel_shape'],
    (message) => {
      const weights = tensorOf(message, conv(message), 1);
      weights.dims = [4, 3, 0, 3];
      weights.floatData = [];
    },
  ],
  ...Object.fromEntries(
    [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY].map((value): [string, Entry] => [
      `a weight of ${value}`,
      [
        'ONNX_NOT_FINITE',
        ['Conv_0', 'w0[5]', `received ${value}`, 'sound checkpoint'],
        (message) => {
          tensorOf(message, conv(message), 1).floatData?.splice(5, 1, value);
        },
      ],
    ]),
  ),
  'a bias of NaN': [
    'ONNX_NOT_FINITE',
    ['Gemm_5'],
    (message) => {
      tensorOf(message, gemm(message), 2).floatData?.fill(Number.NaN);
    },
  ],
  'a batch norm of infinite mean': [
    'ONNX_NOT_FINITE',
    ['BatchNormalization_1'],
    (message) => {
      tensorOf(message, norm(message), 3).floatData?.fill(Number.POSITIVE_INFINITY);
    },
  ],
  'a convolution for other channels': [
    'ONNX_SHAPE',
    ['Conv_0', 'received [4, 9, 3, 1]'],
    (message) => {
      tensorOf(message, conv(message), 1).dims = [4, 9, 3, 1];
    },
  ],
  'a convolution over one axis': [
    'ONNX_SHAPE',
    ['Conv_0', 'received [4, 3, 9]'],
    (message) => {
      tensorOf(message, conv(message), 1).dims = [4, 3, 9];
    },
  ],
  'a convolution over three axes': [
    'ONNX_SHAPE',
    ['Conv_0', 'received [4, 3, 3, 3, 1]'],
    (message) => {
      tensorOf(message, conv(message), 1).dims = [4, 3, 3, 3, 1];
    },
  ],
  'a linear layer for other features': [
    'ONNX_SHAPE',
    ['Gemm_5', 'expected [outputs, 4]', 'received [4, 3]'],
    (message) => {
      tensorOf(message, gemm(message), 1).dims = [4, 3];
    },
  ],
  'a linear bias for other outputs': [
    'ONNX_BROADCAST',
    ['Gemm_5', 'received [2]'],
    (message) => {
      const bias = tensorOf(message, gemm(message), 2);
      bias.dims = [2];
      bias.floatData?.splice(2);
    },
  ],
};

const damagedGraphs: Readonly<Record<string, Entry>> = {
  'no nodes': [
    'ONNX_INCOMPLETE',
    ['graph.node'],
    (message) => {
      message.graph.node = [];
    },
  ],
  'a node that feeds itself': [
    'ONNX_CYCLE',
    ['Relu_2'],
    (message) => {
      const relu = nodeOf(message, 'Relu');
      relu.input = [...relu.output];
    },
  ],
  'a node that makes the image': [
    'ONNX_DUPLICATE_NAME',
    ['image'],
    (message) => {
      nodeOf(message, 'Relu').output = ['image'];
    },
  ],
  'a node without an operator': [
    'ONNX_INCOMPLETE',
    ['graph.node.2.opType'],
    (message) => {
      nodeOf(message, 'Relu').opType = '';
    },
  ],
  'a node without inputs': [
    'ONNX_OPERANDS',
    ['Relu_2'],
    (message) => {
      nodeOf(message, 'Relu').input = [];
    },
  ],
  'a concatenation of nothing': [
    'ONNX_OUTPUTS',
    [],
    (message) => {
      const last = gemm(message);
      last.opType = 'Concat';
      last.input = [];
      last.attribute = [{ name: 'axis', type: 2, i: 1 }];
    },
  ],
  'an output that is the image': [
    'ONNX_OUTPUTS',
    ['gives back its input'],
    (message) => {
      message.graph.output = structuredClone(message.graph.input);
    },
  ],
  'a constant as the output': [
    'ONNX_OUTPUTS',
    ['w0'],
    (message) => {
      message.graph.output[0].name = 'w0';
    },
  ],
  'a subgraph': [
    'ONNX_OPERATOR',
    ['Relu_2', 'If', 'export one branch'],
    (message) => {
      const relu = nodeOf(message, 'Relu');
      const branch = { ...structuredClone(message.graph), input: [] };
      relu.opType = 'If';
      relu.attribute = [
        { name: 'then_branch', type: 5, g: branch },
        { name: 'else_branch', type: 5, g: branch },
      ];
    },
  ],
  'weights that are computed': [
    'ONNX_DYNAMIC_WEIGHT',
    ['Gemm_5', 'initializer'],
    (message) => {
      gemm(message).input[1] = nodeOf(message, 'Flatten').output[0];
    },
  ],
  'several faults at once': [
    'ONNX_OPERATOR',
    ['Relu_2: GRU has no integer form', 'Gemm_5: ', '0.667'],
    (message) => {
      nodeOf(message, 'Relu').opType = 'GRU';
      gemm(message).opType = 'LSTM';
    },
  ],
};

const damagedInterfaces: Readonly<Record<string, Entry>> = {
  ...Object.fromEntries(
    [1, 8, 99].map((version): [string, Entry] => [
      `opset ${version}`,
      [
        'ONNX_OPSET',
        [`received opset ${version}`, 'opset 9…24', 'opset_version'],
        (message) => {
          message.opsetImport[0].version = version;
        },
      ],
    ]),
  ),
  'only a foreign operator set': [
    'ONNX_OPSET',
    ['received opset 0'],
    (message) => {
      message.opsetImport[0].domain = 'com.microsoft';
    },
  ],
  'no operator set': [
    'ONNX_INCOMPLETE',
    ['opsetImport'],
    (message) => {
      message.opsetImport = [];
    },
  ],
  'no input': [
    'ONNX_INCOMPLETE',
    ['graph.input'],
    (message) => {
      message.graph.input = [];
    },
  ],
  'no output': [
    'ONNX_INCOMPLETE',
    ['graph.output'],
    (message) => {
      message.graph.output = [];
    },
  ],
  'a height of zero': ['ONNX_DYNAMIC_SHAPE', ['image'], (message) => setInput(message, extents(1, 3, 0, 8))],
  'a negative width': ['ONNX_DYNAMIC_SHAPE', ['image'], (message) => setInput(message, extents(1, 3, 8, -1))],
  'a signal, not an image': ['ONNX_INPUTS', ['3 axes'], (message) => setInput(message, extents(1, 3, 8))],
  'an input without a shape': [
    'ONNX_INPUTS',
    ['0 axes'],
    (message) => {
      message.graph.input[0].type.tensorType = { elemType: 1 };
    },
  ],
  'channels last, read as if they came first': [
    'ONNX_OPERATOR',
    ['Conv_0', 'channels first'],
    (message) => setInput(message, extents(1, 8, 8, 3)),
  ],
  'an image of a billion pixels a side': [
    'ONNX_SHAPE',
    ['Conv_0', '2^26'],
    (message) => {
      setInput(message, extents(1, 3, 1e9, 1e9));
      conv(message).attribute.push({ name: 'strides', type: 7, ints: [4096, 4096] });
    },
  ],
  'an image larger than any device feeds': [
    'INPUT_SHAPE',
    ['sketch.onnx', '1025'],
    (message) => {
      setInput(message, extents(1, 3, 1025, 1025));
      conv(message).attribute.push({ name: 'strides', type: 7, ints: [128, 128] });
    },
  ],
  'an output of another size than stated': [
    'ONNX_SHAPE_CONTRADICTION',
    ['expected [N, 3]', 'received [1, 7]'],
    (message) => {
      message.graph.output[0].type.tensorType.shape = { dim: extents(1, 7) };
    },
  ],
};

type Dimensions = Parameters<typeof setInput>[1];

function setInput(message: ModelMessage, dim: { dimValue?: number; dimParam?: string }[]): void {
  message.graph.input[0].type.tensorType.shape = { dim };
}

function extents(...values: readonly number[]): Dimensions {
  return values.map((dimValue) => ({ dimValue }));
}

/** An attribute of Conv_0, its code and what the refusal says beside the node's name. */
function convolutionWith(name: string, ints: number[], code: string, ...says: string[]): Entry {
  return [code, ['Conv_0', ...says], (message) => conv(message).attribute.push({ name, type: 7, ints })];
}

function convolutionInGroups(groups: number): Entry {
  return [
    'ONNX_SHAPE',
    ['Conv_0', `in ${groups} groups`],
    (message) => conv(message).attribute.push({ name: 'group', type: 2, i: groups }),
  ];
}

const damagedAttributes: Readonly<Record<string, Entry>> = {
  'padding for one axis': convolutionWith('pads', [1, 1], 'ONNX_ATTRIBUTE', 'pads'),
  'gigantic padding': convolutionWith('pads', [2 ** 40, 0, 0, 0], 'ONNX_ATTRIBUTE', 'pads'),
  'padding that makes a gigantic map': convolutionWith(
    'pads',
    [4096, 4096, 4096, 4096],
    'ONNX_SHAPE',
    '2^26',
  ),
  'a negative stride': convolutionWith('strides', [1, -1], 'ONNX_ATTRIBUTE', 'strides'),
  'three strides': convolutionWith('strides', [1, 1, 1], 'ONNX_ATTRIBUTE', 'strides'),
  'no groups': convolutionInGroups(0),
  'negative groups': convolutionInGroups(-1),
  'more groups than channels': convolutionInGroups(2 ** 31),
  'a flattening that mixes batch and image': [
    'ONNX_ATTRIBUTE',
    ['Flatten_4', 'axis'],
    (message) => {
      nodeOf(message, 'Flatten').attribute = [{ name: 'axis', type: 2, i: 0 }];
    },
  ],
  'a transposed first factor': [
    'ONNX_ATTRIBUTE',
    ['Gemm_5', 'transA'],
    (message) => gemm(message).attribute.push({ name: 'transA', type: 2, i: 1 }),
  ],
  'an attribute without a name': [
    'ONNX_INCOMPLETE',
    ['attribute'],
    (message) => conv(message).attribute.push({ name: '', type: 2, i: 1 }),
  ],
};

/** Networks that no edit of the sound one gives. */
async function drawn(): Promise<HostileModel[]> {
  const cases: Readonly<
    Record<string, readonly [string, readonly string[], (s: OnnxSketch, map: string) => string]>
  > = {
    'a constant that doubles forty times': [
      'ONNX_SHAPE',
      ['Concat_15', 'at most 16777216 values'],
      (s, map) => {
        let end = s.weights([1024]);
        for (let i = 0; i < 40; i++) end = s.draw('Concat', [end, end], { axis: 0 });
        return s.draw('Add', [map, end]);
      },
    ],
    'maps of 64 million values, one behind another': [
      'ONNX_TOO_LARGE',
      ['Sigmoid_', '1073741824 elements', '--size'],
      (s, map) => {
        let end = s.draw('Resize', [map, '', s.weights([4], [1, 1, 500, 500])]);
        for (let i = 0; i < 100; i++) end = s.draw('Sigmoid', [end]);
        return end;
      },
    ],
    'a step of zero': [
      'ONNX_ATTRIBUTE',
      ['QuantizeLinear_1'],
      (s, map) => s.draw('QuantizeLinear', [map, s.scalar(0)]),
    ],
    'a step of NaN': [
      'ONNX_NOT_FINITE',
      ['QuantizeLinear_1'],
      (s, map) => s.draw('QuantizeLinear', [map, s.scalar(Number.NaN)]),
    ],
    'bytes that nothing made': [
      'ONNX_OPERANDS',
      ['DequantizeLinear_1'],
      (s, map) => s.draw('DequantizeLinear', [map, s.scalar(1)]),
    ],
    'steps along an axis that is not there': [
      'ONNX_SHAPE',
      ['DequantizeLinear_1', 'axis 99'],
      (s, map) => {
        const whole = s.store({ dims: [4, 4, 1, 1], dataType: 3, int32Data: new Array(16).fill(1) });
        return s.draw('Conv', [map, s.draw('DequantizeLinear', [whole, s.weights([4])], { axis: 99 })]);
      },
    ],
    'half of the values of four bits': [
      'ONNX_TENSOR_SIZE',
      ['expected 16 values'],
      (s, map) => {
        const whole = s.store({ dims: [4, 4, 1, 1], dataType: 22, int32Data: [1] });
        return s.draw('Conv', [map, s.draw('DequantizeLinear', [whole, s.scalar(1)])]);
      },
    ],
    'a matrix of 2^60 values of four bits': [
      'ONNX_ATTRIBUTE',
      ['MatMulNBits_2', 'K 1073741824'],
      (s, map) => {
        const small = [s.store({ dims: [1], dataType: 2, int32Data: [1] }), s.weights([1])];
        const sizes = { K: 2 ** 30, N: 2 ** 30, bits: 4, block_size: 16 };
        return s.draw('MatMulNBits', [s.draw('Flatten', [map]), ...small], sizes);
      },
    ],
    'an operator on bytes that feeds itself': [
      'ONNX_CYCLE',
      ['QLinearConv_1', 'Relu_2'],
      (s, map) => {
        const one = s.scalar(1);
        const end = s.draw('QLinearConv', ['circle', one, '', map, one, '', one, '']);
        s.draw('Relu', [end]);
        s.nodes[s.nodes.length - 1].output = ['circle'];
        return end;
      },
    ],
    'an image enlarged a billion times': [
      'ONNX_ATTRIBUTE',
      ['Resize_1'],
      (s, map) => s.draw('Resize', [map, '', s.weights([4], [1, 1, 1e9, 1e9])]),
    ],
    'an Add of two sizes': [
      'ONNX_BROADCAST',
      ['Add_2', '[1, 4, 8, 8] and [1, 2, 8, 8]'],
      (s, map) => s.draw('Add', [map, s.conv(map, 4, 2, 1)]),
    ],
    'an Add of a constant map': [
      'ONNX_BROADCAST',
      ['Add_1', 'one value per channel'],
      (s, map) => s.draw('Add', [map, s.weights([1, 4, 8, 8])]),
    ],
    'a power by no number': [
      'ONNX_ATTRIBUTE',
      ['Pow_1', 'finite'],
      (s, map) => s.draw('Pow', [map, s.scalar(Number.NaN)]),
    ],
    'a power by another map': [
      'ONNX_DYNAMIC_WEIGHT',
      ['Pow_2'],
      (s, map) => s.draw('Pow', [map, s.conv(map, 4, 4, 1)]),
    ],
    'a Concat of two sizes': [
      'ONNX_SHAPE',
      ['Concat_2'],
      (s, map) => s.draw('Concat', [map, s.conv(map, 4, 4, 3)], { axis: 1 }),
    ],
    'a Clip to NaN': [
      'ONNX_ATTRIBUTE',
      ['Clip_1'],
      (s, map) => s.draw('Clip', [map, s.scalar(0), s.scalar(Number.NaN)]),
    ],
    'a Clip to infinity': [
      'ONNX_ATTRIBUTE',
      ['Clip_1'],
      (s, map) => s.draw('Clip', [map, s.scalar(Number.POSITIVE_INFINITY)]),
    ],
    'a Clip to a vector': ['ONNX_SHAPE', ['Clip_1'], (s, map) => s.draw('Clip', [map, s.weights([4])])],
    'a Reshape by zero': [
      'ONNX_SHAPE',
      ['Reshape_1'],
      (s, map) => s.draw('Reshape', [map, s.integers(0, 0, 0, 0, -1)], { allowzero: 1 }),
    ],
    'a mean over everything': ['ONNX_ATTRIBUTE', ['ReduceMean_1'], (s, map) => s.draw('ReduceMean', [map])],
    'a border that cuts': [
      'ONNX_ATTRIBUTE',
      ['Pad_1', '-1'],
      (s, map) => s.draw('Pad', [map, s.integers(0, 0, -1, -1, 0, 0, 0, 0)]),
    ],
    'a border of three numbers': [
      'ONNX_SHAPE',
      ['Pad_1', 'expected 8 values'],
      (s, map) => s.draw('Pad', [map, s.integers(1, 1, 1)]),
    ],
    'a pool padded beyond its kernel': [
      'ONNX_ATTRIBUTE',
      ['AveragePool_1'],
      (s, map) => s.draw('AveragePool', [map], { kernel_shape: [2, 2], pads: [2, 2, 0, 0] }),
    ],
    'a pool padded behind beyond its kernel': [
      'ONNX_ATTRIBUTE',
      ['MaxPool_1'],
      (s, map) => s.draw('MaxPool', [map], { kernel_shape: [2, 2], pads: [0, 0, 5, 5] }),
    ],
    'a pool larger than the map': [
      'ONNX_SHAPE',
      ['MaxPool_1'],
      (s, map) => s.draw('MaxPool', [map], { kernel_shape: [9, 9] }),
    ],
    'a padded average over a window of sixteen million pixels': [
      'ONNX_ATTRIBUTE',
      ['AveragePool_1', 'at most 65536 pixels', '4096×4096'],
      (s, map) =>
        s.draw('AveragePool', [map], { kernel_shape: [4096, 4096], pads: [4095, 4095, 4095, 4095] }),
    ],
    'a batch norm whose ε is NaN': [
      'ONNX_NOT_FINITE',
      ['BatchNormalization_1', 'epsilon', 'received NaN', 'sound checkpoint'],
      (s, map) => {
        const four = () => s.between(0.5, 1, [4]);
        return s.draw('BatchNormalization', [map, four(), four(), four(), four()], {
          epsilon: { float: Number.NaN },
        });
      },
    ],
    'a dilated pool': [
      'ONNX_ATTRIBUTE',
      ['MaxPool_1', 'dilations'],
      (s, map) => s.draw('MaxPool', [map], { kernel_shape: [2, 2], dilations: [2, 2] }),
    ],
    'a linear layer on a map': ['ONNX_RANK', ['Gemm_1', 'flatten'], (s, map) => s.linear(map, 8, 4)],
    'a convolution of a vector': [
      'ONNX_RANK',
      ['Conv_2'],
      (s, map) => s.conv(s.draw('Flatten', [map]), 256, 4, 1),
    ],
    'a convolution of a flattened map': [
      'ONNX_SHAPE',
      ['Conv_2', 'Gemm'],
      (s, map) => s.conv(s.draw('Reshape', [map, s.integers(-1, 256, 1, 1)]), 256, 4, 1),
    ],
    'a flattened map as a gate': [
      'ONNX_BROADCAST',
      ['Mul_4', 'flattened map'],
      (s, map) => {
        const gate = s.draw('Sigmoid', [s.draw('Reshape', [map, s.integers(-1, 256, 1, 1)])]);
        return s.draw('Mul', [s.conv(s.image, 3, 256, 1), gate]);
      },
    ],
  };
  return Promise.all(
    Object.entries(cases).map(async ([name, [code, says, draw]]) => {
      const sketch = new OnnxSketch();
      const map = draw(sketch, sketch.conv(sketch.image, 3, 4, 3, { pads: [1, 1, 1, 1] }));
      return { name, code, says, bytes: await sketch.output(sketch.classify(map, 4, 3)).encode() };
    }),
  );
}
