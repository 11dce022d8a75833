/** Kernels of the torch backend that move values, against tfjs's CPU backend. */
import * as tf from '@tensorflow/tfjs-core';
import fc from 'fast-check';
import { test } from 'vitest';
import { indexing } from '../../../src/training/backend/torch/kernels/indexing.ts';
import { shape as moving } from '../../../src/training/backend/torch/kernels/shape.ts';
import {
  check,
  describeTorch,
  expectAgreement,
  expectEveryKernelRan,
  floats,
  integers,
  shapes,
} from './differential.ts';

/** A tensor and a number in 0…its rank − 1. */
function withAxis(minimumRank = 1, maximumRank = 5) {
  return shapes(minimumRank, maximumRank).chain((shape) =>
    fc.tuple(floats(shape), fc.integer({ min: 0, max: shape.length - 1 })),
  );
}

describeTorch('the torch backend, moving values', () => {
  test('reshape, expandDims, squeeze, clone', async () => {
    const inputs = shapes(0, 5, { empty: true }).chain((shape) =>
      fc.tuple(floats(shape), fc.integer({ min: 0, max: shape.length })),
    );
    await check(inputs, ([x, axis]) =>
      expectAgreement(
        (t) => [
          tf.reshape(t, [t.size]),
          tf.expandDims(t, axis),
          tf.squeeze(tf.expandDims(t, axis), [axis]),
          tf.clone(t),
        ],
        [x],
      ),
    );
  });

  test('transpose', async () => {
    const inputs = shapes(1, 5, { empty: true }).chain((shape) =>
      fc.tuple(
        floats(shape),
        fc.shuffledSubarray(
          shape.map((_, axis) => axis),
          { minLength: shape.length },
        ),
      ),
    );
    await check(inputs, ([x, order]) => expectAgreement((t) => tf.transpose(t, order), [x]));
  });

  test('concat of parts of different extent, some of them empty', async () => {
    const inputs = shapes(1, 4).chain((shape) =>
      fc.integer({ min: 0, max: shape.length - 1 }).chain((axis) => {
        const part = (extent: number) => floats(shape.with(axis, extent));
        return fc.tuple(part(1), part(3), part(2), part(0), fc.constant(axis));
      }),
    );
    await check(inputs, ([a, b, c, none, axis]) =>
      expectAgreement((...parts) => tf.concat(parts, axis), [a, b, c]).then(() =>
        expectAgreement((...parts) => tf.concat(parts, axis), [a, none, b], { gradient: false }),
      ),
    );
  });

  test('stack and unstack', async () => {
    await check(withAxis(1, 4), ([x, axis]) =>
      expectAgreement((t) => [tf.stack([t, tf.neg(t)], axis), ...tf.unstack(t, axis)], [x], {
        // tfjs itself has no gradient of unstacking a single part.
        gradient: x.shape[axis] > 1,
      }),
    );
  });

  test('split evenly and unevenly', async () => {
    const inputs = shapes(0, 3).chain((shape) =>
      fc
        .integer({ min: 0, max: shape.length })
        .chain((axis) => fc.tuple(floats(shape.toSpliced(axis, 0, 6)), fc.constant(axis))),
    );
    await check(inputs, ([x, axis]) =>
      expectAgreement((t) => [...tf.split(t, 3, axis), ...tf.split(t, [1, 3, 2], axis)], [x]),
    );
  });

  test('slice', async () => {
    const inputs = shapes(1, 5).chain((shape) => {
      const ranges = shape.map((extent) =>
        fc
          .integer({ min: 0, max: extent - 1 })
          .chain((begin) => fc.tuple(fc.constant(begin), fc.integer({ min: 1, max: extent - begin }))),
      );
      return fc.tuple(floats(shape), fc.tuple(...ranges));
    });
    await check(inputs, ([x, ranges]) =>
      expectAgreement(
        (t) =>
          tf.slice(
            t,
            ranges.map(([begin]) => begin),
            ranges.map(([, size]) => size),
          ),
        [x],
      ),
    );
  });

  test('pad with a constant', async () => {
    const inputs = shapes(1, 4).chain((shape) =>
      fc.tuple(
        floats(shape),
        paddingsOf(shape, () => 3),
      ),
    );
    await check(inputs, ([x, paddings]) => expectAgreement((t) => tf.pad(t, paddings, -1.5), [x]));
  });

  test.each(['reflect', 'symmetric'] as const)('mirrorPad, %s', async (mode) => {
    const offset = mode === 'reflect' ? 1 : 0;
    const inputs = shapes(1, 4).chain((shape) =>
      fc.tuple(
        floats(shape),
        paddingsOf(shape, (extent) => extent - offset),
      ),
    );
    await check(inputs, ([x, paddings]) =>
      expectAgreement((t) => tf.mirrorPad(t, paddings, mode), [x], { gradient: false }),
    );
  });

  test('tile', async () => {
    const inputs = shapes(1, 4).chain((shape) =>
      fc.tuple(floats(shape), fc.tuple(...shape.map(() => fc.integer({ min: 1, max: 3 })))),
    );
    await check(inputs, ([x, repeats]) => expectAgreement((t) => tf.tile(t, repeats), [x]));
  });

  test('reverse', async () => {
    await check(withAxis(1, 4), ([x, axis]) => expectAgreement((t) => tf.reverse(t, axis), [x]));
  });

  test('broadcastTo', async () => {
    const inputs = shapes(1, 4).chain((shape) => fc.tuple(floats(shape.with(0, 1)), fc.constant(shape)));
    await check(inputs, ([x, shape]) => expectAgreement((t) => tf.broadcastTo(t, shape as [number]), [x]));
  });

  test('gather along any axis, with indices of any rank', async () => {
    const inputs = withAxis(1, 4).chain(([x, axis]) =>
      shapes(0, 2).chain((shape) =>
        fc.tuple(fc.constant(x), integers(shape, 0, x.shape[axis] - 1), fc.constant(axis)),
      ),
    );
    await check(inputs, ([x, indices, axis]) =>
      expectAgreement((t, at) => tf.gather(t, tf.cast(at, 'int32'), axis), [x, indices]),
    );
  });

  test('gather with a batch axis', async () => {
    const inputs = fc
      .tuple(fc.integer({ min: 1, max: 4 }), fc.integer({ min: 1, max: 4 }), shapes(0, 2))
      .chain(([batch, extent, rest]) =>
        fc.tuple(floats([batch, extent, ...rest]), integers([batch, 3], 0, extent - 1)),
      );
    await check(inputs, ([x, indices]) =>
      expectAgreement((t, at) => tf.gather(t, tf.cast(at, 'int32'), 1, 1), [x, indices], { gradient: false }),
    );
  });

  test('unsortedSegmentSum leaves out identifiers that name no segment', async () => {
    const inputs = shapes(1, 3).chain((shape) => fc.tuple(floats(shape), integers([shape[0]], -1, 4)));
    await check(inputs, ([x, segments]) =>
      expectAgreement(
        (t, at) => tf.unsortedSegmentSum(t, tf.cast(at, 'int32') as tf.Tensor1D, 3),
        [x, segments],
        {
          gradient: false,
        },
      ),
    );
  });

  test('oneHot leaves rows of other indices at the off value', async () => {
    const inputs = shapes(0, 3).chain((shape) => integers(shape, -1, 5));
    await check(inputs, (indices) =>
      expectAgreement((at) => tf.oneHot(tf.cast(at, 'int32'), 4, 0.9, 0.025), [indices], { gradient: false }),
    );
  });

  test('fill, range and linspace', async () => {
    const numbers = fc.tuple(
      shapes(0, 4, { empty: true }),
      fc.integer({ min: -5, max: 5 }),
      fc.integer({ min: -5, max: 5 }),
    );
    await check(numbers, ([shape, start, stop]) =>
      expectAgreement(
        () => [
          tf.fill(shape, start + 0.25),
          tf.fill(shape, stop, 'int32'),
          tf.range(start, stop),
          tf.range(start, stop, start < stop ? 2 : -2, 'int32'),
          tf.linspace(start, stop, 7),
        ],
        [],
        { gradient: false },
      ),
    );
  });

  test('every kernel of the tables has run', () => expectEveryKernelRan({ ...moving, ...indexing }));
});

function paddingsOf(shape: number[], limit: (extent: number) => number): fc.Arbitrary<[number, number][]> {
  const side = (extent: number) => fc.integer({ min: 0, max: limit(extent) });
  return fc.tuple(...shape.map((extent) => fc.tuple(side(extent), side(extent))));
}
