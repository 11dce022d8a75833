/** One small model per operator and spelling that the converter takes. */
import { float, floats, int, ints, OnnxBuilder, tensor, text } from './onnx.ts';

export interface ModelCase {
  readonly name: string;
  readonly build: () => OnnxBuilder;
}

type Body = (b: OnnxBuilder) => string;

const SIDE = 8;

function model(
  name: string,
  body: Body,
  options: ConstructorParameters<typeof OnnxBuilder>[0] = {},
): ModelCase {
  return {
    name,
    build: () => {
      const builder = new OnnxBuilder({ image: ['n', 3, SIDE, SIDE], ...options });
      return builder.output(body(builder));
    },
  };
}

/** Flatten and a dense layer on [n, channels, height, width]. */
function classify(b: OnnxBuilder, input: string, features: number, classes = 4): string {
  const flat = b.node('Flatten', [input], { axis: int(1) });
  return b.node('Gemm', [flat, b.weights([classes, features], undefined, 0.2), b.weights([classes])], {
    transB: int(1),
  });
}

function pooledLogits(b: OnnxBuilder, input: string, channels: number): string {
  return classify(b, b.node('GlobalAveragePool', [input]), channels);
}

const convolutions: ModelCase[] = [
  model('Conv 3×3 with padding', (b) => classify(b, b.convolution('image', 4, 3), 4 * 64)),
  model('Conv 1×1', (b) => classify(b, b.convolution('image', 4, 3, 1, 0), 4 * 64)),
  model('Conv without bias, asymmetric pads and strides', (b) => {
    const x = b.node('Conv', ['image', b.weights([4, 3, 3, 2])], {
      pads: ints(0, 1, 2, 0),
      strides: ints(2, 1),
    });
    return pooledLogits(b, x, 4);
  }),
  ...['SAME_UPPER', 'SAME_LOWER', 'VALID'].map((mode) =>
    model(`Conv auto_pad ${mode}, stride 2`, (b) => {
      const x = b.node('Conv', ['image', b.weights([4, 3, 3, 3])], {
        auto_pad: text(mode),
        strides: ints(2, 2),
      });
      return pooledLogits(b, x, 4);
    }),
  ),
  model('Conv depthwise and in two groups', (b) => {
    const x = b.convolution('image', 4, 3);
    const relu = b.node('Relu', [x]);
    const depthwise = b.node('Conv', [relu, b.weights([4, 1, 3, 3])], {
      pads: ints(1, 1, 1, 1),
      group: int(4),
    });
    const clipped = b.node('Relu', [depthwise]);
    const grouped = b.node('Conv', [clipped, b.weights([6, 2, 3, 3]), b.weights([6])], { group: int(2) });
    return pooledLogits(b, grouped, 6);
  }),
  model('Conv depthwise with two outputs per input', (b) => {
    const x = b.node('Relu', [b.convolution('image', 4, 3)]);
    return pooledLogits(b, b.node('Conv', [x, b.weights([8, 1, 3, 3])], { group: int(4) }), 8);
  }),
  model('a classifier written as a convolution over the whole map', (b) => {
    const x = b.node('Relu', [b.convolution('image', 4, 3)]);
    return b.node('Flatten', [b.convolution(x, 5, 4, SIDE, 0)]);
  }),
];

const normalisations: ModelCase[] = [
  model('BatchNormalization after Conv', (b) =>
    pooledLogits(b, b.node('Relu', [b.batchNormalization(b.convolution('image', 4, 3), 4)]), 4),
  ),
  model(
    'BatchNormalization of the image',
    (b) => pooledLogits(b, b.convolution(b.batchNormalization('image', 3), 4, 3), 4),
    { seed: 4 },
  ),
  model('BatchNormalization before Conv with padding', (b) => {
    const x = b.node('Relu', [b.convolution('image', 4, 3)]);
    return pooledLogits(b, b.convolution(b.node('Relu', [b.batchNormalization(x, 4)]), 4, 4), 4);
  }),
  model('BatchNormalization after Gemm', (b) => {
    const x = classify(b, b.convolution('image', 2, 3), 128, 6);
    const y = b.node('Relu', [b.batchNormalization(x, 6)]);
    return b.node('MatMul', [y, b.weights([6, 3])]);
  }),
  model('BatchNormalization of a sum', (b) => {
    const x = b.convolution('image', 4, 3);
    const sum = b.node('Add', [b.node('Relu', [x]), b.convolution('image', 4, 3, 1, 0)]);
    return pooledLogits(b, b.node('Relu', [b.batchNormalization(sum, 4)]), 4);
  }),
  model('a ghost module: Concat → BatchNormalization → ReLU6', (b) => {
    const a = b.node('Conv', ['image', b.weights([4, 3, 1, 1])]);
    const depthwise = b.node('Conv', [a, b.weights([4, 1, 3, 3])], { pads: ints(1, 1, 1, 1), group: int(4) });
    const c = b.node('Conv', [depthwise, b.weights([4, 4, 1, 1])]);
    const joined = b.batchNormalization(b.node('Concat', [a, c], { axis: int(1) }), 8);
    const relu6 = b.node('Clip', [b.node('Relu', [joined]), b.weights([], [0]), b.weights([], [6])]);
    return pooledLogits(b, relu6, 8);
  }),
  model('Mul and Add with constants per channel', (b) => {
    const scaled = b.node('Mul', [b.convolution('image', 4, 3), b.weights([1, 4, 1, 1])]);
    return pooledLogits(b, b.node('Add', [b.weights([4, 1, 1]), scaled]), 4);
  }),
  model('Sub and Div of the image by constants', (b) => {
    const centred = b.node('Sub', ['image', b.weights([1, 3, 1, 1], [0.48, 0.45, 0.4])]);
    const normalised = b.node('Div', [centred, b.weights([1, 3, 1, 1], [0.22, 0.25, 0.21])]);
    return pooledLogits(b, b.convolution(normalised, 4, 3), 4);
  }),
  model('a scalar factor after ReLU', (b) => {
    const x = b.node('Relu', [b.convolution('image', 4, 3)]);
    return pooledLogits(b, b.node('Mul', [x, b.weights([], [0.5])]), 4);
  }),
];

const activations: ModelCase[] = [
  model('Clip with bounds as inputs', (b) => {
    const x = b.convolution('image', 4, 3);
    return pooledLogits(b, b.node('Clip', [x, b.weights([], [-0.2]), b.weights([], [0.4])]), 4);
  }),
  model('Clip with an upper bound only', (b) =>
    pooledLogits(b, b.node('Clip', [b.convolution('image', 4, 3), '', b.weights([], [0.3])]), 4),
  ),
  model('Relu of a tensor that is read elsewhere too', (b) => {
    const x = b.convolution('image', 4, 3);
    return pooledLogits(b, b.node('Add', [b.node('Relu', [x]), x]), 4);
  }),
  model('Sigmoid gate per pixel', (b) => {
    const x = b.node('Relu', [b.convolution('image', 4, 3)]);
    const gate = b.node('Sigmoid', [b.convolution(x, 4, 4, 1, 0)]);
    return pooledLogits(b, b.node('Mul', [x, gate]), 4);
  }),
  model('squeeze and excite with Conv, gate first', (b) => {
    const x = b.node('Relu', [b.convolution('image', 4, 3)]);
    const mean = b.node('ReduceMean', [x], { axes: ints(2, 3), keepdims: int(1) });
    const gate = b.node('Sigmoid', [
      b.convolution(b.node('Relu', [b.convolution(mean, 2, 4, 1, 0)]), 4, 2, 1, 0),
    ]);
    return classify(b, b.node('Mul', [gate, x]), 4 * 64);
  }),
  model('squeeze and excite with Gemm and Reshape', (b) => {
    const x = b.node('Relu', [b.convolution('image', 4, 3)]);
    const mean = b.node('ReduceMean', [x], { axes: ints(-2, -1), keepdims: int(0) });
    const hidden = b.node('Relu', [b.node('Gemm', [mean, b.weights([4, 2])])]);
    const gate = b.node('Sigmoid', [b.node('Gemm', [hidden, b.weights([2, 4])])]);
    const map = b.node('Reshape', [gate, b.integers(-1, 4, 1, 1)]);
    return pooledLogits(b, b.node('Mul', [x, map]), 4);
  }),
  model('squeeze and excite with Unsqueeze and Squeeze', (b) => {
    const x = b.node('Relu', [b.convolution('image', 4, 3)]);
    const mean = b.node('Squeeze', [b.node('GlobalAveragePool', [x]), b.integers(2, 3)]);
    const gate = b.node('Sigmoid', [b.node('MatMul', [mean, b.weights([4, 4])])]);
    return pooledLogits(b, b.node('Mul', [x, b.node('Unsqueeze', [gate, b.integers(2, 3)])]), 4);
  }),
];

const pools: ModelCase[] = [
  ...[0, 1].flatMap((countPadding) =>
    [0, 1].map((ceilMode) =>
      model(
        `AveragePool 3×3 stride 2, padded, count_include_pad ${countPadding}, ceil_mode ${ceilMode}`,
        (b) => {
          const x = b.node('Relu', [b.convolution('image', 4, 3)]);
          const attributes = {
            kernel_shape: ints(3, 3),
            strides: ints(2, 2),
            pads: ints(1, 1, 0, 1),
            count_include_pad: int(countPadding),
            ceil_mode: int(ceilMode),
          };
          const y = b.node('AveragePool', [x], attributes);
          return pooledLogits(b, b.node('Relu', [b.convolution(y, 3, 4)]), 3);
        },
      ),
    ),
  ),
  model('AveragePool auto_pad SAME_UPPER', (b) => {
    const x = b.convolution('image', 4, 3);
    const y = b.node('AveragePool', [x], {
      kernel_shape: ints(3, 3),
      strides: ints(2, 2),
      auto_pad: text('SAME_UPPER'),
    });
    return pooledLogits(b, y, 4);
  }),
  model('Pad of zeros before AveragePool', (b) => {
    const x = b.node('Pad', [
      b.node('Relu', [b.convolution('image', 4, 3)]),
      b.integers(0, 0, 1, 0, 0, 0, 0, 1),
    ]);
    return pooledLogits(b, b.node('AveragePool', [x], { kernel_shape: ints(2, 2) }), 4);
  }),
  model('AveragePool → BatchNormalization', (b) => {
    const x = b.node('AveragePool', [b.convolution('image', 4, 3)], {
      kernel_shape: ints(2, 2),
      strides: ints(2, 2),
    });
    return pooledLogits(b, b.node('Relu', [b.batchNormalization(x, 4)]), 4);
  }),
  ...[0, 1].map((ceilMode) =>
    model(`MaxPool 3×3 stride 2, padded, ceil_mode ${ceilMode}`, (b) => {
      const x = b.node('MaxPool', [b.convolution('image', 4, 3)], {
        kernel_shape: ints(3, 3),
        strides: ints(2, 2),
        pads: ints(1, 0, 1, 0),
        ceil_mode: int(ceilMode),
      });
      return pooledLogits(b, b.node('Relu', [x]), 4);
    }),
  ),
  model('GlobalMaxPool', (b) => classify(b, b.node('GlobalMaxPool', [b.convolution('image', 4, 3)]), 4)),
  model(
    'ReduceMean with axes as input (opset 18)',
    (b) => {
      const mean = b.node('ReduceMean', [b.convolution('image', 4, 3), b.integers(2, 3)], {
        keepdims: int(0),
      });
      return b.node('Gemm', [mean, b.weights([4, 3])]);
    },
    { opset: 18 },
  ),
  model('ReduceMean over rows, then columns', (b) => {
    const rows = b.node('ReduceMean', [b.convolution('image', 4, 3)], { axes: ints(2), keepdims: int(1) });
    return classify(b, b.node('ReduceMean', [rows], { axes: ints(3), keepdims: int(1) }), 4);
  }),
];

const shapes: ModelCase[] = [
  model('Reshape to [n, −1]', (b) => {
    const x = b.node('Reshape', [b.convolution('image', 2, 3), b.integers(0, -1)]);
    return b.node('Gemm', [x, b.weights([128, 4], undefined, 0.2), b.weights([4])], {
      alpha: float(0.7),
      beta: float(1.3),
    });
  }),
  model('a view spelt with Shape, Gather, Unsqueeze and Concat', (b) => {
    const x = b.convolution('image', 2, 3);
    const index = b.store({ dims: [], dataType: 7, int64Data: [0] });
    const batch = b.node('Gather', [b.node('Shape', [x]), index], { axis: int(0) });
    const list = b.node('Concat', [b.node('Unsqueeze', [batch, b.integers(0)]), b.integers(-1)], {
      axis: int(0),
    });
    return b.node('MatMul', [b.node('Reshape', [x, list]), b.weights([128, 4], undefined, 0.2)]);
  }),
  model('MatMul + Add', (b) => {
    const flat = b.node('Flatten', [b.convolution('image', 2, 3)]);
    return b.node('Add', [b.node('MatMul', [flat, b.weights([128, 4], undefined, 0.2)]), b.weights([4])]);
  }),
  model('an affine step and ReLU on flattened features', (b) => {
    const flat = b.node('Flatten', [b.convolution('image', 2, 3)]);
    const x = b.node('Relu', [b.node('Mul', [flat, b.weights([128])])]);
    return b.node('Gemm', [x, b.weights([128, 4], undefined, 0.2)]);
  }),
  model('two flattened branches side by side', (b) => {
    const a = b.node('Flatten', [b.node('Relu', [b.convolution('image', 2, 3)])]);
    const c = b.node('Flatten', [b.node('Relu', [b.convolution('image', 1, 3)])]);
    const joined = b.node('Concat', [a, c], { axis: int(1) });
    return b.node('Gemm', [joined, b.weights([192, 4], undefined, 0.2)]);
  }),
  model('Pad before Conv, Identity, Dropout and a final Softmax', (b) => {
    const padded = b.node('Pad', ['image', b.integers(0, 0, 1, 1, 0, 0, 1, 1)], { mode: text('constant') });
    const x = b.node('Identity', [b.convolution(padded, 4, 3, 3, 0)]);
    return pooledLogits(b, b.node('Dropout', [b.node('Relu', [x])]), 4);
  }),
  model('Pad that feeds a MaxPool', (b) => {
    const padded = b.node('Pad', [b.convolution('image', 4, 3), b.integers(0, 0, 1, 1, 0, 0, 0, 0)]);
    return pooledLogits(b, b.node('MaxPool', [padded], { kernel_shape: ints(2, 2), strides: ints(2, 2) }), 4);
  }),
  model(
    'Pad with axes (opset 18)',
    (b) => {
      const padded = b.node('Pad', ['image', b.integers(1, 1, 1, 1), '', b.integers(2, 3)]);
      return pooledLogits(b, b.convolution(padded, 4, 3, 3, 0), 4);
    },
    { opset: 18 },
  ),
  model('Constant nodes of every kind', (b) => {
    const value = b.node('Constant', [], { value: tensor({ dims: [1], dataType: 1, floatData: [1.5] }) });
    const scaled = b.node('Mul', [b.convolution('image', 4, 3), value]);
    const scalar = b.node('Constant', [], { value_float: float(0.25) });
    const moved = b.node('Add', [scaled, scalar]);
    const target = b.node('Constant', [], { value_ints: ints(1, -1) });
    const factors = b.node('Constant', [], {
      value_floats: floats(...Array.from({ length: 256 }, (_, i) => (i % 5) / 3)),
    });
    const flat = b.node('Mul', [b.node('Reshape', [moved, target]), factors]);
    return b.node('MatMul', [flat, b.weights([256, 4], undefined, 0.2)]);
  }),
  model('raw weights', (b) => {
    const raw = Buffer.from(Float32Array.from({ length: 4 * 27 }, (_, i) => Math.sin(i)).buffer);
    const x = b.node('Conv', ['image', b.store({ dims: [4, 3, 3, 3], dataType: 1, rawData: raw })]);
    return pooledLogits(b, x, 4);
  }),
];

const branches: ModelCase[] = [
  model('residual Add', (b) => {
    const x = b.node('Relu', [b.convolution('image', 4, 3)]);
    return pooledLogits(b, b.node('Relu', [b.node('Add', [x, b.convolution(x, 4, 4)])]), 4);
  }),
  model('Add of a tensor to itself', (b) => {
    const x = b.convolution('image', 4, 3);
    return pooledLogits(b, b.node('Add', [x, x]), 4);
  }),
  model('Concat with the image itself', (b) => {
    const x = b.node('Concat', ['image', b.convolution('image', 4, 3)], { axis: int(1) });
    return pooledLogits(b, b.convolution(x, 4, 7), 4);
  }),
  model('Concat of one tensor twice, axis −3', (b) => {
    const x = b.node('Relu', [b.convolution('image', 4, 3)]);
    return pooledLogits(b, b.node('Concat', [x, x], { axis: int(-3) }), 8);
  }),
  model('parallel convolutions joined', (b) => {
    const parts = [
      b.convolution('image', 4, 3, 1, 0),
      b.convolution('image', 4, 3, 3, 1),
      b.convolution('image', 4, 3, 5, 2),
    ];
    return pooledLogits(b, b.node('Relu', [b.node('Concat', parts, { axis: int(1) })]), 12);
  }),
  model('linear chains of convolutions', (b) => {
    const a = b.node('Conv', ['image', b.weights([6, 3, 1, 1])]);
    const depthwise = b.node('Conv', [a, b.weights([6, 1, 3, 3]), b.weights([6])], {
      pads: ints(1, 1, 1, 1),
      group: int(6),
      strides: ints(2, 2),
    });
    return pooledLogits(b, b.node('Relu', [b.convolution(depthwise, 4, 6, 1, 0)]), 4);
  }),
  model('a pool of the image', (b) => {
    const x = b.node('AveragePool', ['image'], { kernel_shape: ints(2, 2), strides: ints(2, 2) });
    return pooledLogits(b, b.convolution(x, 4, 3), 4);
  }),
  model('features without a dense layer', (b) => {
    return b.node('Flatten', [b.node('GlobalAveragePool', [b.node('Relu', [b.convolution('image', 5, 3)])])]);
  }),
  model('a map as output', (b) => b.node('Flatten', [b.node('Relu', [b.convolution('image', 2, 3, 3, 0)])])),
];

const opsets: ModelCase[] = Array.from({ length: 10 }, (_, i) => 11 + i).map((opset) =>
  model(
    `operator set ${opset}`,
    (b) => {
      const x = b.node('Relu', [b.batchNormalization(b.convolution('image', 4, 3), 4)]);
      const clipped = b.node('Clip', [x, b.weights([], [0]), b.weights([], [1])]);
      const axes = opset < 13 ? { axes: ints(2, 3) } : {};
      const operands = opset < 13 ? [] : [b.integers(2, 3)];
      const mean = b.node('Squeeze', [b.node('GlobalAveragePool', [clipped]), ...operands], axes);
      return b.node('Gemm', [mean, b.weights([4, 3]), b.weights([3])]);
    },
    { opset },
  ),
);

export const MODEL_CASES: readonly ModelCase[] = [
  ...opsets,
  ...convolutions,
  ...normalisations,
  ...activations,
  ...pools,
  ...shapes,
  ...branches,
];
