/** Convolutions, pools and matrix products of the torch backend with their gradients, against tfjs's CPU backend. */
import * as tf from '@tensorflow/tfjs-core';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { useBackend } from '../../../src/training/backend/backend.ts';
import { linear } from '../../../src/training/backend/torch/kernels/linear.ts';
import { window } from '../../../src/training/backend/torch/kernels/window.ts';
import {
  check,
  describeTorch,
  expectAgreement,
  expectEveryKernelRan,
  floats,
  shapes,
} from './differential.ts';

type Padding = 'same' | 'valid' | number;

const extent = fc.integer({ min: 1, max: 7 });
const channels = fc.integer({ min: 1, max: 4 });
const kernel = fc.constantFrom<[number, number]>([1, 1], [3, 3], [2, 3], [5, 1], [2, 2]);
const stride = fc.constantFrom<[number, number]>([1, 1], [2, 2], [2, 1], [3, 3]);

/** Batch, image, kernel, stride and padding of which at least one window fits. */
const windows = fc
  .record({
    batch: fc.integer({ min: 0, max: 3 }),
    height: extent,
    width: extent,
    kernel,
    stride,
    padding: fc.constantFrom<Padding>('same', 'valid', 1),
  })
  .filter(({ height, width, kernel: [rows, columns], stride: [down, across], padding }) => {
    if (padding === 'same') return true;
    if (padding === 'valid') return height >= rows && width >= columns;
    // tfjs takes a number only for square windows and strides: it computes both extents from the first of each.
    return (
      rows === columns && down === across && height + 2 * padding >= rows && width + 2 * padding >= columns
    );
  });

interface Windowed {
  readonly kernel: [number, number];
  readonly stride: [number, number];
  readonly padding: Padding;
}

/** tfjs pools with a number as padding only where the window is larger than that. */
const pooled = fc
  .tuple(
    windows.filter(({ padding, kernel: [rows] }) => typeof padding === 'string' || rows > padding),
    channels,
  )
  .chain(([w, inner]) => fc.tuple(distinct([w.batch, w.height, w.width, inner]), fc.constant(w)));

describeTorch('the torch backend, windows', () => {
  test('conv2d and its gradients in image and filter', async () => {
    const inputs = fc
      .tuple(windows, channels, channels)
      .chain(([w, inner, outer]) =>
        fc.tuple(
          floats([w.batch, w.height, w.width, inner], -2, 2),
          floats([...w.kernel, inner, outer], -2, 2),
          fc.constant(w),
        ),
      );
    await check(inputs, ([x, filter, w]) =>
      expectAgreement(
        (a, b) => tf.conv2d(a as tf.Tensor4D, b as tf.Tensor4D, w.stride, w.padding),
        [x, filter],
      ),
    );
  });

  test('dilated conv2d, which tfjs does not differentiate', async () => {
    const inputs = fc
      .tuple(channels, fc.constantFrom<'same' | 'valid'>('same', 'valid'))
      .chain(([c, padding]) =>
        fc.tuple(floats([2, 7, 6, c], -2, 2), floats([3, 2, c, 2], -2, 2), fc.constant(padding)),
      );
    await check(inputs, ([x, filter, padding]) =>
      expectAgreement(
        (a, b) => tf.conv2d(a as tf.Tensor4D, b as tf.Tensor4D, 1, padding, 'NHWC', [2, 3]),
        [x, filter],
        { gradient: false },
      ),
    );
  });

  test('depthwiseConv2d and its gradients, with one and more outputs per channel', async () => {
    const inputs = fc
      .tuple(windows, channels, fc.integer({ min: 1, max: 3 }))
      .chain(([w, inner, multiplier]) =>
        fc.tuple(
          floats([w.batch, w.height, w.width, inner], -2, 2),
          floats([...w.kernel, inner, multiplier], -2, 2),
          fc.constant(w),
        ),
      );
    await check(inputs, ([x, filter, w]) =>
      expectAgreement(
        (a, b) => tf.depthwiseConv2d(a as tf.Tensor4D, b as tf.Tensor4D, w.stride, w.padding),
        [x, filter],
      ),
    );
  });

  test('depthwiseConv2d of as many channels as the networks have', async () => {
    const inputs = fc
      .constantFrom(16, 32, 48, 33)
      .chain((inner) => fc.tuple(floats([2, 6, 5, inner], -2, 2), floats([3, 3, inner, 1], -2, 2)));
    await check(inputs, ([x, filter]) =>
      expectAgreement(
        (a, b) => tf.depthwiseConv2d(a as tf.Tensor4D, b as tf.Tensor4D, 1, 'same'),
        [x, filter],
      ),
    );
  });

  test('maxPool and its gradient', async () => {
    await check(pooled, ([x, w]) =>
      expectAgreement((a) => tf.maxPool(a as tf.Tensor4D, w.kernel, w.stride, w.padding), [x]),
    );
  });

  test('avgPool, and its gradient where no window leaves the image', async () => {
    await check(pooled, ([x, w]) =>
      expectAgreement((a) => tf.avgPool(a as tf.Tensor4D, w.kernel, w.stride, w.padding), [x], {
        gradient: w.padding === 'valid',
      }),
    );
  });

  test('the gradient of avgPool shares out by the pixels under each window, as the pool itself does', async () => {
    // tfjs's CPU backend divides by the whole window's area there; so its convolutions judge.
    const pool = (x: tf.Tensor4D, { kernel, stride, padding }: Windowed) =>
      tf.getBackend() === 'cpu'
        ? tf.div(
            tf.depthwiseConv2d(x, tf.ones([...kernel, x.shape[3], 1]), stride, padding),
            tf.depthwiseConv2d(tf.onesLike(x), tf.ones([...kernel, x.shape[3], 1]), stride, padding),
          )
        : tf.avgPool(x, kernel, stride, padding);
    await check(pooled, ([x, w]) => expectAgreement((a) => pool(a as tf.Tensor4D, w), [x]));
  });

  test('matMul in all four transpositions', async () => {
    const inputs = fc
      .tuple(shapes(0, 2), extent, extent, extent, fc.boolean(), fc.boolean())
      .chain(([batch, rows, inner, columns, ta, tb]) =>
        fc.tuple(
          floats([...batch, ...(ta ? [inner, rows] : [rows, inner])]),
          floats([...batch, ...(tb ? [columns, inner] : [inner, columns])]),
          fc.constant([ta, tb] as const),
        ),
      );
    await check(inputs, ([a, b, [ta, tb]]) => expectAgreement((x, y) => tf.matMul(x, y, ta, tb), [a, b]));
  });

  test('batchNorm with given statistics', async () => {
    const inputs = shapes(4, 4).chain((shape) => {
      const vector = [shape[3]];
      return fc.tuple(
        floats(shape),
        floats(vector),
        floats(vector, 0.2, 4),
        floats(vector),
        floats(vector, 0.3, 3),
      );
    });
    const normalise = ([x, mean, variance, offset, scale]: tf.Tensor[]) =>
      tf.batchNorm(
        x,
        mean as tf.Tensor1D,
        variance as tf.Tensor1D,
        offset as tf.Tensor1D,
        scale as tf.Tensor1D,
        1e-3,
      );
    await check(inputs, async (given) => {
      await expectAgreement((...all) => normalise(all), given);
      await expectAgreement((...all) => normalise(all), given.slice(0, 3), { gradient: false });
    });
  });

  test('an image whose windows do not fit its filter is refused by name', async () => {
    await useBackend('torch');
    const x = tf.zeros<tf.Rank.R4>([1, 4, 4, 2]);
    const dy = tf.zeros<tf.Rank.R4>([1, 9, 9, 3]);
    const call = () =>
      tf
        .engine()
        .runKernel(
          tf.Conv2DBackpropFilter,
          { x, dy },
          { strides: 1, pad: 'same', dataFormat: 'NHWC', filterShape: [3, 3, 2, 3] },
        );
    expect(call).toThrow(expect.objectContaining({ code: 'TORCH_KERNEL' }));
  });

  test('every kernel of the tables has run', () => expectEveryKernelRan({ ...window, ...linear }));
});

/** Values of which no two are equal, so that every maximum is at one place. */
function distinct(shape: number[]) {
  const size = tf.util.sizeFromShape(shape);
  return fc
    .shuffledSubarray(
      Array.from({ length: size }, (_, index) => index),
      { minLength: size },
    )
    .map((order) => ({ shape, values: order.map((value) => value / 8 - 3), dtype: 'float32' as const }));
}
