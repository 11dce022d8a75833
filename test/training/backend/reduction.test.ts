/** Kernels of the torch backend that work along axes, against tfjs's CPU backend. */
import * as tf from '@tensorflow/tfjs-core';
import fc from 'fast-check';
import { test } from 'vitest';
import { reduction } from '../../../src/training/backend/torch/kernels/reduction.ts';
import {
  booleans,
  check,
  describeTorch,
  expectAgreement,
  expectEveryKernelRan,
  floats,
  integers,
  shapes,
} from './differential.ts';

type Reduction = (x: tf.Tensor, axes?: number[], keepDims?: boolean) => tf.Tensor;

/** A tensor, some of its axes, and whether they stay with extent one. */
function reductions({ empty = false, minimum = -4, maximum = 4 } = {}) {
  return shapes(0, 5, { empty }).chain((shape) =>
    fc.tuple(floats(shape, minimum, maximum), axesOf(shape), fc.boolean()),
  );
}

function axesOf(shape: number[]): fc.Arbitrary<number[] | undefined> {
  const all = shape.map((_, axis) => axis);
  return fc.option(fc.subarray(all, { minLength: Math.min(1, all.length) }), { nil: undefined });
}

describeTorch('the torch backend, along axes', () => {
  const SUMS: Record<string, Reduction> = { sum: tf.sum, mean: tf.mean };
  test.each(Object.entries(SUMS))('%s', async (_, reduce) => {
    await check(reductions(), ([x, axes, keep]) => expectAgreement((t) => reduce(t, axes, keep), [x]));
  });

  test('sum and prod of nothing are 0 and 1', async () => {
    await check(reductions({ empty: true }), ([x, axes, keep]) =>
      expectAgreement((t) => [tf.sum(t, axes, keep), tf.prod(t, axes, keep)], [x], { gradient: false }),
    );
  });

  test('prod, with its gradient where no value is zero', async () => {
    await check(reductions({ minimum: 0.5, maximum: 2 }), ([x, axes, keep]) =>
      expectAgreement((t) => tf.prod(t, axes, keep), [x], { gradient: false }),
    );
  });

  const EXTREMA: Record<string, Reduction> = { max: tf.max, min: tf.min };
  test.each(Object.entries(EXTREMA))('%s', async (_, reduce) => {
    await check(reductions(), ([x, axes, keep]) => expectAgreement((t) => reduce(t, axes, keep), [x]));
  });

  test('argMax and argMin give the first of equal values', async () => {
    const inputs = shapes(1, 4).chain((shape) =>
      fc.tuple(integers(shape, -2, 2), fc.integer({ min: 0, max: shape.length - 1 })),
    );
    const expression = (axis: number) => (x: tf.Tensor) => [tf.argMax(x, axis), tf.argMin(x, axis)];
    await check(inputs, ([x, axis]) => expectAgreement(expression(axis), [x], { gradient: false }));
  });

  test('all and any', async () => {
    const inputs = shapes(0, 4).chain((shape) => fc.tuple(booleans(shape), axesOf(shape), fc.boolean()));
    await check(inputs, ([x, axes, keep]) =>
      expectAgreement((t) => [tf.all(t, axes, keep), tf.any(t, axes, keep)], [x], { gradient: false }),
    );
  });

  test('integers add up to integers', async () => {
    const inputs = shapes(1, 4).chain((shape) => fc.tuple(integers(shape, -9, 9), axesOf(shape)));
    await check(inputs, ([x, axes]) =>
      expectAgreement((t) => [tf.sum(t, axes), tf.max(t, axes)], [x], { gradient: false }),
    );
  });

  test('cumsum, exclusive and reversed', async () => {
    const inputs = shapes(1, 4).chain((shape) =>
      fc.tuple(floats(shape), fc.integer({ min: 0, max: shape.length - 1 }), fc.boolean(), fc.boolean()),
    );
    await check(inputs, ([x, axis, exclusive, reverse]) =>
      // tfjs's own gradient is right along the last axis alone.
      expectAgreement((t) => tf.cumsum(t, axis, exclusive, reverse), [x], {
        gradient: axis === x.shape.length - 1,
      }),
    );
  });

  test('softmax, logSoftmax and logSumExp', async () => {
    const inputs = shapes(1, 4).chain((shape) => floats(shape, -20, 20));
    await check(inputs, (x) =>
      expectAgreement((t) => [tf.softmax(t), tf.logSoftmax(t), tf.logSumExp(t, -1)], [x]),
    );
  });

  test('topk gives values in falling order, the first of equal ones first', async () => {
    const inputs = shapes(1, 3).chain((shape) =>
      fc.tuple(integers(shape, -2, 2), fc.integer({ min: 1, max: shape[shape.length - 1] })),
    );
    await check(inputs, ([x, k]) =>
      expectAgreement(
        (t) => {
          const { values, indices } = tf.topk(t, k);
          return [values, indices];
        },
        [x],
        { gradient: false },
      ),
    );
  });

  test('every kernel of the table has run', () => expectEveryKernelRan(reduction));
});
