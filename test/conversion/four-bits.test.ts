/** Four-bit weights and activations, for Akida 1.0: what is stored, what is checked, what is refused. */
import { beforeAll, describe, expect, it } from 'vitest';
import { convert } from '../../src/conversion/convert.ts';
import { prepareModel } from '../../src/conversion/prepare.ts';
import { EIGHT_BITS, FOUR_BITS, type Precision } from '../../src/conversion/quantise/precision.ts';
import type { Architecture } from '../../src/model/architecture/architecture.ts';
import { valueBits, weightBits } from '../../src/model/bits.ts';
import type { ModelContents } from '../../src/model/bundle/bundle.ts';
import { parseBundle } from '../../src/model/bundle/read.ts';
import { bundleBytes } from '../../src/model/bundle/write.ts';
import { checkpointBytes } from '../../src/model/checkpoint/file.ts';
import { INPUT_NAME } from '../../src/model/graph.ts';
import { interpret } from '../../src/model/interpreter/interpreter.ts';
import { qanaAkd1000 } from '../../src/model/networks/qana-akd1000.ts';
import { nativeAddon } from '../../src/native/addon.ts';
import { randomCheckpoint, tinyQana } from '../support/architectures.ts';
import { differenceOnAnySet } from '../support/differential.ts';
import { phantomInputs } from '../support/phantoms.ts';

async function converted(architecture: Architecture, precision: Precision): Promise<ModelContents> {
  const count = architecture.layers.find(({ name }) => name === architecture.output);
  const classes = Array.from({ length: count?.op === 'dense' ? count.units : 0 }, (_, i) => `class${i}`);
  const bytes = checkpointBytes({ ...randomCheckpoint(architecture), classes, quantisation: null });
  const prepared = await prepareModel(bytes, 'random.checkpoint');
  const images = phantomInputs(3, architecture.inputShape[0]);
  return convert(
    prepared,
    bytes,
    { images, sha256: '0'.repeat(64), refused: [] },
    { name: 'random', version: '1.0.0', sourceName: 'random.checkpoint', scheme: 'per-channel', precision },
  );
}

const SMALL = { inputSize: 32, widths: [8, 16, 24], classes: 3 };

describe('QANA for Akida 1.0 at its own size, of random weights', () => {
  let model: ModelContents;
  beforeAll(async () => {
    model = await converted(qanaAkd1000(), FOUR_BITS);
  });

  it('maps whole: every layer and the head lie on the chip, the softmax alone is the host’s', () => {
    expect(model.manifest.targets.akd1000).toEqual({ maps: true, unmapped: [] });
    expect(model.manifest.layers.map(({ placement }) => placement.akd1000)).toEqual(
      model.manifest.layers.map(() => 'chip'),
    );
    expect(model.manifest.layers[model.manifest.layers.length - 1].operator).toBe('head');
  });

  it('has eight-bit weights in the first layer and four bits everywhere else', () => {
    const { nodes, head } = model.graph;
    const layers = nodes.filter((node) => node.op === 'convolution');
    expect(layers.map(({ weights }) => weightBits(weights))).toEqual([8, 4, 4, 4, 4]);
    expect(layers.map(({ clamp }) => valueBits(clamp.maximum))).toEqual([4, 4, 4, 4, 4]);
    expect(weightBits(head.weights)).toBe(4);
  });

  it('stores no value above fifteen', () => {
    for (const image of phantomInputs(2, 64, 50)) {
      for (const [name, values] of interpret(model.graph, image).tensors) {
        if (name !== INPUT_NAME) expect(values.reduce((a, b) => Math.max(a, b), 0)).toBeLessThanOrEqual(15);
      }
    }
  });

  it('is a bundle like any other', () => {
    expect(parseBundle(bundleBytes(model), 'random').manifest.targets.akd1000.maps).toBe(true);
  });
});

describe('four bits', () => {
  it('run on the engine as in the interpreter, QANA with its gates included', async () => {
    const addon = nativeAddon();
    for (const architecture of [qanaAkd1000(SMALL), tinyQana()]) {
      const { graph } = await converted(architecture, FOUR_BITS);
      const images = phantomInputs(3, architecture.inputShape[0], 9);
      expect(await differenceOnAnySet(addon, graph, images)).toBeNull();
    }
  });

  it('keep a gate’s range 0…1 in sixteen steps', async () => {
    const { graph } = await converted(tinyQana(), FOUR_BITS);
    const tables = graph.nodes.filter((node) => node.op === 'table');
    expect(tables.length).toBeGreaterThan(0);
    for (const { output, table } of tables) {
      expect(output.quantisation).toEqual({ scale: 1 / 16, zeroPoint: 0 });
      expect(table.reduce((a, b) => Math.max(a, b), 0)).toBeLessThanOrEqual(15);
    }
  });
});

describe('what does not map is named', () => {
  const reasonsOf = async (architecture: Architecture, precision: Precision) =>
    (await converted(architecture, precision)).manifest.targets.akd1000.unmapped;

  it('eight-bit weights in every layer but the first, and in the head', async () => {
    const unmapped = await reasonsOf(qanaAkd1000(SMALL), { weights: 8, activations: 4 });
    expect(unmapped.map(({ node }) => node)).toEqual(['block1.convolution', 'block2.convolution', 'head']);
    for (const { reason } of unmapped) expect(reason).toMatch(/weights need 8 bits, at most 4/);
  });

  it('eight-bit activations in every layer', async () => {
    const unmapped = await reasonsOf(qanaAkd1000(SMALL), { weights: 4, activations: 8 });
    expect(unmapped.map(({ node }) => node)).toEqual([
      'input.convolution',
      'block1.convolution',
      'block2.convolution',
    ]);
    for (const { reason } of unmapped) expect(reason).toMatch(/activations need 8 bits, at most 4/);
  });

  it('both at once', async () => {
    const unmapped = await reasonsOf(qanaAkd1000(SMALL), EIGHT_BITS);
    expect(unmapped.find(({ node }) => node === 'block1.convolution')?.reason).toMatch(
      /weights.*activations/,
    );
  });

  it('gates, sums and depthwise layers of QANA itself, whatever its bits', async () => {
    const unmapped = await reasonsOf(tinyQana(), FOUR_BITS);
    const reasons = unmapped.map(({ reason }) => reason).join('; ');
    for (const word of ['multiply', 'add layer', 'depthwise', 'sigmoid']) expect(reasons).toContain(word);
  });

  it('more filters than the input layer has, and an image that is too wide', async () => {
    const many = await reasonsOf(qanaAkd1000({ ...SMALL, widths: [200, 8] }), FOUR_BITS);
    expect(many[0]).toMatchObject({ reason: expect.stringContaining('200 filters, at most 192') });
    const wide = await reasonsOf(
      qanaAkd1000({ inputSize: 260, widths: [1, 1, 1, 1], classes: 2 }),
      FOUR_BITS,
    );
    expect(wide[0]).toMatchObject({ reason: expect.stringContaining('260×260 is out of range') });
  });
});
