/** tfjs's own CPU backend judges the torch backend: forward values and gradients of the same expression. */
import { existsSync } from 'node:fs';
import * as tf from '@tensorflow/tfjs-core';
import fc from 'fast-check';
import { describe, expect } from 'vitest';
import { useBackend } from '../../../src/training/backend/backend.ts';
import { torchAddonFile } from '../../../src/training/backend/torch/addon.ts';
import type { KernelTable } from '../../../src/training/backend/torch/kernels/kernel.ts';

/** Skipped by name where the addon is not built: sudo apt-get install libtorch-dev && npm run build. */
export const describeTorch = describe.skipIf(!existsSync(torchAddonFile()));

export interface Given {
  readonly shape: number[];
  readonly values: number[];
  readonly dtype: 'float32' | 'int32' | 'bool';
}

export interface AgreementOptions {
  /** Whether gradients are compared too. */
  readonly gradient?: boolean;
  /** A tensor counts as at least this large: of the order of what is summed, where sums cancel. Default 0.1. */
  readonly magnitude?: number;
}

type Expression = (...inputs: tf.Tensor[]) => tf.Tensor | tf.Tensor[];

interface Outcome {
  readonly shape: number[];
  readonly dtype: string;
  readonly values: number[];
}

/** Largest difference, as a share of the largest magnitude of the expected tensor, which counts as 0.1 at least. */
const TOLERANCE = 1e-4;

/** Names of the kernels that have run on the torch backend. */
const exercised = new Set<string>();

/** For the end of a file: nothing in a table of kernels goes unjudged. */
export function expectEveryKernelRan(table: KernelTable): void {
  expect(Object.keys(table).filter((name) => !exercised.has(name))).toEqual([]);
}

/** `expression` gives the same on both backends, and so do its gradients in every float32 input. */
export async function expectAgreement(
  expression: Expression,
  inputs: readonly Given[],
  { gradient = true, magnitude = 0.1 }: AgreementOptions = {},
): Promise<void> {
  await useBackend('cpu');
  const expected = outcomes(expression, inputs, gradient);
  await useBackend('torch');
  const profile = await tf.profile(() => {
    expectClose(outcomes(expression, inputs, gradient), expected, magnitude);
    return tf.scalar(0);
  });
  for (const name of profile.kernelNames) exercised.add(name);
}

function outcomes(expression: Expression, inputs: readonly Given[], gradient: boolean): Outcome[] {
  const found: tf.Tensor[] = [];
  return tf.tidy(() => {
    const tensors = inputs.map(({ values, shape, dtype }) => tf.tensor(values, shape, dtype));
    found.push(...listOf(expression(...tensors)));
    if (gradient) {
      const floats = tensors.filter(({ dtype }) => dtype === 'float32');
      const loss = (...variables: tf.Tensor[]) => {
        let next = 0;
        const all = tensors.map((tensor) => (tensor.dtype === 'float32' ? variables[next++] : tensor));
        return tf.addN(listOf(expression(...all)).map((y) => tf.sum(tf.mul(y, weightsLike(y)))));
      };
      found.push(...tf.grads(loss)(floats));
    }
    return found.map((tensor) => ({
      shape: tensor.shape,
      dtype: tensor.dtype,
      values: Array.from(tensor.dataSync()),
    }));
  });
}

function listOf(result: tf.Tensor | tf.Tensor[]): tf.Tensor[] {
  return Array.isArray(result) ? result : [result];
}

/** Unlike each other, so that a transposed gradient does not look right. */
function weightsLike(y: tf.Tensor): tf.Tensor {
  return tf.tensor(
    Float32Array.from({ length: y.size }, (_, index) => Math.sin(index + 1) + 1.5),
    y.shape,
  );
}

function expectClose(actual: readonly Outcome[], expected: readonly Outcome[], magnitude: number): void {
  expect(actual.map(({ shape, dtype }) => ({ shape, dtype }))).toEqual(
    expected.map(({ shape, dtype }) => ({ shape, dtype })),
  );
  expected.forEach(({ values }, index) => {
    const allowed = TOLERANCE * values.reduce((most, value) => Math.max(most, Math.abs(value)), magnitude);
    values.forEach((value, at) => {
      const difference = Math.abs(actual[index].values[at] - value);
      if (!(difference <= allowed) && !Object.is(actual[index].values[at], value)) {
        expect.fail(`result ${index} at ${at}: expected ${value} but received ${actual[index].values[at]}`);
      }
    });
  });
}

/** A shape of some rank, with extents of one and, where `empty` is legal, of zero among the rest. */
export function shapes(
  minimumRank: number,
  maximumRank: number,
  { empty = false } = {},
): fc.Arbitrary<number[]> {
  return fc.array(fc.integer({ min: empty ? 0 : 1, max: 5 }), {
    minLength: minimumRank,
    maxLength: maximumRank,
  });
}

/** A float32 tensor; half of the values are multiples of ½, on the kinks and ties of functions. */
export function floats(shape: number[], minimum = -4, maximum = 8): fc.Arbitrary<Given> {
  const anywhere = fc.double({ min: minimum, max: maximum, noNaN: true });
  const onGrid = fc
    .integer({ min: Math.ceil(minimum * 2), max: Math.floor(maximum * 2) })
    .map((half) => half / 2);
  return filled(shape, 'float32', fc.oneof(anywhere, onGrid).map(Math.fround));
}

export function integers(shape: number[], minimum: number, maximum: number): fc.Arbitrary<Given> {
  return filled(shape, 'int32', fc.integer({ min: minimum, max: maximum }));
}

export function booleans(shape: number[]): fc.Arbitrary<Given> {
  return filled(shape, 'bool', fc.integer({ min: 0, max: 1 }));
}

function filled(shape: number[], dtype: Given['dtype'], value: fc.Arbitrary<number>): fc.Arbitrary<Given> {
  const size = tf.util.sizeFromShape(shape);
  return fc
    .array(value, { minLength: size, maxLength: size, size: 'max' })
    .map((values) => ({ shape, values, dtype }));
}

/** Checks a property often enough to meet the edge shapes, seldom enough for the JavaScript backend. */
export async function check<T>(
  arbitrary: fc.Arbitrary<T>,
  property: (value: T) => Promise<void>,
): Promise<void> {
  await fc.assert(fc.asyncProperty(arbitrary, property), { numRuns: 25 });
}
