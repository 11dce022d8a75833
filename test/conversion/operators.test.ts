import { describe, expect, it } from 'vitest';
import { realImage } from '../../src/conversion/calibration/real-image.ts';
import { evaluate } from '../../src/conversion/float/evaluate.ts';
import { prepareModel } from '../../src/conversion/prepare.ts';
import { validateGraph } from '../../src/model/validate/validate.ts';
import { convertOnnx, integerLogits, onnxruntimeLogits, randomImages } from '../support/convert-onnx.ts';
import { onnxruntime } from '../support/onnx.ts';
import { type Attributes, OnnxSketch } from '../support/onnx-sketch.ts';

/** Draws a network and returns the name of its output. */
type Draw = (sketch: OnnxSketch) => string;

interface Case {
  readonly name: string;
  readonly draw: Draw;
  readonly opset?: number;
}

/** Share of the range of the float outputs by which an integer output may be off. */
const TOLERANCE = 0.02;
/** Difference of two float evaluations of one network. */
const ROUNDING = 1e-4;
const CLASSES = 5;
const SIDE = 8;

/** A network around one operator that works on an 8×8 map of 8 channels with both signs. */
const onMap =
  (operator: (sketch: OnnxSketch, map: string) => string, channels = 8): Draw =>
  (sketch) => {
    const map = sketch.conv(sketch.image, 3, 8, 3, { pads: [1, 1, 1, 1] });
    return sketch.classify(operator(sketch, map), channels, CLASSES);
  };

/** A network around one operator that works on a vector of 12 features. */
const onVector =
  (operator: (sketch: OnnxSketch, vector: string) => string): Draw =>
  (sketch) => {
    const map = sketch.conv(sketch.image, 3, 12, 3, { strides: [2, 2] });
    const pooled = sketch.draw('GlobalAveragePool', [sketch.draw('Relu', [map])]);
    return operator(sketch, sketch.draw('Flatten', [pooled]));
  };

const gate = (sketch: OnnxSketch, map: string) => sketch.draw('Sigmoid', [sketch.conv(map, 8, 8, 1)]);

const convolutions: Case[] = [
  ...(
    [
      ['3×3 without padding', 3, {}],
      ['3×3 with padding', 3, { pads: [1, 1, 1, 1] }],
      ['5×5 with stride 2', 5, { pads: [2, 2, 2, 2], strides: [2, 2] }],
      ['1×1', 1, {}],
      ['1×1 with stride 2', 1, { strides: [2, 2] }],
      ['asymmetric padding', 3, { pads: [0, 2, 1, 0] }],
      ['unequal strides', 3, { strides: [1, 2], pads: [1, 1, 1, 1] }],
      ['2 groups', 3, { group: 2, pads: [1, 1, 1, 1] }],
      ['4 groups, stride 2', 3, { group: 4, strides: [2, 2] }],
      ['depthwise', 3, { group: 8, pads: [1, 1, 1, 1] }],
      ['depthwise 2×2, stride 2', 2, { group: 8, strides: [2, 2] }],
      ['auto_pad SAME_UPPER', 4, { auto_pad: 'SAME_UPPER', strides: [2, 2] }],
      ['auto_pad SAME_LOWER', 4, { auto_pad: 'SAME_LOWER', strides: [3, 3] }],
      ['auto_pad VALID', 3, { auto_pad: 'VALID' }],
      [
        'auto_pad NOTSET, kernel_shape stated',
        3,
        { auto_pad: 'NOTSET', kernel_shape: [3, 3], dilations: [1, 1] },
      ],
      ['padding wider than the kernel', 2, { pads: [3, 0, 0, 3] }],
    ] as const
  ).map(
    ([name, kernel, attributes]): Case => ({
      name: `Conv ${name}`,
      draw: onMap((s, map) => s.conv(map, 8, 8, kernel, attributes)),
    }),
  ),
  { name: 'Conv 1×5', draw: onMap((s, map) => s.conv(map, 8, 8, [1, 5], { pads: [0, 2, 0, 2] })) },
  {
    name: 'Conv with more outputs per channel than one (depth multiplier)',
    draw: onMap((s, map) => s.conv(map, 8, 16, 3, { group: 8 }), 16),
  },
  {
    name: 'Conv without bias',
    draw: onMap((s, map) => s.draw('Conv', [map, s.scaled([8, 8, 3, 3], 72)])),
  },
  {
    name: 'Conv over the whole map as classifier',
    draw: (s) => s.draw('Flatten', [s.conv(s.draw('Relu', [s.conv(s.image, 3, 6, 3)]), 6, CLASSES, 6)]),
  },
];

const normalisations: Case[] = [
  {
    name: 'BatchNormalization on the image',
    draw: (s) => s.classify(s.conv(s.batchNorm(s.image, 3), 3, 8), 8, CLASSES),
  },
  { name: 'BatchNormalization after Conv', draw: onMap((s, map) => s.batchNorm(map, 8)) },
  {
    name: 'BatchNormalization after Conv, then Relu',
    draw: onMap((s, map) => s.draw('Relu', [s.batchNorm(map, 8)])),
  },
  { name: 'BatchNormalization after Relu', draw: onMap((s, map) => s.batchNorm(s.draw('Relu', [map]), 8)) },
  {
    name: 'BatchNormalization after Concat',
    draw: onMap((s, map) => s.batchNorm(s.draw('Concat', [map, s.conv(map, 8, 4, 1)], { axis: 1 }), 12), 12),
  },
  {
    name: 'BatchNormalization after Concat of activations, then Relu6',
    draw: onMap((s, map) => {
      const parts = [s.draw('Relu', [map]), s.relu6(s.conv(map, 8, 4, 1))];
      return s.relu6(s.batchNorm(s.draw('Concat', parts, { axis: 1 }), 12));
    }, 12),
  },
  {
    name: 'BatchNormalization after Add',
    draw: onMap((s, map) => s.batchNorm(s.draw('Add', [map, s.conv(map, 8, 8, 1)]), 8)),
  },
  {
    name: 'BatchNormalization before a padded Conv',
    draw: onMap((s, map) => s.conv(s.batchNorm(s.draw('Relu', [map]), 8), 8, 8, 3, { pads: [1, 1, 1, 1] })),
  },
  {
    name: 'BatchNormalization after AveragePool of a Conv',
    draw: onMap((s, map) =>
      s.draw('Relu', [
        s.batchNorm(s.draw('AveragePool', [map], { kernel_shape: [2, 2], strides: [2, 2] }), 8),
      ]),
    ),
  },
  {
    name: 'BatchNormalization after padded AveragePool',
    draw: onMap((s, map) => {
      const pooling = { kernel_shape: [3, 3], pads: [1, 1, 1, 1], count_include_pad: 1 };
      return s.batchNorm(s.draw('AveragePool', [map], pooling), 8);
    }),
  },
  {
    name: 'BatchNormalization after MaxPool',
    draw: onMap((s, map) => s.batchNorm(s.draw('MaxPool', [map], { kernel_shape: [2, 2] }), 8)),
  },
  {
    name: 'BatchNormalization beside another reader of the Conv',
    draw: onMap((s, map) => s.draw('Add', [map, s.draw('Relu', [s.batchNorm(map, 8)])])),
  },
  { name: 'BatchNormalization twice', draw: onMap((s, map) => s.batchNorm(s.batchNorm(map, 8), 8)) },
  {
    name: 'BatchNormalization of a vector',
    draw: onVector((s, vector) => s.linear(s.draw('Relu', [s.batchNorm(vector, 12)]), 12, CLASSES)),
  },
  {
    name: 'BatchNormalization of a flattened map',
    draw: (s) => {
      const map = s.draw('Relu', [s.conv(s.image, 3, 4, 3, { strides: [3, 3] })]);
      return s.linear(s.batchNorm(s.draw('Flatten', [map]), 16), 16, CLASSES);
    },
  },
];

const activations: Case[] = [
  { name: 'Relu', draw: onMap((s, map) => s.draw('Relu', [map])) },
  {
    name: 'Relu after MaxPool',
    draw: onMap((s, map) => s.draw('Relu', [s.draw('MaxPool', [map], { kernel_shape: [2, 2] })])),
  },
  {
    name: 'Relu after Concat',
    draw: onMap((s, map) => s.draw('Relu', [s.draw('Concat', [map, s.conv(map, 8, 4, 1)], { axis: 1 })]), 12),
  },
  {
    name: 'Relu after Add',
    draw: onMap((s, map) => s.draw('Relu', [s.draw('Add', [map, s.conv(map, 8, 8, 1)])])),
  },
  {
    name: 'Relu after AveragePool',
    draw: onMap((s, map) => s.draw('Relu', [s.draw('AveragePool', [map], { kernel_shape: [2, 2] })])),
  },
  { name: 'Relu after Sigmoid', draw: onMap((s, map) => s.draw('Relu', [s.draw('Sigmoid', [map])])) },
  {
    name: 'Relu after Pad',
    draw: onMap((s, map) => s.draw('Relu', [s.draw('Pad', [map, s.integers(0, 0, 1, 1, 0, 0, 1, 1)])])),
  },
  {
    name: 'Relu after Flatten',
    draw: (s) =>
      s.linear(
        s.draw('Relu', [s.draw('Flatten', [s.conv(s.image, 3, 4, 3, { strides: [3, 3] })])]),
        16,
        CLASSES,
      ),
  },
  { name: 'Relu of the image', draw: (s) => s.classify(s.conv(s.draw('Relu', [s.image]), 3, 8), 8, CLASSES) },
  {
    name: 'Relu beside another reader',
    draw: onMap((s, map) => s.draw('Concat', [map, s.draw('Relu', [map])], { axis: 1 }), 16),
  },
  { name: 'Relu after Relu6', draw: onMap((s, map) => s.draw('Relu', [s.relu6(map)])) },
  {
    name: 'Relu as the output',
    draw: onVector((s, vector) => s.draw('Relu', [s.linear(vector, 12, CLASSES)])),
  },
  { name: 'Clip 0…6', draw: onMap((s, map) => s.relu6(map)) },
  {
    name: 'Clip that bites on both sides',
    draw: onMap((s, map) => s.draw('Clip', [map, s.scalar(-0.1), s.scalar(0.2)])),
  },
  {
    name: 'Clip with a positive minimum',
    draw: onMap((s, map) => s.draw('Clip', [map, s.scalar(0.1), s.scalar(0.6)])),
  },
  { name: 'Clip without maximum', draw: onMap((s, map) => s.draw('Clip', [map, s.scalar(0.05)])) },
  { name: 'Clip without minimum', draw: onMap((s, map) => s.draw('Clip', [map, '', s.scalar(0.3)])) },
  { name: 'Clip without bounds', draw: onMap((s, map) => s.draw('Clip', [map])) },
  {
    name: 'Clip of a sigmoid',
    draw: onMap((s, map) => s.draw('Clip', [s.draw('Sigmoid', [map]), s.scalar(0.3), s.scalar(0.6)])),
  },
  { name: 'Sigmoid', draw: onMap((s, map) => s.draw('Sigmoid', [map])) },
];

const arithmetic: Case[] = [
  {
    name: 'Mul by a gate of the same size',
    draw: onMap((s, map) => s.draw('Mul', [s.draw('Relu', [map]), gate(s, map)])),
  },
  { name: 'Mul by a gate, operands exchanged', draw: onMap((s, map) => s.draw('Mul', [gate(s, map), map])) },
  {
    name: 'Mul by a gate per channel (squeeze and excitation)',
    draw: onMap((s, map) => {
      const squeezed = s.draw('GlobalAveragePool', [map]);
      const inner = s.draw('Relu', [s.conv(squeezed, 8, 4, 1)]);
      return s.draw('Mul', [map, s.draw('Sigmoid', [s.conv(inner, 4, 8, 1)])]);
    }),
  },
  {
    name: 'Mul by a gate per channel made by linear layers',
    draw: onMap((s, map) => {
      const squeezed = s.draw('ReduceMean', [map], { axes: [2, 3], keepdims: 0 });
      const excited = s.draw('Sigmoid', [s.linear(s.draw('Relu', [s.linear(squeezed, 8, 4)]), 4, 8)]);
      return s.draw('Mul', [map, s.draw('Reshape', [excited, s.integers(-1, 8, 1, 1)])]);
    }),
  },
  {
    name: 'Mul per channel, constant on the left',
    draw: onMap((s, map) => s.draw('Mul', [s.between(-1, 1, [8, 1, 1]), map])),
  },
  {
    name: 'Mul per channel by an unsqueezed vector',
    draw: onMap((s, map) =>
      s.draw('Mul', [map, s.draw('Unsqueeze', [s.between(-1, 1, [8]), s.integers(-1, 1)])]),
    ),
  },
  {
    name: 'Mul by a scalar after Relu',
    draw: onMap((s, map) => s.draw('Mul', [s.draw('Relu', [map]), s.scalar(0.7)])),
  },
  {
    name: 'Mul of two maps',
    draw: onMap((s, map) => s.draw('Mul', [s.draw('Relu', [map]), s.conv(map, 8, 8, 1)])),
  },
  { name: 'Mul of a map by itself', draw: onMap((s, map) => s.draw('Mul', [map, map])) },
  {
    name: 'Add per channel',
    draw: onMap((s, map) => s.draw('Add', [map, s.between(-1, 1, [1, 8, 1, 1])])),
  },
  {
    name: 'Add of a scalar',
    draw: onMap((s, map) => s.draw('Add', [s.weights([1], [0.5]), s.draw('Relu', [map])])),
  },
  {
    name: 'Add to a vector',
    draw: onVector((s, vector) =>
      s.draw('Add', [s.linear(vector, 12, CLASSES), s.between(-1, 1, [CLASSES])]),
    ),
  },
  {
    name: 'Add of a residual',
    draw: onMap((s, map) => s.draw('Add', [map, s.relu6(s.conv(map, 8, 8, 3, { pads: [1, 1, 1, 1] }))])),
  },
  { name: 'Add of a map to itself', draw: onMap((s, map) => s.draw('Add', [map, map])) },
  {
    name: 'Add of values of very different size',
    draw: onMap((s, map) =>
      s.draw('Add', [s.draw('Mul', [s.draw('Relu', [map]), s.scalar(30)]), s.draw('Sigmoid', [map])]),
    ),
  },
  {
    name: 'Add to the image',
    draw: (s) => s.classify(s.draw('Add', [s.image, s.conv(s.image, 3, 3, 1)]), 3, CLASSES),
  },
  { name: 'Sub', draw: onMap((s, map) => s.draw('Sub', [map, s.between(-1, 1, [8, 1, 1])])) },
  { name: 'Div', draw: onMap((s, map) => s.draw('Div', [map, s.between(0.5, 2, [1, 8, 1, 1])])) },
  {
    name: 'Concat of three',
    draw: onMap(
      (s, map) =>
        s.draw('Concat', [map, s.relu6(s.conv(map, 8, 4, 1)), s.draw('Sigmoid', [map])], { axis: 1 }),
      20,
    ),
  },
  {
    name: 'Concat on axis −3',
    draw: onMap((s, map) => s.draw('Concat', [map, s.conv(map, 8, 4, 1)], { axis: -3 }), 12),
  },
  {
    name: 'Concat of a map with itself',
    draw: onMap((s, map) => s.draw('Concat', [map, map], { axis: 1 }), 16),
  },
  { name: 'Concat of one', draw: onMap((s, map) => s.draw('Concat', [map], { axis: 1 })) },
  {
    name: 'Concat with the image',
    draw: (s) => s.classify(s.draw('Concat', [s.image, s.conv(s.image, 3, 5, 1)], { axis: 1 }), 8, CLASSES),
  },
  {
    name: 'Concat of vectors, one of them a flattened map',
    draw: (s) => {
      const map = s.draw('Relu', [s.conv(s.image, 3, 4, 3, { strides: [3, 3] })]);
      const pooled = s.draw('Flatten', [s.draw('GlobalAveragePool', [map])]);
      return s.linear(s.draw('Concat', [s.draw('Flatten', [map]), pooled], { axis: 1 }), 20, CLASSES);
    },
  },
];

/** A small network whose first activation is the function. */
const activated = (operator: (sketch: OnnxSketch, map: string) => string): Draw =>
  onMap((s, map) => s.conv(operator(s, s.draw('Mul', [map, s.scalar(2)])), 8, 8, 1));

const aboveZero = (s: OnnxSketch, map: string): string =>
  s.draw('Add', [s.draw('Relu', [map]), s.scalar(0.5)]);

const functions: Case[] = [
  ...(
    [
      ['HardSwish', {}, 17],
      ['HardSigmoid', {}, 17],
      ['HardSigmoid', { alpha: { float: 1 / 6 }, beta: { float: 0.5 } }, 17],
      ['LeakyRelu', { alpha: { float: 0.1 } }, 17],
      ['Elu', { alpha: { float: 1.5 } }, 17],
      ['Celu', { alpha: { float: 0.7 } }, 17],
      ['Selu', {}, 17],
      ['Softplus', {}, 17],
      ['Softsign', {}, 17],
      ['Tanh', {}, 17],
      ['Erf', {}, 17],
      ['Exp', {}, 17],
      ['Abs', {}, 17],
      ['Neg', {}, 17],
      ['ThresholdedRelu', { alpha: { float: 0.3 } }, 17],
      ['Mish', {}, 18],
      ['Gelu', {}, 20],
      ['Gelu', { approximate: 'tanh' }, 20],
    ] as const
  ).map(
    ([operator, attributes, opset]): Case => ({
      name: `${operator} ${JSON.stringify(attributes)}`,
      opset,
      draw: activated((s, map) => s.draw(operator, [map], attributes)),
    }),
  ),
  ...(['Log', 'Sqrt', 'Reciprocal', 'Sin', 'Cos', 'Atan'] as const).map(
    (operator): Case => ({
      name: `${operator} of what is above zero`,
      draw: activated((s, map) => s.draw(operator, [aboveZero(s, map)])),
    }),
  ),
  ...[0.5, 1.7, -1].map(
    (exponent): Case => ({
      name: `Pow by ${exponent} of what is above zero`,
      draw: activated((s, map) => s.draw('Pow', [aboveZero(s, map), s.scalar(exponent)])),
    }),
  ),
  {
    name: 'softsign as x ÷ (1 + |x|)',
    draw: activated((s, map) => s.draw('Div', [map, s.draw('Add', [s.draw('Abs', [map]), s.scalar(1)])])),
  },
  {
    name: 'SiLU as x ÷ (1 + exp(−x))',
    draw: activated((s, map) => {
      const power = s.draw('Exp', [s.draw('Neg', [map])]);
      return s.draw('Div', [map, s.draw('Add', [power, s.scalar(1)])]);
    }),
  },
  {
    name: 'softplus with a bound, as PyTorch spells it',
    draw: activated((s, map) => {
      const soft = s.draw('Log', [s.draw('Add', [s.draw('Exp', [map]), s.scalar(1)])]);
      return s.draw('Where', [s.draw('Greater', [map, s.scalar(20)]), map, soft]);
    }),
  },
  ...(['Greater', 'GreaterOrEqual', 'Less', 'LessOrEqual'] as const).flatMap((operator) =>
    [false, true].map(
      (isSecond): Case => ({
        name: `Where by ${operator}, the number ${isSecond ? 'second' : 'first'}`,
        draw: activated((s, map) => {
          const relu = s.draw('Relu', [map]);
          // Zero is on the boundary, and both branches meet there.
          const condition = s.draw(operator, isSecond ? [relu, s.scalar(0)] : [s.scalar(0), relu]);
          return s.draw('Where', [condition, s.draw('Mul', [relu, s.scalar(0.3)]), relu]);
        }),
      }),
    ),
  ),
  {
    name: 'Where by a Not, with a number for one branch',
    draw: activated((s, map) => {
      const condition = s.draw('Not', [s.draw('Less', [map, s.scalar(0)])]);
      return s.draw('Where', [condition, map, s.scalar(0)]);
    }),
  },
  {
    name: 'Where between two maps',
    draw: onMap((s, map) => {
      const other = s.conv(map, 8, 8, 1);
      return s.draw('Where', [s.draw('Greater', [s.draw('Relu', [map]), s.scalar(0)]), map, other]);
    }),
  },
  {
    name: 'a constant ÷ x',
    draw: activated((s, map) => s.draw('Div', [s.scalar(0.7), aboveZero(s, map)])),
  },
  {
    name: 'one map ÷ another',
    draw: onMap((s, map) => s.draw('Div', [s.conv(map, 8, 8, 1), aboveZero(s, s.conv(map, 8, 8, 1))])),
  },
  {
    name: 'PRelu with one slope',
    draw: activated((s, map) => s.draw('PRelu', [map, s.weights([1], [0.2])])),
  },
  {
    name: 'PRelu with a slope per channel',
    draw: activated((s, map) => s.draw('PRelu', [map, s.between(0.1, 0.6, [8, 1, 1])])),
  },
  {
    name: 'SiLU as x × sigmoid(x)',
    draw: activated((s, map) => s.draw('Mul', [map, s.draw('Sigmoid', [map])])),
  },
  {
    name: 'SiLU behind a batch norm',
    draw: onMap((s, map) => {
      const x = s.batchNorm(map, 8);
      return s.draw('Mul', [s.draw('Sigmoid', [x]), x]);
    }),
  },
  {
    name: 'hard swish as x × clip(x + 3, 0, 6) ÷ 6',
    draw: activated((s, map) => {
      const clipped = s.draw('Clip', [s.draw('Add', [map, s.scalar(3)]), s.scalar(0), s.scalar(6)]);
      return s.draw('Div', [s.draw('Mul', [map, clipped]), s.scalar(6)]);
    }),
  },
  {
    name: 'hard swish as x × hard sigmoid',
    draw: activated((s, map) => {
      const gate = s.draw('HardSigmoid', [map], { alpha: { float: 1 / 6 }, beta: { float: 0.5 } });
      return s.draw('Mul', [map, gate]);
    }),
  },
  {
    name: 'GELU by its erf',
    draw: activated((s, map) => {
      const erf = s.draw('Erf', [s.draw('Div', [map, s.scalar(Math.SQRT2)])]);
      const half = s.draw('Mul', [map, s.draw('Add', [erf, s.scalar(1)])]);
      return s.draw('Mul', [half, s.scalar(0.5)]);
    }),
  },
  {
    name: 'GELU by tanh of a polynomial',
    draw: activated((s, map) => {
      const cube = s.draw('Mul', [s.draw('Pow', [map, s.scalar(3)]), s.scalar(0.044715)]);
      const inner = s.draw('Mul', [s.draw('Add', [map, cube]), s.scalar(Math.sqrt(2 / Math.PI))]);
      const gate = s.draw('Add', [s.draw('Tanh', [inner]), s.scalar(1)]);
      return s.draw('Mul', [s.draw('Mul', [map, s.scalar(0.5)]), gate]);
    }),
  },
  {
    name: 'Mish as x × tanh(softplus(x))',
    draw: activated((s, map) => s.draw('Mul', [map, s.draw('Tanh', [s.draw('Softplus', [map])])])),
  },
  { name: 'a square', draw: activated((s, map) => s.draw('Mul', [map, map])) },
  {
    name: 'a function of the image',
    draw: (s) => s.classify(s.conv(s.draw('Tanh', [s.image]), 3, 8), 8, CLASSES),
  },
  {
    name: 'a function beside another reader',
    draw: onMap((s, map) => s.draw('Concat', [map, s.draw('Tanh', [map])], { axis: 1 }), 16),
  },
  {
    name: 'a function of a vector as the output',
    draw: onVector((s, vector) => s.draw('Tanh', [s.linear(vector, 12, CLASSES)])),
  },
  {
    name: 'a gate by 1 − sigmoid(x)',
    draw: onMap((s, map) => {
      const open = s.draw('Sigmoid', [s.conv(map, 8, 8, 1)]);
      return s.draw('Mul', [map, s.draw('Sub', [s.scalar(1), open])]);
    }),
  },
];

const differences: Case[] = [
  { name: 'Sub of two maps', draw: onMap((s, map) => s.draw('Sub', [map, s.conv(map, 8, 8, 1)])) },
  {
    name: 'Sub of two activations',
    draw: onMap((s, map) => s.draw('Sub', [s.draw('Relu', [map]), s.relu6(s.conv(map, 8, 8, 1))])),
  },
  { name: 'a constant − x', draw: onMap((s, map) => s.draw('Sub', [s.scalar(1), s.draw('Relu', [map])])) },
  {
    name: 'a constant per channel − x',
    draw: onMap((s, map) => s.draw('Sub', [s.between(-1, 1, [8, 1, 1]), s.draw('Relu', [map])])),
  },
  {
    name: 'Sum of three',
    draw: onMap((s, map) => s.draw('Sum', [map, s.conv(map, 8, 8, 1), s.draw('Relu', [map])])),
  },
  { name: 'Sum of one', draw: onMap((s, map) => s.draw('Sum', [map])) },
];

/** The channels of 2 groups interleaved, as exporters spell it. */
const shuffled = (s: OnnxSketch, map: string, [channels, side]: readonly [number, number], groups = 2) => {
  const grid = s.draw('Reshape', [map, s.integers(-1, groups, channels / groups, side, side)]);
  const swapped = s.draw('Transpose', [grid], { perm: [0, 2, 1, 3, 4] });
  return s.draw('Reshape', [swapped, s.integers(-1, channels, side, side)]);
};

const slice = (
  s: OnnxSketch,
  map: string,
  bounds: readonly (readonly [number, number, number, number])[],
) => {
  const column = (i: number) => s.integers(...bounds.map((bound) => bound[i]));
  return s.draw('Slice', [map, column(0), column(1), column(2), column(3)]);
};

const choices: Case[] = [
  {
    name: 'Slice of channels',
    draw: onMap((s, map) => slice(s, s.draw('Relu', [map]), [[2, 7, 1, 1]]), 5),
  },
  { name: 'Slice of all channels', draw: onMap((s, map) => slice(s, map, [[0, 2 ** 40, 1, 1]])) },
  {
    name: 'Slice of every second channel from the end',
    draw: onMap((s, map) => slice(s, map, [[-1, -9, 1, -2]]), 4),
  },
  {
    name: 'Slice of rows and columns',
    draw: onMap((s, map) =>
      slice(s, map, [
        [1, -1, 2, 1],
        [0, 8, 3, 2],
      ]),
    ),
  },
  {
    name: 'Split in halves, one of them through a layer',
    draw: onMap((s, map) => {
      const [a, b] = s.drawMany('Split', [s.draw('Relu', [map])], 2, { axis: 1 });
      return s.draw('Concat', [a, s.conv(b, 4, 4, 1)], { axis: 1 });
    }),
  },
  {
    name: 'Split in stated parts',
    draw: onMap((s, map) => {
      const [a, b] = s.drawMany('Split', [map, s.integers(3, 5)], 2, { axis: 1 });
      return s.draw('Concat', [b, s.draw('Relu', [a])], { axis: 1 });
    }),
  },
  {
    name: 'Gather of channels',
    draw: onMap(
      (s, map) => s.draw('Gather', [s.draw('Tanh', [map]), s.integers(7, 0, -3, 3)], { axis: 1 }),
      4,
    ),
  },
  {
    name: 'Gather of the image: BGR',
    draw: (s) =>
      s.classify(s.conv(s.draw('Gather', [s.image, s.integers(2, 1, 0)], { axis: 1 }), 3, 8), 8, CLASSES),
  },
  {
    name: 'Gather of a flattened map',
    draw: (s) => {
      const map = s.draw('Relu', [s.conv(s.image, 3, 4, 3, { strides: [3, 3] })]);
      return s.linear(
        s.draw('Gather', [s.draw('Flatten', [map]), s.integers(3, 9, 0, 15, 4)], { axis: 1 }),
        5,
        CLASSES,
      );
    },
  },
  { name: 'a channel shuffle', draw: onMap((s, map) => shuffled(s, s.draw('Relu', [map]), [8, 8])) },
  {
    name: 'a unit of ShuffleNetV2',
    draw: onMap((s, map) => {
      const [kept, other] = s.drawMany('Split', [s.draw('Relu', [map])], 2, { axis: 1 });
      const inner = s.draw('Relu', [s.conv(other, 4, 4, 1)]);
      const deep = s.conv(inner, 4, 4, 3, { group: 4, pads: [1, 1, 1, 1] });
      const joined = s.draw('Concat', [kept, s.draw('Relu', [s.conv(deep, 4, 4, 1)])], { axis: 1 });
      const [a, b] = s.drawMany('Split', [shuffled(s, joined, [8, 8])], 2, { axis: 1 });
      return s.draw('Concat', [a, s.conv(b, 4, 4, 1)], { axis: 1 });
    }),
  },
  ...(['reflect', 'edge', 'wrap'] as const).map(
    (mode): Case => ({
      name: `Pad in mode ${mode}`,
      opset: 19,
      draw: onMap((s, map) =>
        s.conv(s.draw('Pad', [map, s.integers(0, 0, 2, 1, 0, 0, 1, 3)], { mode }), 8, 8, 3),
      ),
    }),
  ),
];

const comparisons: Case[] = [
  { name: 'Max of two maps', draw: onMap((s, map) => s.draw('Max', [map, s.conv(map, 8, 8, 1)])) },
  {
    name: 'Min of three maps',
    draw: onMap((s, map) => s.draw('Min', [s.relu6(map), s.conv(map, 8, 8, 1), s.draw('Sigmoid', [map])])),
  },
  {
    name: 'ReLU6 by Min and Max with numbers',
    draw: onMap((s, map) => s.draw('Min', [s.draw('Max', [map, s.scalar(0)]), s.scalar(6)])),
  },
  {
    name: 'Max of the image and a layer',
    draw: (s) => s.classify(s.draw('Max', [s.image, s.conv(s.image, 3, 3, 1)]), 3, CLASSES),
  },
  { name: 'ReduceMax over the map', draw: onMap((s, map) => s.draw('ReduceMax', [map], { axes: [2, 3] })) },
  { name: 'ReduceMin over columns', draw: onMap((s, map) => s.draw('ReduceMin', [map], { axes: [3] })) },
  { name: 'ReduceSum over the map', draw: onMap((s, map) => s.draw('ReduceSum', [map, s.integers(2, 3)])) },
  {
    name: 'ReduceMax over the channels',
    draw: onMap((s, map) => s.draw('ReduceMax', [map], { axes: [1] }), 1),
  },
  {
    name: 'ReduceMean over the channels',
    draw: onMap((s, map) => s.draw('ReduceMean', [map], { axes: [1] }), 1),
  },
  {
    name: 'the spatial gate of CBAM',
    draw: onMap((s, map) => {
      const active = s.draw('Relu', [map]);
      const means = s.draw('ReduceMean', [active], { axes: [1] });
      const most = s.draw('ReduceMax', [active], { axes: [1] });
      const both = s.draw('Concat', [means, most], { axis: 1 });
      return s.draw('Mul', [active, s.draw('Sigmoid', [s.conv(both, 2, 1, 7, { pads: [3, 3, 3, 3] })])]);
    }),
  },
  {
    name: 'the gates of coordinate attention',
    draw: onMap((s, map) => {
      const rows = s.draw('Sigmoid', [s.conv(s.draw('ReduceMean', [map], { axes: [3] }), 8, 8, 1)]);
      const columns = s.draw('Sigmoid', [s.conv(s.draw('ReduceMean', [map], { axes: [2] }), 8, 8, 1)]);
      return s.draw('Mul', [s.draw('Mul', [map, rows]), columns]);
    }),
  },
  {
    name: 'Add of a vector to every pixel',
    draw: onMap((s, map) => s.draw('Add', [map, s.conv(s.draw('GlobalAveragePool', [map]), 8, 8, 1)])),
  },
];

const resized = (scales: readonly number[], attributes: Attributes): Draw =>
  onMap((s, map) => s.draw('Resize', [map, '', s.weights([4], [1, 1, ...scales])], attributes));

const windows: Case[] = [
  ...(
    [
      ['by 2', [2, 2], { coordinate_transformation_mode: 'asymmetric', nearest_mode: 'floor' }],
      ['by 3 and 1, half pixels', [3, 1], {}],
      ['by 1.5', [1.5, 1.5], { nearest_mode: 'round_prefer_ceil' }],
      ['to half', [0.5, 0.5], { coordinate_transformation_mode: 'asymmetric', nearest_mode: 'ceil' }],
      ['linear by 2', [2, 2], { mode: 'linear' }],
      ['linear by 3 and 4', [3, 4], { mode: 'linear', coordinate_transformation_mode: 'pytorch_half_pixel' }],
    ] as const
  ).map(
    ([name, scales, attributes]): Case => ({ name: `Resize ${name}`, draw: resized(scales, attributes) }),
  ),
  {
    name: 'Resize to stated sizes',
    draw: onMap((s, map) => s.draw('Resize', [map, '', '', s.integers(1, 8, 12, 16)], { mode: 'nearest' })),
  },
  ...(
    [
      ['2', 3, { dilations: [2, 2], pads: [2, 2, 2, 2] }],
      ['1 and 3', 3, { dilations: [1, 3], pads: [1, 3, 1, 3] }],
      ['2, depthwise', 3, { dilations: [2, 2], pads: [2, 2, 2, 2], group: 8 }],
      ['2, 2 groups, stride 2', 3, { dilations: [2, 2], pads: [2, 2, 2, 2], group: 2, strides: [2, 2] }],
      ['4 of a single weight', 1, { dilations: [4, 4] }],
    ] as const
  ).map(
    ([name, kernel, attributes]): Case => ({
      name: `Conv with dilation ${name}`,
      draw: onMap((s, map) => s.conv(map, 8, 8, kernel, attributes)),
    }),
  ),
];

const pools: Case[] = [
  ...(
    [
      ['2×2', { kernel_shape: [2, 2], strides: [2, 2] }],
      ['3×3, padding left out', { kernel_shape: [3, 3], pads: [1, 1, 1, 1], count_include_pad: 0 }],
      ['3×3, padding counted', { kernel_shape: [3, 3], pads: [1, 1, 1, 1], count_include_pad: 1 }],
      ['3×3, one-sided padding', { kernel_shape: [3, 3], pads: [0, 1, 2, 0], strides: [2, 1] }],
      ['ceil_mode', { kernel_shape: [3, 3], strides: [2, 2], ceil_mode: 1 }],
      [
        'ceil_mode, padding left out',
        { kernel_shape: [3, 3], strides: [3, 3], pads: [1, 1, 1, 1], ceil_mode: 1 },
      ],
      ['auto_pad SAME_UPPER', { kernel_shape: [3, 3], strides: [2, 2], auto_pad: 'SAME_UPPER' }],
      ['1×1', { kernel_shape: [1, 1] }],
      ['1×1, stride 2', { kernel_shape: [1, 1], strides: [2, 2] }],
    ] as const
  ).map(
    ([name, attributes]): Case => ({
      name: `AveragePool ${name}`,
      draw: onMap((s, map) => s.draw('AveragePool', [map], attributes)),
    }),
  ),
  {
    name: 'AveragePool ceil_mode, padding counted',
    opset: 19,
    draw: onMap((s, map) =>
      s.draw('AveragePool', [map], {
        kernel_shape: [3, 3],
        strides: [2, 2],
        pads: [1, 1, 0, 0],
        ceil_mode: 1,
        count_include_pad: 1,
      }),
    ),
  },
  ...(
    [
      ['2×2', { kernel_shape: [2, 2], strides: [2, 2] }],
      ['3×3 with padding', { kernel_shape: [3, 3], pads: [1, 1, 1, 1], strides: [2, 2] }],
      ['ceil_mode', { kernel_shape: [3, 3], strides: [2, 2], ceil_mode: 1 }],
      ['auto_pad SAME_LOWER', { kernel_shape: [3, 3], strides: [2, 2], auto_pad: 'SAME_LOWER' }],
    ] as const
  ).map(
    ([name, attributes]): Case => ({
      name: `MaxPool ${name}`,
      draw: onMap((s, map) => s.draw('MaxPool', [map], attributes)),
    }),
  ),
  {
    name: 'MaxPool of the image',
    draw: (s) => s.classify(s.conv(s.draw('MaxPool', [s.image], { kernel_shape: [2, 2] }), 3, 8), 8, CLASSES),
  },
  { name: 'GlobalMaxPool', draw: onMap((s, map) => s.draw('GlobalMaxPool', [map])) },
  { name: 'GlobalAveragePool of a single pixel', draw: onMap((s, map) => s.conv(map, 8, 8, 8)) },
  {
    name: 'ReduceMean keeping the axes',
    draw: onMap((s, map) => s.draw('ReduceMean', [map], { axes: [-1, -2], keepdims: 1 })),
  },
  {
    name: 'ReduceMean over rows, then columns',
    draw: onMap((s, map) =>
      s.draw('ReduceMean', [s.draw('ReduceMean', [map], { axes: [2] })], { axes: [3] }),
    ),
  },
  {
    name: 'ReduceMean dropping the axes',
    draw: (s) =>
      s.linear(s.draw('ReduceMean', [s.conv(s.image, 3, 8)], { axes: [2, 3], keepdims: 0 }), 8, CLASSES),
  },
  {
    name: 'ReduceMean with axes as input',
    opset: 18,
    draw: (s) =>
      s.linear(s.draw('ReduceMean', [s.conv(s.image, 3, 8), s.integers(2, 3)], { keepdims: 0 }), 8, CLASSES),
  },
];

const flattened = (s: OnnxSketch, flatten: (map: string) => string) =>
  s.linear(flatten(s.draw('Relu', [s.conv(s.image, 3, 4, 3, { strides: [2, 2] })])), 36, CLASSES);

const shapes: Case[] = [
  { name: 'Flatten', draw: (s) => flattened(s, (map) => s.draw('Flatten', [map], { axis: 1 })) },
  { name: 'Flatten of the image', draw: (s) => s.linear(s.draw('Flatten', [s.image]), 192, CLASSES) },
  {
    name: 'Flatten as the output',
    draw: (s) => s.draw('Flatten', [s.conv(s.image, 3, 2, 5, { strides: [2, 2] })]),
  },
  { name: 'a map as the output', draw: (s) => s.conv(s.image, 3, 2, 5, { strides: [2, 2] }) },
  {
    name: 'Reshape to [−1, 36]',
    draw: (s) => flattened(s, (map) => s.draw('Reshape', [map, s.integers(-1, 36)])),
  },
  {
    name: 'Reshape to [0, −1]',
    draw: (s) => flattened(s, (map) => s.draw('Reshape', [map, s.integers(0, -1)])),
  },
  {
    name: 'Reshape to [Shape(x)[0], −1], as exporters spell it',
    draw: (s) =>
      flattened(s, (map) => {
        const batch = s.draw('Gather', [
          s.draw('Shape', [map]),
          s.store({ dims: [], dataType: 7, int64Data: [0] }),
        ]);
        const axes = [s.draw('Unsqueeze', [batch, s.integers(0)]), s.integers(-1)];
        return s.draw('Reshape', [map, s.draw('Concat', axes, { axis: 0 })]);
      }),
  },
  {
    name: 'Squeeze and Unsqueeze',
    draw: onMap((s, map) => {
      const squeezed = s.draw('Squeeze', [s.draw('GlobalAveragePool', [map]), s.integers(2, 3)]);
      return s.draw('Unsqueeze', [s.draw('Relu', [squeezed]), s.integers(2, 3)]);
    }),
  },
  {
    name: 'Squeeze and Unsqueeze with axes as attributes',
    opset: 12,
    draw: onMap((s, map) => {
      const squeezed = s.draw('Squeeze', [s.draw('GlobalAveragePool', [map])], { axes: [-1, -2] });
      return s.draw('Unsqueeze', [squeezed], { axes: [2, 3] });
    }),
  },
  { name: 'Identity', draw: onMap((s, map) => s.draw('Identity', [map])) },
  {
    name: 'Identity of a weight',
    draw: (s) =>
      s.linear(
        s.draw('Flatten', [
          s.draw('Add', [s.conv(s.image, 3, 4, 8), s.draw('Identity', [s.between(-1, 1, [1, 4, 1, 1])])]),
        ]),
        4,
        CLASSES,
      ),
  },
  { name: 'Dropout', draw: onMap((s, map) => s.draw('Dropout', [map, s.scalar(0.5)])) },
  {
    name: 'Dropout with its ratio as attribute',
    opset: 11,
    draw: onMap((s, map) => s.draw('Dropout', [map], { ratio: { float: 0.5 } })),
  },
  {
    name: 'Constant tensor',
    draw: onMap((s, map) =>
      s.draw('Mul', [
        map,
        s.draw('Constant', [], {
          value: { tensor: { dims: [8, 1, 1], dataType: 1, floatData: [1, -1, 0.5, 2, 0, 0.1, -0.3, 1.5] } },
        }),
      ]),
    ),
  },
  {
    name: 'Constant number',
    draw: onMap((s, map) => s.draw('Mul', [map, s.draw('Constant', [], { value_float: { float: 0.25 } })])),
  },
  {
    name: 'Constant list of integers',
    draw: (s) =>
      flattened(s, (map) => s.draw('Reshape', [map, s.draw('Constant', [], { value_ints: [-1, 36] })])),
  },
  ...(
    [
      ['around the map', [0, 0, 1, 2, 0, 0, 2, 1]],
      ['of nothing', [0, 0, 0, 0, 0, 0, 0, 0]],
    ] as const
  ).map(
    ([name, pads]): Case => ({
      name: `Pad ${name}`,
      draw: onMap((s, map) => s.draw('Pad', [map, s.integers(...pads)])),
    }),
  ),
  {
    name: 'Pad before a convolution',
    draw: onMap((s, map) =>
      s.conv(s.draw('Pad', [s.draw('Relu', [map]), s.integers(0, 0, 1, 0, 0, 0, 1, 2)]), 8, 8, 3),
    ),
  },
  {
    name: 'Pad before an average pool',
    draw: onMap((s, map) =>
      s.draw('AveragePool', [s.draw('Pad', [map, s.integers(0, 0, 1, 1, 0, 0, 0, 0)])], {
        kernel_shape: [3, 3],
      }),
    ),
  },
  {
    name: 'Pad before a max pool of negative values',
    draw: onMap((s, map) =>
      s.draw('MaxPool', [s.draw('Pad', [map, s.integers(0, 0, 1, 1, 0, 0, 1, 1)])], { kernel_shape: [3, 3] }),
    ),
  },
  {
    name: 'Pad of the image',
    draw: (s) =>
      s.classify(s.conv(s.draw('Pad', [s.image, s.integers(0, 0, 1, 1, 0, 0, 1, 1)]), 3, 8), 8, CLASSES),
  },
  {
    name: 'Pad with axes as input',
    opset: 18,
    draw: onMap((s, map) => s.draw('Pad', [map, s.integers(1, 2, 1, 0), s.scalar(0), s.integers(-2, 3)])),
  },
];

const linear: Case[] = [
  { name: 'Gemm', draw: onVector((s, vector) => s.draw('Gemm', [vector, s.scaled([12, CLASSES], 12)])) },
  { name: 'Gemm transB', draw: onVector((s, vector) => s.linear(vector, 12, CLASSES)) },
  {
    name: 'Gemm with alpha and beta',
    draw: onVector((s, vector) =>
      s.draw('Gemm', [vector, s.scaled([12, CLASSES], 12), s.between(-1, 1, [CLASSES])], {
        alpha: { float: 0.5 },
        beta: { float: -1.5 },
      }),
    ),
  },
  {
    name: 'Gemm with one bias for all',
    draw: onVector((s, vector) =>
      s.draw('Gemm', [vector, s.scaled([12, CLASSES], 12), s.weights([1], [0.4])]),
    ),
  },
  {
    name: 'MatMul and Add',
    draw: onVector((s, vector) =>
      s.draw('Add', [s.draw('MatMul', [vector, s.scaled([12, CLASSES], 12)]), s.between(-1, 1, [CLASSES])]),
    ),
  },
  {
    name: 'two linear layers',
    draw: onVector((s, vector) => s.linear(s.draw('Relu', [s.linear(vector, 12, 10)]), 10, CLASSES)),
  },
];

/** What every network of this family is made of, once per operator set. */
const opsets: Case[] = Array.from({ length: 10 }, (_, i) => ({
  name: 'a small residual network',
  opset: 11 + i,
  draw: (s: OnnxSketch) => {
    const first = s.relu6(s.batchNorm(s.conv(s.image, 3, 8, 3, { pads: [1, 1, 1, 1] }), 8));
    const inner = s.draw('Relu', [s.batchNorm(s.conv(first, 8, 8, 3, { group: 8, pads: [1, 1, 1, 1] }), 8)]);
    const sum = s.draw('Add', [first, s.draw('Mul', [inner, gate(s, inner)])]);
    const joined = s.draw(
      'Concat',
      [sum, s.draw('MaxPool', [first], { kernel_shape: [3, 3], pads: [1, 1, 1, 1] })],
      { axis: 1 },
    );
    const pooled = s.draw('AveragePool', [joined], { kernel_shape: [2, 2], strides: [2, 2] });
    return s.classify(s.draw('Dropout', [pooled]), 16, CLASSES);
  },
}));

const CASES: Readonly<Record<string, readonly Case[]>> = {
  convolutions,
  normalisations,
  activations,
  functions,
  arithmetic,
  differences,
  choices,
  comparisons,
  windows,
  pools,
  shapes,
  linear,
  opsets,
};

const range = (answers: readonly (readonly number[])[]) =>
  Math.max(...answers.flat()) - Math.min(...answers.flat());

const largestDifference = (a: readonly (readonly number[])[], b: readonly (readonly number[])[]) =>
  Math.max(...a.flatMap((row, n) => row.map((value, i) => Math.abs(value - b[n][i]))));

const images = randomImages(8, SIDE);

describe.skipIf(onnxruntime === null).each(Object.entries(CASES))('%s', (_, cases) => {
  it.each(cases.map((one) => [`${one.name}, opset ${one.opset ?? 17}`, one] as const))(
    '%s: read, folded and in integers as onnxruntime runs it',
    async (_, { draw, opset = 17 }) => {
      const sketch = new OnnxSketch({ side: SIDE, opset });
      const bytes = await sketch.output(draw(sketch)).encode();
      const expected = await onnxruntimeLogits(bytes, images, SIDE);
      expect(range(expected)).toBeGreaterThan(0.01);

      const { imported, folded } = await prepareModel(bytes, 'sketch.onnx');
      for (const graph of [imported.graph, folded]) {
        const answers = images.map((image) => Array.from(evaluate(graph, realImage(image))));
        expect(largestDifference(answers, expected)).toBeLessThan(ROUNDING);
      }

      const { graph } = await convertOnnx(bytes, images);
      validateGraph(graph);
      const answers = images.map((image) => integerLogits(graph, image));
      expect(largestDifference(answers, expected) / range(expected)).toBeLessThan(TOLERANCE);
    },
  );
});

describe.skipIf(onnxruntime === null)('the ends of the network', () => {
  const draw = (sketch: OnnxSketch) => {
    const map = sketch.draw('Relu', [sketch.conv(sketch.image, 3, 8, 3, { pads: [1, 1, 1, 1] })]);
    return sketch.classify(map, 8, CLASSES);
  };

  it.each([
    ['Softmax', 11, {}],
    ['Softmax', 12, { axis: -1 }],
    ['Softmax', 13, {}],
    ['Softmax', 20, { axis: 1 }],
    ['LogSoftmax', 17, {}],
  ] as const)('%s, opset %i, with %j, is left to the host', async (opType, opset, attributes) => {
    const sketch = new OnnxSketch({ side: SIDE, opset });
    const bytes = await sketch.output(sketch.draw(opType, [draw(sketch)], attributes)).encode();
    const expected = await onnxruntimeLogits(bytes, images, SIDE);
    const { graph } = await convertOnnx(bytes, images);
    const answers = images.map((image) => {
      const powers = integerLogits(graph, image).map(Math.exp);
      const total = powers.reduce((sum, power) => sum + power, 0);
      return powers.map((power) => (opType === 'Softmax' ? power / total : Math.log(power / total)));
    });
    expect(largestDifference(answers, expected)).toBeLessThan(TOLERANCE);
  });

  it.each([false, true])(
    'a softmax that is spelled out, the largest taken off first: %s',
    async (shifted) => {
      const sketch = new OnnxSketch({ side: SIDE });
      const logits = draw(sketch);
      const axes = sketch.integers(1);
      const largest = sketch.draw('ReduceMax', [logits], { axes: [1] });
      const powers = sketch.draw('Exp', [shifted ? sketch.draw('Sub', [logits, largest]) : logits]);
      const share = sketch.draw('Div', [powers, sketch.draw('ReduceSum', [powers, axes])]);
      const { imported, folded } = await prepareModel(await sketch.output(share).encode(), 'sketch.onnx');
      expect(imported.readout).toBe('softmax');

      const plain = new OnnxSketch({ side: SIDE });
      const expected = await prepareModel(await plain.output(draw(plain)).encode(), 'sketch.onnx');
      const answers = ({ folded: graph }: typeof expected) =>
        images.map((image) => Array.from(evaluate(graph, realImage(image))));
      expect(answers({ ...expected, folded })).toEqual(answers(expected));
    },
  );
});

describe('older spellings, which onnxruntime takes in older operator sets only', () => {
  it.each<[string, Draw, Draw]>([
    [
      'Clip with its bounds as attributes',
      onMap((s, map) => s.draw('Clip', [map], { min: { float: -0.1 }, max: { float: 0.2 } })),
      onMap((s, map) => s.draw('Clip', [map, s.scalar(-0.1), s.scalar(0.2)])),
    ],
    [
      'Pad with its extents as attribute',
      onMap((s, map) => s.conv(s.draw('Pad', [map], { pads: [0, 0, 1, 0, 0, 0, 1, 2] }), 8, 8)),
      onMap((s, map) => {
        const extents = s.integers(0, 0, 1, 0, 0, 0, 1, 2);
        return s.conv(s.draw('Pad', [map, extents]), 8, 8);
      }),
    ],
    [
      'ReduceMean with its axes as attribute',
      onMap((s, map) => s.draw('ReduceMean', [map], { axes: [2, 3] })),
      onMap((s, map) => s.draw('ReduceMean', [map, s.integers(2, 3)])),
    ],
  ])('%s: the same network', async (_, older, newer) => {
    const answersOf = async (draw: Draw) => {
      const sketch = new OnnxSketch({ side: SIDE });
      const { folded } = await prepareModel(await sketch.output(draw(sketch)).encode(), 'sketch.onnx');
      return images.map((image) => Array.from(evaluate(folded, realImage(image))));
    };
    const [a, b] = [await answersOf(older), await answersOf(newer)];
    expect(range(a)).toBeGreaterThan(0.01);
    expect(largestDifference(a, b)).toBeLessThan(ROUNDING);
  });
});
