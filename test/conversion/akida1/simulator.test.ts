/** The vendor's simulator (akida 2.19.3) computes what the interpreter does: every value of every layer, every potential. */
import { beforeAll, describe, expect, it } from 'vitest';
import { defaultCache } from '../../../src/cli/shared/options.ts';
import { answersOfAkida1, compileForAkida1, PROGRAM_FILES } from '../../../src/conversion/akida1/compile.ts';
import { layersFor, networkOf } from '../../../src/conversion/akida1/network.ts';
import { programOf } from '../../../src/conversion/akida1/program.ts';
import { AKIDA1_DEVICES, type Akida1Device } from '../../../src/model/bundle/akida-programs-section.ts';
import { readBundle } from '../../../src/model/bundle/read.ts';
import type { IntegerGraph } from '../../../src/model/graph.ts';
import { interpret } from '../../../src/model/interpreter/interpreter.ts';
import { QANA_AKD1000 } from '../../../src/model/networks/qana-akd1000.ts';
import { modelFile } from '../../../src/runtime/engine/shipped-models.ts';
import { randomAkida1 } from '../../support/akida1.ts';
import { trialImages } from '../../support/akida1-images.ts';
import {
  bordered,
  changedAt,
  higher,
  inRows,
  type LayerChange,
  turned,
  wider,
} from '../../support/akida1-mutants.ts';
import { differencesOf, pythonOrNull } from '../../support/akida1-simulator.ts';

const python = await pythonOrNull(defaultCache());
const simulator = python ?? 'none';

const sum = (differences: Readonly<Record<string, number>>) =>
  Object.values(differences).reduce((a, b) => a + b, 0);

describe.skipIf(python === null)(
  'a small network of the kind (needs Python 3.10-3.12 and its packages)',
  () => {
    let graph: IntegerGraph;
    let images: Uint8Array[];
    beforeAll(async () => {
      ({ graph } = await randomAkida1());
      images = trialImages(graph, 250);
    });

    it('differs from the simulator nowhere', async () => {
      expect(await differencesOf(graph, images, simulator)).toEqual({
        'input.convolution': 0,
        'block1.convolution': 0,
        'block2.convolution': 0,
        head: 0,
      });
    });

    it.each([2, 3, 4])('nor with other weights (seed %i)', async (seed) => {
      const other = (await randomAkida1(undefined, { seed })).graph;
      expect(sum(await differencesOf(other, images, simulator))).toBe(0);
    });

    it('nor on an odd map, whose border lies on both sides', async () => {
      const odd = (await randomAkida1({ inputSize: 18, widths: [6, 7], classes: 2 })).graph;
      expect(odd.nodes[1].output.shape[0]).toBe(5);
      expect(sum(await differencesOf(odd, trialImages(odd, 10), simulator))).toBe(0);
    });

    describe('a network that is wrong in one thing is found out, from that layer on', () => {
      const changed = (at: number, change: LayerChange) =>
        differencesOf(graph, images, simulator, (layers) => changedAt(layers, at, change));

      it('the first kernel turned', async () => {
        expect((await changed(0, turned))['input.convolution']).toBeGreaterThan(0);
      });

      it.each([
        [1, 'block1.convolution'],
        [2, 'block2.convolution'],
      ])('inner kernel %i not turned', async (at, name) => {
        const differences = await changed(at, turned);
        expect(differences[name]).toBeGreaterThan(0);
        expect(differences['input.convolution']).toBe(0);
      });

      it('the head’s inputs in the order of the integer graph', async () => {
        const differences = await changed(3, inRows);
        expect(differences.head).toBeGreaterThan(0);
        expect(differences['block2.convolution']).toBe(0);
      });

      it.each([0, 1, 2])('thresholds one higher in layer %i', async (at) => {
        expect(sum(await changed(at, higher))).toBeGreaterThan(0);
      });

      it.each([1, 2])('steps a potential wider in layer %i', async (at) => {
        expect(sum(await changed(at, wider))).toBeGreaterThan(0);
      });

      it('a border of another value around the image', async () => {
        const differences = await changed(0, bordered);
        expect(differences['input.convolution']).toBeGreaterThan(0);
      });
    });
  },
);

describe.skipIf(python === null)(
  'its backbone as it is compiled (needs Python 3.10-3.12 and its packages)',
  () => {
    let graph: IntegerGraph;
    let images: Uint8Array[];
    let expected: readonly number[];
    beforeAll(async () => {
      ({ graph } = await randomAkida1());
      images = trialImages(graph, 100);
      expected = images.flatMap((image) => [...interpret(graph, image).embedding]);
    });

    /** Values of the embedding in which it differs from the interpreter. */
    async function differing(
      device: Akida1Device,
      at = 0,
      change: LayerChange = () => ({}),
    ): Promise<number> {
      const layers = layersFor('backbone', networkOf(graph, programOf(graph)));
      const { files } = await compileForAkida1(changedAt(layers, at, change), device, simulator);
      const model = files.get(PROGRAM_FILES.model) ?? new Uint8Array(0);
      const answers = await answersOfAkida1(model, images, simulator);
      expect(answers).toHaveLength(expected.length);
      return answers.filter((value, i) => value !== expected[i]).length;
    }

    it.each(AKIDA1_DEVICES)('gives the interpreter’s embedding on an %s', async (device) => {
      expect(await differing(device)).toBe(0);
    });

    it.each([
      ['the first kernel turned', 0, turned],
      ['an inner kernel not turned', 1, turned],
      ['the last kernel not turned', 2, turned],
      ['thresholds one higher in an inner layer', 1, higher],
      ['thresholds one higher in the last', 2, higher],
      ['steps a potential wider', 1, wider],
      ['a border of another value around the image', 0, bordered],
    ])('is found out with %s', async (_, at, change) => {
      expect(await differing('akd1000', at, change)).toBeGreaterThan(0);
    });
  },
);

describe.skipIf(python === null)('qana-akd1000 whole (needs Python 3.10-3.12 and its packages)', () => {
  it('differs from the simulator nowhere', async () => {
    const { graph } = await randomAkida1(QANA_AKD1000);
    const differences = await differencesOf(graph, trialImages(graph, 2), simulator);
    expect(Object.keys(differences)).toHaveLength(QANA_AKD1000.widths.length + 1);
    expect(sum(differences)).toBe(0);
  }, 300_000);

  it('nor does the bundle that ships, on its golden inputs and others', async () => {
    const { graph, golden } = await readBundle(modelFile('qana-akd1000'));
    const images = [...golden.map(({ input }) => input), ...trialImages(graph, 4)];
    expect(sum(await differencesOf(graph, images, simulator))).toBe(0);
  }, 300_000);
});
