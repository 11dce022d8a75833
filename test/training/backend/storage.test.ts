/** What the torch backend keeps in memory, what it refuses, and which backend is chosen. */
import * as tf from '@tensorflow/tfjs-core';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { useBackend } from '../../../src/training/backend/backend.ts';
import { adamWStep, batchNormTraining, fakeQuantise } from '../../../src/training/backend/operators.ts';
import { torchAddon } from '../../../src/training/backend/torch/addon.ts';
import { TORCH_KERNELS } from '../../../src/training/backend/torch/register.ts';
import { describeTorch } from './differential.ts';

describeTorch('the torch backend', () => {
  beforeEach(async () => {
    await useBackend('torch');
    tf.engine().startScope();
  });
  afterEach(() => tf.engine().endScope());

  test('gives back float32, int32 and bool as they were written', async () => {
    expect(await tf.tensor1d([0.1, -2]).data()).toEqual(Float32Array.of(0.1, -2));
    expect(await tf.tensor1d([3, -2], 'int32').data()).toEqual(Int32Array.of(3, -2));
    expect(await tf.tensor1d([true, false], 'bool').data()).toEqual(Uint8Array.of(1, 0));
    expect(await tf.zeros([0, 3]).data()).toEqual(new Float32Array());
  });

  test('takes over tensors of another backend', async () => {
    await useBackend('cpu');
    const x = tf.tensor2d([[1, 2, 3]]);
    await useBackend('torch');
    expect(Array.from(tf.add(x, x).dataSync())).toEqual([2, 4, 6]);
  });

  test('frees a tensor when its last owner is disposed', () => {
    const before = torchAddon().count();
    const x = tf.tensor1d([1, 2, 3]);
    const clone = tf.clone(x);
    expect(torchAddon().count()).toBe(before + 1);
    x.dispose();
    expect(Array.from(clone.dataSync())).toEqual([1, 2, 3]);
    clone.dispose();
    expect(torchAddon().count()).toBe(before);
  });

  test('a reshaped tensor outlives the one that it was made of', () => {
    const x = tf.tensor1d([1, 2, 3, 4]);
    const square = tf.reshape(x, [2, 2]);
    x.dispose();
    expect(Array.from(square.dataSync())).toEqual([1, 2, 3, 4]);
  });

  test('holds no more tensors and no more memory after a thousand training steps', () => {
    const step = trainingStep();
    for (let i = 1; i <= 200; i++) step(i);
    const tensors = tf.memory().numTensors;
    const native = torchAddon().count();
    const resident = process.memoryUsage.rss();
    for (let i = 201; i <= 1200; i++) step(i);
    expect(tf.memory().numTensors).toBe(tensors);
    expect(torchAddon().count()).toBe(native);
    // One feature map of each step kept would be 128 MB.
    expect(process.memoryUsage.rss() - resident).toBeLessThan(24 * 2 ** 20);
  });

  test('a kernel that it lacks is refused by name', () => {
    expect('Dilation2D' in TORCH_KERNELS).toBe(false);
    const call = () =>
      tf.dilation2d(tf.zeros<tf.Rank.R4>([1, 4, 4, 1]), tf.zeros<tf.Rank.R3>([2, 2, 1]), 1, 'valid');
    expect(call).toThrow(
      expect.objectContaining({ code: 'KERNEL_UNSUPPORTED', message: expect.stringContaining('Dilation2D') }),
    );
  });

  test("ATen's refusals come with the kernel and the shapes, without its stack trace", () => {
    const call = () => tf.engine().runKernel('Add', { a: tf.zeros([2]), b: tf.zeros([3]) });
    expect(call).toThrow(
      expect.objectContaining({
        code: 'TORCH_KERNEL',
        message: expect.stringMatching(/^Add: .*size/),
        details: expect.objectContaining({ node: 'Add', received: 'float32[2], float32[3]' }),
      }),
    );
    expect(call).not.toThrow(/frame #|Exception raised from/);
  });

  test('text and complex numbers are refused', () => {
    expect(() => tf.tensor1d(['a', 'b'])).toThrow(expect.objectContaining({ code: 'TORCH_TYPE' }));
  });

  test('channels first are refused', () => {
    const call = () =>
      tf.conv2d(tf.zeros<tf.Rank.R4>([1, 2, 4, 4]), tf.zeros<tf.Rank.R4>([1, 1, 2, 3]), 1, 'valid', 'NCHW');
    expect(call).toThrow(expect.objectContaining({ code: 'TORCH_LAYOUT' }));
  });

  test('the binding refuses numbers that stand for nothing', () => {
    const addon = torchAddon();
    const refusal = expect.objectContaining({ code: 'TORCH_KERNEL' });
    const add = addon.kernels().indexOf('Add');
    expect(() => addon.release(4_000_000)).toThrow(refusal);
    expect(() => addon.read(-1)).toThrow(refusal);
    expect(() => addon.run(add, [4_000_000, 0], [])).toThrow(refusal);
    expect(() => addon.run(add, [], [])).toThrow(refusal);
    expect(() => addon.run(100_000, [], [])).toThrow(refusal);
    expect(() => addon.run(addon.kernels().indexOf('Fill'), [], [6, 1, 2, 3])).toThrow(refusal);
    expect(() => addon.write(new Float32Array(3), [2, 2])).toThrow(refusal);
    expect(() => addon.setThreads(0)).toThrow(refusal);
  });

  test('runs on as many threads as it is told', async () => {
    const usual = torchAddon().threads();
    await useBackend('torch', { threads: 1 });
    expect(torchAddon().threads()).toBe(1);
    await useBackend('torch', { threads: usual });
  });
});

describe('useBackend', () => {
  test('takes a backend that works when none is asked for', async () => {
    expect(['torch', 'tfjs-node', 'cpu']).toContain(await useBackend());
  });

  test('says what to type when the one asked for is missing', async () => {
    const installed = await import('node:module').then(({ createRequire }) => {
      try {
        return createRequire(import.meta.url).resolve('@tensorflow/tfjs-node') !== '';
      } catch {
        return false;
      }
    });
    if (installed) return;
    await expect(useBackend('tfjs-node')).rejects.toMatchObject({
      code: 'BACKEND_MISSING',
      details: { remedy: expect.stringContaining('npm install') },
    });
  });
});

/** A small network with everything that training uses: convolution, batch norm, fake quantisation, pool, AdamW. */
function trainingStep(): (step: number) => void {
  const variable = (shape: number[]) => tf.variable(tf.randomNormal(shape, 0, 0.1, 'float32', 1));
  const filter = variable([3, 3, 3, 16]);
  const gamma = tf.variable(tf.ones([16]));
  const beta = tf.variable(tf.zeros([16]));
  const dense = variable([8 * 8 * 16, 7]);
  const variables = [filter, gamma, beta, dense];
  const zeros = ({ shape }: tf.Variable) => tf.variable(tf.zeros(shape));
  const slots = variables.map((parameter) => ({
    parameter,
    firstMoment: zeros(parameter),
    secondMoment: zeros(parameter),
    average: zeros(parameter),
    weightDecay: 0.01,
  }));
  const x = tf.randomUniform<tf.Rank.R4>([8, 16, 16, 3], 0, 1, 'float32', 2);
  const labels = tf.oneHot(tf.tensor1d([0, 1, 2, 3, 4, 5, 6, 0], 'int32'), 7);
  const loss = () => {
    const weights = fakeQuantise(filter, 0.01, 0, -127, 127) as tf.Tensor4D;
    const { y } = batchNormTraining(tf.conv2d(x, weights, 1, 'same'), gamma, beta, 1e-3);
    const pooled = tf.avgPool(tf.relu6(y) as tf.Tensor4D, 2, 2, 'valid');
    const logits = tf.matMul(tf.reshape(pooled, [8, -1]), dense);
    return tf.losses.softmaxCrossEntropy(labels, logits) as tf.Scalar;
  };
  return (step) =>
    tf.tidy(() => {
      const { grads } = tf.variableGrads(loss, variables);
      const settings = {
        step,
        learningRate: 1e-3,
        beta1: 0.9,
        beta2: 0.999,
        epsilon: 1e-8,
        averageDecay: 0.99,
      };
      adamWStep(
        slots,
        variables.map(({ name }) => grads[name]),
        settings,
      );
    });
}
