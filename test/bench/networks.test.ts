import { describe, expect, it } from 'vitest';
import { measureLayers } from '../../src/bench/layers.ts';
import { measureLimits } from '../../src/bench/limits.ts';
import { buildNetwork, NETWORK_NAMES } from '../../src/bench/networks/networks.ts';
import { onnxruntimePeer } from '../../src/bench/peers/onnxruntime.ts';
import { tfjsWasmPeer } from '../../src/bench/peers/tfjs-wasm.ts';
import { networksOption } from '../../src/cli/bench/races.ts';
import { exportQdq } from '../../src/conversion/export/qdq.ts';
import { multiplyAddsOf } from '../../src/model/cost.ts';
import { createCpuEngine } from '../../src/runtime/engine/cpu.ts';
import { loadsOf } from '../support/modules.ts';
import { Random } from '../support/random.ts';

const SIDE = 32;
const hasOnnxruntime = await loadsOf('onnxruntime-node');
const hasTfjs = await loadsOf('@tensorflow/tfjs-backend-wasm');

describe.each(NETWORK_NAMES)('%s with random weights', (name) => {
  const built = buildNetwork(name, SIDE);
  const images = new Random(3).bytes(2 * SIDE * SIDE * 3);

  /** Cosine of the angle between two lists of logits. */
  function agreement(a: ArrayLike<number>, b: ArrayLike<number>): number {
    const product = (x: ArrayLike<number>, y: ArrayLike<number>) =>
      Array.from(x).reduce((sum, value, i) => sum + value * y[i], 0);
    return product(a, b) / Math.sqrt(product(a, a) * product(b, b));
  }

  it.skipIf(!hasOnnxruntime || !hasTfjs)('computes the same under onnxruntime and under tfjs', async () => {
    const { onnx, float } = await built;
    const answers: Float32Array[] = [];
    for (const source of [onnxruntimePeer('float', onnx, SIDE), tfjsWasmPeer(float)]) {
      const peer = await source.open(1);
      answers.push(await peer.prepare(images, 2)());
      await peer.close();
    }
    expect(answers[0]).toHaveLength(14);
    expect(agreement(answers[1], answers[0])).toBeGreaterThan(1 - 1e-6);
  });

  it.skipIf(!hasOnnxruntime)('computes in the engine what onnxruntime makes of its integers', async () => {
    const { integer } = await built;
    const exact = { exactProducts: true };
    const peer = await onnxruntimePeer('int8', await exportQdq(integer), SIDE, exact).open(1);
    const engine = await createCpuEngine(integer);
    const { potentials } = await engine.infer(images, 2);
    const logits = Array.from(potentials, (potential) => potential * integer.head.scale);
    // onnxruntime rounds between operators in its own way, and in random weights the differences grow.
    expect(agreement(await peer.prepare(images, 2)(), logits)).toBeGreaterThan(0.9);
    await Promise.all([engine.close(), peer.close()]);
  });

  it('is measured layer by layer against the machine’s limits', async () => {
    const { integer } = await built;
    const limits = measureLimits();
    const [instructionSet] = Object.keys(limits.multiplyAddPeaks).slice(-1);
    const { layers, microseconds } = await measureLayers('it', integer, limits, {
      instructionSet,
      rounds: 3,
    });
    const sum = (values: readonly number[]) => values.reduce((total, value) => total + value, 0);
    expect(sum(layers.map(({ timeShare }) => timeShare))).toBeCloseTo(1);
    expect(sum(layers.map((layer) => layer.microseconds))).toBeCloseTo(microseconds);
    const weighted = integer.nodes.filter(({ op }) => op === 'convolution' || op === 'dense');
    expect(sum(layers.map(({ multiplyAdds }) => multiplyAdds))).toBe(
      sum(weighted.map(multiplyAddsOf)) + integer.head.weights.length,
    );
    for (const { peakShare, reason, intensity, bytes, multiplyAdds } of layers) {
      expect(intensity * bytes).toBeCloseTo(multiplyAdds);
      expect(peakShare === null).toBe(multiplyAdds === 0);
      expect(reason !== null).toBe(peakShare !== null && peakShare < 0.25);
    }
  });
});

describe('the option for networks', () => {
  it('names one or more, or all', () => {
    expect(networksOption(undefined)).toEqual([]);
    expect(networksOption(true)).toHaveLength(2 * NETWORK_NAMES.length);
    expect(networksOption('vgg@64, resnet-18@224')).toEqual([
      { network: 'vgg', side: 64 },
      { network: 'resnet-18', side: 224 },
    ]);
  });

  it.each(['vgg', 'vgg@', 'vgg@63', 'vgg@0', 'vgg@1024', 'lenet@64', ''])('refuses "%s"', (text) => {
    expect(() => networksOption(text)).toThrow(expect.objectContaining({ code: 'NETWORK', exitCode: 2 }));
  });
});
