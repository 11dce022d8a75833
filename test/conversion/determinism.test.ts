import { createHash } from 'node:crypto';
import { beforeAll, describe, expect, it } from 'vitest';
import { prepareModel } from '../../src/conversion/prepare.ts';
import type { ModelContents } from '../../src/model/bundle/bundle.ts';
import { parseBundle } from '../../src/model/bundle/read.ts';
import { bundleBytes } from '../../src/model/bundle/write.ts';
import { replayGolden } from '../../src/runtime/engine/golden.ts';
import { createInterpreterEngine } from '../../src/runtime/engine/interpreter.ts';
import { convertOnnx, randomImages } from '../support/convert-onnx.ts';
import { OnnxSketch } from '../support/onnx-sketch.ts';

const SIDE = 8;
const images = randomImages(4, SIDE);
const SCHEMES = ['per-channel', 'per-tensor'] as const;

/** A block of QANA in small: ghost module, residual, attention mask, squeeze and excitation. */
async function qanaLike(seed = 1): Promise<Uint8Array> {
  const s = new OnnxSketch({ side: SIDE, seed });
  const around = { pads: [1, 1, 1, 1] };
  const first = s.conv(s.image, 3, 8, 1);
  const second = s.conv(s.conv(first, 8, 8, 3, { ...around, group: 8 }), 8, 8, 1);
  const ghost = s.relu6(s.batchNorm(s.draw('Concat', [first, second], { axis: 1 }), 16));
  const mask = s.draw('Sigmoid', [s.conv(s.conv(ghost, 16, 16, 3, { ...around, group: 16 }), 16, 16, 1)]);
  const gated = s.draw('Mul', [ghost, mask]);
  const sum = s.draw('Add', [gated, s.batchNorm(s.conv(s.image, 3, 16, 1), 16)]);
  const map = s.draw('AveragePool', [sum], { kernel_shape: [2, 2], strides: [2, 2] });
  const squeezed = s.draw('ReduceMean', [map], { axes: [2, 3], keepdims: 0 });
  const excited = s.draw('Sigmoid', [s.linear(s.draw('Relu', [s.linear(squeezed, 16, 4)]), 4, 16)]);
  const gate = s.draw('Reshape', [excited, s.integers(-1, 16, 1, 1)]);
  return s.output(s.classify(s.draw('Mul', [map, gate]), 16, 7), ['n', 7]).encode();
}

let model: Uint8Array;
beforeAll(async () => {
  model = await qanaLike();
});

const digestOf = (contents: ModelContents) =>
  createHash('sha256').update(bundleBytes(contents)).digest('hex');

describe('the same model and images', () => {
  it.each(SCHEMES)('give the same bytes, %s', async (scheme) => {
    const first = await convertOnnx(model, images, { scheme });
    const second = await convertOnnx(Uint8Array.from(model), structuredClone(images), { scheme });
    expect(digestOf(second)).toBe(digestOf(first));
  });

  it('give other bytes where the scheme, an image or a weight is another', async () => {
    const digests = [
      digestOf(await convertOnnx(model, images)),
      digestOf(await convertOnnx(model, images, { scheme: 'per-tensor' })),
      digestOf(await convertOnnx(model, images.slice(1))),
      digestOf(await convertOnnx(await qanaLike(2), images)),
    ];
    expect(new Set(digests).size).toBe(digests.length);
  });
});

describe.each(SCHEMES)('a bundle, %s', (scheme) => {
  let contents: ModelContents;
  beforeAll(async () => {
    contents = await convertOnnx(model, images, { scheme });
  });

  it('comes back from its bytes and replays its golden inputs', async () => {
    const bundle = parseBundle(bundleBytes(contents), 'sketch');
    expect(bundle.graph).toEqual(contents.graph);
    expect(bundle.golden.length).toBeGreaterThan(0);
    const engine = await createInterpreterEngine(bundle.graph);
    await replayGolden(bundle, engine);
    await engine.close();
  });

  it('needs no float anywhere, and accounts for every ONNX node', async () => {
    const { manifest } = contents;
    expect(manifest.conversionSuccessRate).toBe(1);
    expect(manifest.nodesNeedingDequantisation).toEqual([]);
    const { imported } = await prepareModel(model, 'sketch.onnx');
    const computing = new Set(imported.graph.nodes.flatMap(({ sources }) => sources));
    const accounted = new Set(manifest.layers.flatMap(({ sources }) => sources));
    expect([...computing].filter((name) => !accounted.has(name))).toEqual([]);
  });

  it('lists for each chip what would stay on the host, and why', () => {
    const { targets, layers } = contents.manifest;
    expect(targets.cpu).toEqual({ maps: true, unmapped: [] });
    const operatorOf = new Map(layers.map(({ name, operator }) => [name, operator]));
    const reasons = (target: 'akd1000' | 'akida2', operator: string) =>
      targets[target].unmapped
        .filter(({ node }) => operatorOf.get(node) === operator)
        .map(({ reason }) => reason);
    const count = (operator: string) => layers.filter((layer) => layer.operator === operator).length;

    expect(targets.akd1000.maps).toBe(false);
    expect(targets.akida2.maps).toBe(false);
    expect(count('multiply')).toBe(2);
    for (const target of ['akd1000', 'akida2'] as const) {
      expect(reasons(target, 'multiply')).toHaveLength(2);
      expect(reasons(target, 'multiply').join()).toContain('no element-wise multiply');
    }
    expect(reasons('akd1000', 'add')).toHaveLength(count('add'));
    expect(reasons('akd1000', 'table')).toHaveLength(2);
    expect(reasons('akd1000', 'table').join()).toContain('no sigmoid');
    expect(reasons('akida2', 'add')).toEqual([]);
    expect(reasons('akida2', 'table')).toEqual([]);
  });

  it('places every layer where its target report says', () => {
    const { targets, layers } = contents.manifest;
    for (const { name, placement } of layers) {
      expect(placement.cpu).toBe('cpu');
      for (const target of ['akd1000', 'akida2'] as const) {
        const isUnmapped = targets[target].unmapped.some(({ node }) => node === name);
        expect(placement[target]).toBe(isUnmapped ? 'host' : 'chip');
      }
    }
  });
});
