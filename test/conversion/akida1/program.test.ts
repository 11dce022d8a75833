/** A conversion for Akida 1.0: every channel exact, written down in the manifest, or refused by its name. */
import { beforeAll, describe, expect, it } from 'vitest';
import { firstDifference } from '../../../src/conversion/akida1/activation.ts';
import { channelOf, chipLayersOf } from '../../../src/conversion/akida1/layers.ts';
import { fittingActivation, programOf } from '../../../src/conversion/akida1/program.ts';
import { tunedForAkida1 } from '../../../src/conversion/akida1/tune.ts';
import { RefusedError } from '../../../src/errors.ts';
import type { ModelContents } from '../../../src/model/bundle/bundle.ts';
import { TRIAGE_FORMAT } from '../../../src/model/bundle/container.ts';
import { parseBundle } from '../../../src/model/bundle/read.ts';
import { bundleBytes } from '../../../src/model/bundle/write.ts';
import type { ConvolutionNode, IntegerGraph } from '../../../src/model/graph.ts';
import { factorOf } from '../../../src/model/requantise.ts';
import { randomAkida1 } from '../../support/akida1.ts';
import { wholeBundle } from '../../support/whole-bundle.ts';

let plain: ModelContents;
let tuned: ModelContents;
beforeAll(async () => {
  plain = await randomAkida1(undefined, { target: 'cpu' });
  tuned = await randomAkida1();
});

const convolutionsOf = ({ nodes }: IntegerGraph) =>
  nodes.filter((node): node is ConvolutionNode => node.op === 'convolution');

function changed(graph: IntegerGraph, change: (node: ConvolutionNode) => ConvolutionNode): IntegerGraph {
  const [, second] = convolutionsOf(graph);
  return { ...graph, nodes: graph.nodes.map((node) => (node === second ? change(second) : node)) };
}

function refusalOf(work: () => unknown): RefusedError {
  try {
    work();
  } catch (error) {
    if (error instanceof RefusedError) return error;
    throw error;
  }
  throw new Error('It was not refused');
}

describe('tuning for Akida 1.0', () => {
  it('moves each factor by six per cent at most, the weight scale with it, and nothing else', () => {
    const [before, after] = [plain, tuned].map(({ graph }) => convolutionsOf(graph));
    after.forEach((node, i) => {
      expect(node.weights).toEqual(before[i].weights);
      expect(node.bias).toEqual(before[i].bias);
      node.bias.forEach((_, c) => {
        const form = ({ requantisation: { multiplier, shift } }: ConvolutionNode) =>
          factorOf({ multiplier: multiplier[c], shift: shift[c] });
        const change = form(node) / form(before[i]);
        expect(Math.abs(change - 1)).toBeLessThanOrEqual(1 / 16);
        expect(node.weightScales[c] / before[i].weightScales[c]).toBeCloseTo(change, 12);
      });
    });
  });

  it('leaves alone what is exact already', () => {
    expect(tunedForAkida1(tuned.graph)).toEqual(tuned.graph);
  });

  it('is not asked for by other targets', () => {
    expect(plain.manifest.akida1).toBeUndefined();
    expect(convolutionsOf(plain.graph).map(({ requantisation }) => requantisation)).not.toEqual(
      convolutionsOf(tuned.graph).map(({ requantisation }) => requantisation),
    );
  });
});

describe('the manifest of a bundle for Akida 1.0', () => {
  it('lists a threshold and a step for every channel, which answer as the graph does', () => {
    const section = tuned.manifest.akida1;
    chipLayersOf(tuned.graph).forEach((layer, i) => {
      const { name, thresholds, steps } = section?.layers[i] ?? { thresholds: [], steps: [] };
      expect(name).toBe(layer.node.name);
      layer.node.bias.forEach((_, c) => {
        const activation = { threshold: thresholds[c], step: steps[c] };
        expect(firstDifference(channelOf(layer, c), activation)).toBeNull();
      });
    });
  });

  it('lists the head’s shifts, the negated biases', () => {
    expect(Array.from(tuned.manifest.akida1?.shifts ?? [])).toEqual(
      Array.from(tuned.graph.head.bias, (bias) => 0 - bias),
    );
  });

  it('goes through a file, of the format that first had it', () => {
    const bytes = bundleBytes(tuned);
    expect(Buffer.from(bytes).readUInt32LE(8)).toBe(TRIAGE_FORMAT);
    expect(parseBundle(bytes, 'bundle').manifest.akida1).toEqual(tuned.manifest.akida1);
  });

  it('is refused where it does not fit the graph', () => {
    const { akida1 } = tuned.manifest;
    if (akida1 === undefined) throw new Error('No section');
    const forge = (section: typeof akida1) =>
      bundleBytes({ ...tuned, manifest: { ...tuned.manifest, akida1: section } });
    for (const section of [
      { ...akida1, shifts: akida1.shifts.slice(1) },
      { ...akida1, layers: akida1.layers.map((layer) => ({ ...layer, steps: layer.steps.slice(1) })) },
      { ...akida1, layers: akida1.layers.map((layer) => ({ ...layer, name: 'elsewhere' })) },
    ]) {
      const refusal = refusalOf(() => wholeBundle(forge(section), 'bundle'));
      expect(refusal.details.field).toBe('manifest.akida1');
    }
  });
});

describe('what the chip cannot compute is refused by the name of its channel', () => {
  it('a factor of another rounding, where nothing may be tuned', () => {
    const refusal = refusalOf(() => programOf(plain.graph));
    expect(refusal).toMatchObject({ code: 'AKIDA_REQUANTISATION' });
    expect(refusal.details.node).toMatch(/^input\.convolution, channel \d+$/);
    expect(refusal.details.remedy).toContain('--target akd1000');
  });

  it('an upper bound that no bits have', () => {
    const low = changed(tuned.graph, (node) => ({ ...node, clamp: { minimum: 0, maximum: 9 } }));
    const refusal = refusalOf(() => tunedForAkida1(low));
    expect(refusal.details.node).toMatch(/^block1\.convolution, channel 0$/);
    expect(refusal.details.received).toContain('ends at 9');
  });

  it('potentials of more than twenty bits, behind the layer that reads the image', () => {
    const [first, second] = chipLayersOf(tuned.graph);
    const channel = {
      ...{ multiplier: 1024, shift: 10, offset: 0, maximum: 15 },
      reach: { least: -600_000, most: 600_000 },
    };
    expect(fittingActivation(first, channel)).not.toBeNull();
    expect(fittingActivation(second, channel)).toBeNull();
    const narrow = { ...channel, reach: { least: -500_000, most: 500_000 } };
    expect(fittingActivation(second, narrow)).not.toBeNull();
  });
});
