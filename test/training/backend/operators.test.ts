/**
 * The project's own training operators: native kernels against their plain tfjs versions, and both against their formulas.
 */
import * as tf from '@tensorflow/tfjs-core';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { useBackend } from '../../../src/training/backend/backend.ts';
import {
  type AdamWSettings,
  type AdamWSlot,
  adamWStep,
  batchNormTraining,
  dropout,
  fakeQuantise,
} from '../../../src/training/backend/operators.ts';
import { fused } from '../../../src/training/backend/torch/kernels/fused.ts';
import {
  check,
  describeTorch,
  expectAgreement,
  expectEveryKernelRan,
  floats,
  type Given,
  shapes,
} from './differential.ts';

/** Scales at which the test values lie on, between and beyond the steps, ties included. */
const scaleValue = fc.constantFrom(0.5, 0.25, 1, 0.37, 1.9);
const RANGES = fc.constantFrom<[number, number]>([-127, 127], [0, 255], [-8, 7], [0, 15], [-2, 3]);

function vectorOf(values: fc.Arbitrary<number>, length: number): fc.Arbitrary<Given> {
  return fc
    .array(values, { minLength: length, maxLength: length })
    .map((entries) => ({ shape: [length], values: entries, dtype: 'float32' }));
}

describeTorch('operators on the torch backend', () => {
  test('fakeQuantise with one scale', async () => {
    const inputs = shapes(0, 4, { empty: true }).chain((shape) =>
      fc.tuple(floats(shape), scaleValue, fc.integer({ min: -3, max: 130 }), RANGES),
    );
    await check(inputs, ([x, scale, zeroPoint, [minimum, maximum]]) =>
      expectAgreement((t) => fakeQuantise(t, scale, zeroPoint, minimum, maximum), [x]),
    );
  });

  test('fakeQuantise per channel, and the gradient of learned scales', async () => {
    const inputs = shapes(1, 4).chain((shape) =>
      fc.tuple(
        floats(shape),
        vectorOf(scaleValue, shape[shape.length - 1]),
        vectorOf(fc.integer({ min: -2, max: 9 }), shape[shape.length - 1]),
        RANGES,
        fc.boolean(),
      ),
    );
    await check(inputs, ([x, scale, zeroPoint, [minimum, maximum], learnScale]) =>
      expectAgreement(
        (t, s, z) => fakeQuantise(t, s, z, minimum, maximum, { learnScale }),
        [x, scale, zeroPoint],
      ),
    );
  });

  test('the gradient of one learned scale', async () => {
    const scale = scaleValue.map((value): Given => ({ shape: [], values: [value], dtype: 'float32' }));
    const inputs = shapes(1, 4).chain((shape) => fc.tuple(floats(shape), scale, RANGES));
    await check(inputs, ([x, s, [minimum, maximum]]) =>
      expectAgreement((t, u) => fakeQuantise(t, u, 0, minimum, maximum, { learnScale: true }), [x, s]),
    );
  });

  test('batchNormTraining, its statistics and its gradients', async () => {
    const inputs = shapes(2, 4).chain((shape) => {
      const channels = shape[shape.length - 1];
      const rows = shape.with(0, shape[0] + 2);
      return fc.tuple(
        floats(rows),
        floats([channels], 0.5, 2),
        floats([channels]),
        fc.constantFrom(1e-5, 1e-3),
      );
    });
    await check(inputs, ([x, gamma, beta, epsilon]) =>
      expectAgreement(
        (t, g, b) => {
          const { y, mean, variance } = batchNormTraining(t, g, b, epsilon);
          return [y, mean, variance];
        },
        [separated(x), gamma, beta],
        { magnitude: 1 },
      ),
    );
  });

  test('dropout has the same mask as in JavaScript, forward and backward', async () => {
    const inputs = shapes(0, 4, { empty: true }).chain((shape) =>
      fc.tuple(floats(shape), fc.constantFrom(0, 0.1, 0.5, 0.9), fc.integer({ min: 0, max: 2 ** 32 - 1 })),
    );
    await check(inputs, ([x, rate, seed]) => expectAgreement((t) => dropout(t, rate, seed), [x]));
  });

  test('adamWStep over several steps and parameters', async () => {
    const settings = fc.record({
      learningRate: fc.constantFrom(0.1, 0.003),
      beta1: fc.constantFrom(0.9, 0),
      beta2: fc.constantFrom(0.999, 0.5),
      epsilon: fc.constantFrom(1e-8, 1e-3),
      averageDecay: fc.constantFrom(0, 0.99),
    });
    const inputs = fc
      .tuple(shapes(0, 3), shapes(1, 4))
      .chain(([a, b]) => fc.tuple(fc.tuple(floats(a), floats(b)), fc.tuple(floats(a), floats(b)), settings));
    await check(inputs, ([parameters, gradients, chosen]) =>
      expectAgreement(() => afterThreeSteps(parameters, gradients, chosen), [], { gradient: false }),
    );
  });

  test('tensors that several threads share give the same', async () => {
    const wave = (shape: number[], step: number): Given => ({
      shape,
      values: Array.from({ length: tf.util.sizeFromShape(shape) }, (_, i) =>
        Math.fround(2 + 3 * Math.sin(step * i * i)),
      ),
      dtype: 'float32',
    });
    for (const channels of [1, 33, 64]) {
      const inputs = [wave([41, 97, channels], 0.37), wave([channels], 0.9)];
      await expectAgreement((x, scale) => {
        const size = tf.add(tf.abs(scale), 0.2);
        return [
          batchNormTraining(x, scale, scale, 1e-3).y,
          fakeQuantise(x, size, 3, 0, 15, { learnScale: true }),
          fakeQuantise(x, tf.mean(size), 3, 0, 15, { learnScale: true }),
          dropout(x, 0.25, 5),
        ];
      }, inputs);
    }
  });

  test('every fused kernel has run', () => expectEveryKernelRan(fused));

  test('a clone of a parameter keeps its values through an update', async () => {
    await useBackend('torch');
    const [slot] = slotsOf([{ shape: [2], values: [1, 2], dtype: 'float32' }]);
    const before = tf.clone(slot.parameter);
    adamWStep([slot], [tf.tensor1d([1, 1])], {
      step: 1,
      learningRate: 1,
      beta1: 0,
      beta2: 0,
      epsilon: 1e-8,
      averageDecay: 0,
    });
    expect(Array.from(before.dataSync())).toEqual([1, 2]);
    expect(Array.from(slot.parameter.dataSync())).not.toEqual([1, 2]);
  });

  test('a scale that fits neither the tensor nor its channels is refused', async () => {
    await useBackend('torch');
    const call = () => fakeQuantise(tf.zeros([2, 3]), tf.ones([2]), 0, -8, 7);
    expect(call).toThrow(expect.objectContaining({ code: 'TORCH_KERNEL' }));
  });
});

describe('operators on any backend', () => {
  test('fakeQuantise rounds ties as the converter does, with Math.round', async () => {
    await useBackend();
    const steps = fc.array(
      fc.integer({ min: -600, max: 600 }).map((half) => half / 2),
      { minLength: 1 },
    );
    await check(fc.tuple(steps, fc.constantFrom(0.25, 1, 4)), async ([values, scale]) => {
      const x = tf.tensor1d(values.map((value) => value * scale));
      const expected = values.map((value) => Math.min(Math.max(Math.round(value), -127), 127) * scale);
      expect(Array.from(fakeQuantise(x, scale, 0, -127, 127).dataSync())).toEqual(
        expected.map((value) => value + 0),
      );
    });
  });

  test('dropout keeps about the share that it should, and as much in the mean', async () => {
    await useBackend();
    const y = dropout(tf.ones([100_000]), 0.3, 7).dataSync();
    const kept = y.filter((value) => value !== 0);
    expect(kept.length / y.length).toBeCloseTo(0.7, 2);
    expect(kept[0]).toBeCloseTo(1 / 0.7, 5);
  });
});

/** A constant channel has no variance to compare; this keeps values apart along the first axis. */
function separated(x: Given): Given {
  const row = x.values.length / x.shape[0];
  return { ...x, values: x.values.map((value, at) => Math.fround(value + 3 * Math.floor(at / row))) };
}

function slotsOf(parameters: readonly Given[]): AdamWSlot[] {
  const variable = ({ values, shape }: Given) => tf.variable(tf.tensor(values, shape, 'float32'));
  return parameters.map((given, index) => ({
    parameter: variable(given),
    firstMoment: tf.variable(tf.zeros(given.shape)),
    secondMoment: tf.variable(tf.zeros(given.shape)),
    average: variable(given),
    weightDecay: index * 0.05,
  }));
}

function afterThreeSteps(
  parameters: readonly Given[],
  gradients: readonly Given[],
  settings: Omit<AdamWSettings, 'step'>,
): tf.Tensor[] {
  const slots = slotsOf(parameters);
  const tensors = gradients.map(({ values, shape }) => tf.tensor(values, shape, 'float32'));
  for (const step of [1, 2, 3]) adamWStep(slots, tensors, { ...settings, step });
  return slots.flatMap(({ parameter, firstMoment, secondMoment, average }) =>
    [parameter, firstMoment, secondMoment, average].map((variable) => {
      const value = tf.clone(variable);
      variable.dispose();
      return value;
    }),
  );
}
