/**
 * The very models that are compiled for a card, in the vendor's simulator, on many images: potentials and embedding are
 * those of the bundle that ships.
 */
import { existsSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { defaultCache } from '../../../src/cli/shared/options.ts';
import { answersOfAkida1, PROGRAM_FILES } from '../../../src/conversion/akida1/compile.ts';
import {
  type CompiledPrograms,
  compilePrograms,
  withPrograms,
} from '../../../src/conversion/akida1/programs.ts';
import { loadImages } from '../../../src/conversion/calibration/images.ts';
import { loadDataset, samplesOf } from '../../../src/dataset/dataset.ts';
import {
  AKIDA1_DEVICES,
  akidaProgramOf,
  type ProgramKind,
} from '../../../src/model/bundle/akida-programs-section.ts';
import type { ModelBundle, ModelContents } from '../../../src/model/bundle/bundle.ts';
import { readBundle } from '../../../src/model/bundle/read.ts';
import { embeddingShape } from '../../../src/model/embedding.ts';
import type { Inference } from '../../../src/model/inference.ts';
import { interpret } from '../../../src/model/interpreter/interpreter.ts';
import type { Engine } from '../../../src/runtime/engine/contract.ts';
import { createCpuEngine } from '../../../src/runtime/engine/cpu.ts';
import { modelFile } from '../../../src/runtime/engine/shipped-models.ts';
import { manyImages, trialImages } from '../../support/akida1-images.ts';
import { differencesOf, pythonOrNull, traced } from '../../support/akida1-simulator.ts';

const python = await pythonOrNull(defaultCache());
const simulator = python ?? 'none';
const dataset = path.join(process.env.SPIKESCOPE_DATA ?? '../shared', 'ham10000');

/** Milliseconds: the simulator takes a minute, and on a busy machine several. */
const PATIENCE = 900_000;

let bundle: ModelBundle;
let engine: Engine;
let compiled: CompiledPrograms;
let images: Uint8Array[];

beforeAll(async () => {
  if (python === null) return;
  bundle = await readBundle(modelFile('qana-akd1000'));
  engine = await createCpuEngine(bundle.graph);
  compiled = await compilePrograms(bundle.graph, 'akd1000', async () => simulator);
  images = [
    ...bundle.golden.map(({ input }) => input),
    ...trialImages(bundle.graph, 0),
    ...manyImages(bundle.graph, 1000),
  ];
}, PATIENCE);
afterAll(() => engine?.close());

/** What a compiled model answers, the chip's potentials brought to ours. */
async function answersOf(kind: ProgramKind, inputs: readonly Uint8Array[]): Promise<Int32Array> {
  const model = compiled.kinds.find((program) => program.kind === kind)?.files.get(PROGRAM_FILES.model);
  if (model === undefined) throw new Error(`No ${kind} was compiled`);
  const answers = await answersOfAkida1(model, inputs, simulator);
  if (kind === 'backbone') return answers;
  const { shifts } = compiled.activations;
  return answers.map((potential, i) => potential - shifts[i % shifts.length]);
}

const ours = (inputs: readonly Uint8Array[]): Promise<Inference> =>
  engine.infer(Buffer.concat(inputs), inputs.length);

/** Answers that differ; -1 where they are not even as many. */
const differing = (received: ArrayLike<number>, expected: ArrayLike<number>): number =>
  received.length === expected.length
    ? Array.from(received).filter((value, i) => value !== expected[i]).length
    : -1;

describe.skipIf(python === null)(
  'the programs of qana-akd1000 (need Python 3.10-3.12 and its packages)',
  { timeout: PATIENCE },
  () => {
    it.each(AKIDA1_DEVICES)('are in the bundle for an %s as the compiler makes them', async (device) => {
      const made = await compilePrograms(bundle.graph, device, async () => simulator);
      const bare: ModelContents = { ...bundle, akidaPrograms: undefined };
      const { akidaPrograms } = withPrograms(bare, device, made);
      for (const program of akidaPrograms?.programs ?? []) {
        expect(akidaProgramOf(bundle, device, program.kind)).toEqual(program);
      }
      expect(akidaPrograms?.programs).toHaveLength(2);
    });

    it('are judged by an engine that is the interpreter’s equal', async () => {
      const sample = [0, 1, 2, 3].map((i) => images[i * 300 + 5]);
      const { potentials, embeddings } = await ours(sample);
      const interpreted = sample.map((image) => interpret(bundle.graph, image));
      expect(
        differing(
          potentials,
          interpreted.flatMap((one) => [...one.potentials]),
        ),
      ).toBe(0);
      expect(
        differing(
          embeddings,
          interpreted.flatMap((one) => [...one.embedding]),
        ),
      ).toBe(0);
    });

    it('compute every value of every layer, on a thousand images of every kind', async () => {
      expect(images.length).toBeGreaterThan(1000);
      const { oracle, close } = traced(bundle.graph);
      const differences = await differencesOf(bundle.graph, images, simulator, undefined, oracle);
      await close();
      expect(Object.keys(differences)).toHaveLength(6);
      expect(new Set(Object.values(differences))).toEqual(new Set([0]));
    });

    it('answer with its potentials, and from the backbone with its embedding', async () => {
      const { potentials, embeddings } = await ours(images);
      expect(differing(await answersOf('whole', images), potentials)).toBe(0);
      expect(differing(await answersOf('backbone', images), embeddings)).toBe(0);
    });

    it('give an embedding in the order row, column, channel, and in no other', async () => {
      const few = images.slice(-8);
      const [received, { embeddings }] = [await answersOf('backbone', few), await ours(few)];
      const [height, width, channels] = embeddingShape(bundle.graph);
      const each = height * width * channels;
      const inOrder = (place: (y: number, x: number, c: number) => number) =>
        received.map((_, i) => {
          const [image, value] = [Math.floor(i / each), i % each];
          const pixel = Math.floor(value / channels);
          return received[image * each + place(Math.floor(pixel / width), pixel % width, value % channels)];
        });
      expect(
        differing(
          inOrder((y, x, c) => (y * width + x) * channels + c),
          embeddings,
        ),
      ).toBe(0);
      expect(
        differing(
          inOrder((y, x, c) => (x * height + y) * channels + c),
          embeddings,
        ),
      ).toBeGreaterThan(0);
      // As the dense layer's weights count them.
      expect(
        differing(
          inOrder((y, x, c) => (c * width + x) * height + y),
          embeddings,
        ),
      ).toBeGreaterThan(0);
    });

    it.skipIf(!existsSync(dataset))(
      'answer with its potentials, and from the backbone with its embedding, on every test image of the lesion split (needs the data set)',
      async () => {
        const samples = samplesOf(await loadDataset(dataset, bundle.graph.classes), 'test');
        const files = samples.map(({ file }) => file);
        const { images: lesions, refused } = await loadImages(files, bundle.graph.input.shape);
        expect([lesions.length, refused.length]).toEqual([2020, 0]);
        const { potentials, embeddings } = await ours(lesions);
        expect(differing(await answersOf('whole', lesions), potentials)).toBe(0);
        expect(differing(await answersOf('backbone', lesions), embeddings)).toBe(0);
      },
    );
  },
);
