import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, it } from 'vitest';
import { composeAndFold } from '../../../src/conversion/compose/choose.ts';
import { floatGraphOf } from '../../../src/conversion/float/architecture.ts';
import { evaluate } from '../../../src/conversion/float/evaluate.ts';
import type { Architecture } from '../../../src/model/architecture/architecture.ts';
import type { Arrays } from '../../../src/model/checkpoint/format.ts';
import { qanaAkd1000 } from '../../../src/model/networks/qana-akd1000.ts';
import { useBackend } from '../../../src/training/backend/backend.ts';
import { logitsOf } from '../../../src/training/network/execute.ts';
import { architectureOf } from '../../../src/training/network/folded.ts';
import { tensorOf } from '../../../src/training/network/tensors.ts';
import { randomArrays, tinyQana } from '../../support/architectures.ts';
import { Random } from '../../support/random.ts';

beforeAll(() => useBackend('cpu'));

const NETWORKS: [string, Architecture][] = [
  ['QANA', tinyQana()],
  ['QANA with dropout, which inference leaves out', tinyQana({ dropout: 0.3, headDropout: 0.5 })],
  ['QANA without ghost modules', tinyQana({ ghost: false })],
  ['QANA without attention', tinyQana({ spatialAttention: false })],
  ['QANA without squeeze-and-excite', tinyQana({ squeezeExcite: false })],
  ['QANA for Akida 1.0', qanaAkd1000({ inputSize: 18, widths: [4, 6, 8], classes: 2 })],
];

function image({ inputShape }: Architecture): Float32Array {
  const random = new Random(5);
  return Float32Array.from({ length: inputShape[0] * inputShape[1] * 3 }, () => random.next());
}

function logitsByTfjs(architecture: Architecture, arrays: Arrays, pixels: Float32Array): number[] {
  return tf.tidy(() => {
    const tensors = new Map(Array.from(arrays, ([name, array]) => [name, tensorOf(array)]));
    const array = (name: string) => {
      const tensor = tensors.get(name);
      if (tensor === undefined) throw new Error(name);
      return tensor;
    };
    const images = tf.tensor(pixels, [1, ...architecture.inputShape]);
    return Array.from(logitsOf({ architecture, array, training: null, quantiser: null }, images).dataSync());
  });
}

function expectClose(actual: ArrayLike<number>, expected: ArrayLike<number>): void {
  const size = Math.max(...Array.from(expected, Math.abs));
  Array.from(expected).forEach((value, i) => {
    expect(Math.abs(actual[i] - value)).toBeLessThan(1e-4 * size);
  });
}

describe.each(NETWORKS)('%s', (_, architecture) => {
  const arrays = randomArrays(architecture);
  const pixels = image(architecture);
  const graph = floatGraphOf(architecture, arrays);

  it('gives in inference what its float graph gives in double precision', () => {
    expectClose(logitsByTfjs(architecture, arrays, pixels), evaluate(graph, pixels));
  });

  it('gives the same once folded and written as an architecture again', () => {
    const folded = composeAndFold(graph, 'auto');
    const again = architectureOf(folded, architecture.name);
    expectClose(logitsByTfjs(again.architecture, again.parameters, pixels), evaluate(graph, pixels));
  });

  it('has the folded graph’s nodes again after that', () => {
    const folded = composeAndFold(graph, 'auto');
    const again = architectureOf(folded, architecture.name);
    const graphAgain = floatGraphOf(again.architecture, again.parameters);
    expect(graphAgain.nodes.map(({ name, op, shape }) => [name, op, shape])).toEqual(
      folded.nodes.map(({ name, op, shape }) => [name, op, shape]),
    );
    expectClose(evaluate(graphAgain, pixels), evaluate(folded, pixels));
  });
});

describe('a smaller image than the network’s', () => {
  it('reaches the head by stretching the last map', () => {
    const architecture = tinyQana();
    const arrays = randomArrays(architecture);
    const pixels = image({ ...architecture, inputShape: [8, 8, 3] });
    const small: Architecture = { ...architecture, inputShape: [8, 8, 3] };
    tf.tidy(() => {
      const array = (name: string) =>
        tensorOf(arrays.get(name) ?? { shape: [1], values: Float32Array.of(0) });
      const images = tf.tensor(pixels, [1, ...small.inputShape]);
      const logits = logitsOf({ architecture, array, training: null, quantiser: null }, images);
      expect(logits.shape).toEqual([1, 2]);
    });
  });
});
