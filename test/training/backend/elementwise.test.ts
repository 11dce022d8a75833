/** Every value-by-value kernel of the torch backend, forward and gradient, against tfjs's CPU backend. */
import * as tf from '@tensorflow/tfjs-core';
import fc from 'fast-check';
import { describe, test } from 'vitest';
import { elementwise } from '../../../src/training/backend/torch/kernels/elementwise.ts';
import { activationGradients } from '../../../src/training/backend/torch/kernels/fused.ts';
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

type Unary = (x: tf.Tensor) => tf.Tensor;
type Binary = (a: tf.Tensor, b: tf.Tensor) => tf.Tensor;

const anyShape = shapes(0, 5, { empty: true });

/** Name → function and the range in which it is defined and smooth enough for float32. */
const UNARY: Record<string, [Unary, number, number]> = {
  abs: [tf.abs, -4, 4],
  acos: [tf.acos, -0.9, 0.9],
  asin: [tf.asin, -0.9, 0.9],
  atan: [tf.atan, -4, 4],
  ceil: [tf.ceil, -4, 4],
  cos: [tf.cos, -4, 4],
  cosh: [tf.cosh, -3, 3],
  erf: [tf.erf, -3, 3],
  exp: [tf.exp, -6, 6],
  expm1: [tf.expm1, -6, 6],
  floor: [tf.floor, -4, 4],
  log: [tf.log, 0.1, 9],
  log1p: [tf.log1p, -0.5, 9],
  neg: [tf.neg, -4, 4],
  reciprocal: [tf.reciprocal, 0.2, 5],
  relu: [tf.relu, -4, 4],
  relu6: [tf.relu6, -4, 9],
  round: [tf.round, -6, 6],
  rsqrt: [tf.rsqrt, 0.1, 9],
  sigmoid: [tf.sigmoid, -5, 5],
  sign: [tf.sign, -2, 2],
  sin: [tf.sin, -4, 4],
  sinh: [tf.sinh, -3, 3],
  softplus: [tf.softplus, -9, 9],
  sqrt: [tf.sqrt, 0.1, 9],
  square: [tf.square, -4, 4],
  step: [(x) => tf.step(x), -2, 2],
  'step with a slope': [(x) => tf.step(x, 0.3), -2, 2],
  tan: [tf.tan, -1.2, 1.2],
  tanh: [tf.tanh, -4, 4],
  clipByValue: [(x) => tf.clipByValue(x, -1.5, 2), -4, 4],
  leakyRelu: [(x) => tf.leakyRelu(x, 0.1), -4, 4],
  zerosLike: [tf.zerosLike, -4, 4],
  onesLike: [tf.onesLike, -4, 4],
};

describeTorch('the torch backend, value by value', () => {
  test.each(Object.entries(UNARY))('%s', async (_, [expression, minimum, maximum]) => {
    const inputs = anyShape.chain((shape) => floats(shape, minimum, maximum));
    await check(inputs, (x) => expectAgreement(expression, [x]));
  });

  const BINARY: Record<string, Binary> = {
    add: tf.add,
    sub: tf.sub,
    mul: tf.mul,
  };
  test.each(Object.entries(BINARY))('%s, broadcast', async (_, expression) => {
    await check(broadcastPairs(-4, 4), (pair) => expectAgreement(expression, pair));
  });

  // tfjs itself has no gradient of these where shapes differ.
  const OF_ONE_SHAPE: Record<string, Binary> = {
    maximum: tf.maximum,
    minimum: tf.minimum,
    squaredDifference: tf.squaredDifference,
  };
  test.each(Object.entries(OF_ONE_SHAPE))('%s, broadcast forward', async (_, expression) => {
    await check(broadcastPairs(-4, 4), (pair) => expectAgreement(expression, pair, { gradient: false }));
    const alike = anyShape.chain((shape) => fc.tuple(floats(shape), floats(shape)));
    await check(alike, (pair) => expectAgreement(expression, pair));
  });

  const OF_POSITIVE: Record<string, Binary> = { div: tf.div, pow: tf.pow, mod: tf.mod };
  test.each(Object.entries(OF_POSITIVE))('%s of positive values, broadcast', async (_, expression) => {
    // Multiples of one half divide without remainder on one backend and with nearly the whole divisor on the other.
    const offGrid = broadcastPairs(0.6, 5).map((pair) =>
      pair.map((given, index) => ({
        ...given,
        values: given.values.map((value) => Math.fround(value * (1 + index * 0.013579) + 0.00731)),
      })),
    );
    await check(offGrid, (pair) => expectAgreement(expression, pair, { gradient: expression !== tf.mod }));
  });

  const COMPARISONS: Record<string, Binary> = {
    equal: tf.equal,
    greater: tf.greater,
    greaterEqual: tf.greaterEqual,
    less: tf.less,
    lessEqual: tf.lessEqual,
    notEqual: tf.notEqual,
  };
  test.each(Object.entries(COMPARISONS))('%s, broadcast', async (_, expression) => {
    await check(broadcastPairs(-1, 1), (pair) => expectAgreement(expression, pair, { gradient: false }));
  });

  test.each(Object.entries({ isFinite: tf.isFinite, isInf: tf.isInf, isNaN: tf.isNaN }))(
    '%s',
    async (_, expression) => {
      const odd = fc.constantFrom(Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, 0, -2.5);
      const given = fc
        .array(odd, { maxLength: 6 })
        .map((values) => ({ shape: [values.length], values, dtype: 'float32' as const }));
      await check(given, (x) => expectAgreement(expression, [x], { gradient: false }));
    },
  );

  test('logical and, or, not', async () => {
    const pairs = anyShape.chain((shape) => fc.tuple(booleans(shape), booleans(shape)));
    const expression = (a: tf.Tensor, b: tf.Tensor) => [
      tf.logicalAnd(a, b),
      tf.logicalOr(a, b),
      tf.logicalNot(a),
    ];
    await check(pairs, (pair) => expectAgreement(expression, pair, { gradient: false }));
  });

  test('where, with a condition of the same shape and one that broadcasts', async () => {
    const triples = shapes(1, 4).chain((shape) =>
      fc.tuple(fc.oneof(booleans(shape), booleans(shape.slice(1))), floats(shape), floats(shape)),
    );
    await check(triples, (triple) => expectAgreement((c, a, b) => tf.where(asBool(c), a, b), triple));
  });

  test('addN', async () => {
    const triples = anyShape.chain((shape) => fc.tuple(floats(shape), floats(shape), floats(shape)));
    await check(triples, (triple) => expectAgreement((...all) => tf.addN(all), triple));
  });

  describe('on integers', () => {
    test('add, sub, mul, floorDiv, maximum, negation stay integers', async () => {
      const pairs = anyShape.chain((shape) => fc.tuple(integers(shape, -9, 9), integers(shape, 1, 9)));
      const expression = (a: tf.Tensor, b: tf.Tensor) => [
        tf.add(a, b),
        tf.sub(a, b),
        tf.mul(a, b),
        tf.floorDiv(a, b),
        tf.maximum(a, b),
        tf.neg(a),
        tf.abs(a),
      ];
      await check(pairs, (pair) => expectAgreement(expression, pair, { gradient: false }));
    });

    test('cast between the three types', async () => {
      const inputs = anyShape.chain((shape) =>
        fc.tuple(floats(shape), integers(shape, -3, 3), booleans(shape)),
      );
      const expression = (...all: tf.Tensor[]) =>
        all.flatMap((x) => [tf.cast(x, 'float32'), tf.cast(x, 'int32'), tf.cast(x, 'bool')]);
      await check(inputs, (given) => expectAgreement(expression, given, { gradient: false }));
    });
  });

  test('every kernel of the tables has run', () =>
    expectEveryKernelRan({ ...elementwise, ...activationGradients }));
});

function asBool(x: tf.Tensor): tf.Tensor {
  return tf.cast(x, 'bool');
}

/** Two float tensors whose shapes broadcast: some extents of either are one, leading ones may be missing. */
function broadcastPairs(minimum: number, maximum: number) {
  return shapes(0, 4).chain((shape) => {
    const thinned = fc
      .tuple(
        fc.array(fc.boolean(), { minLength: 4, maxLength: 4 }),
        fc.integer({ min: 0, max: shape.length }),
      )
      .map(([ones, dropped]) => shape.map((extent, axis) => (ones[axis] ? 1 : extent)).slice(dropped));
    return fc
      .tuple(thinned, fc.boolean())
      .chain(([thin, swapped]) =>
        fc.tuple(
          floats(swapped ? thin : shape, minimum, maximum),
          floats(swapped ? shape : thin, minimum, maximum),
        ),
      );
  });
}
