import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Frame, Square } from '../../../src/frame.ts';
import type { ModelBundle } from '../../../src/model/bundle/bundle.ts';
import { parseBundle } from '../../../src/model/bundle/read.ts';
import { bundleBytes } from '../../../src/model/bundle/write.ts';
import { interpret } from '../../../src/model/interpreter/interpreter.ts';
import { salientSquare } from '../../../src/preprocess/crop.ts';
import { fieldOf, inputOf } from '../../../src/preprocess/field.ts';
import { DEFAULT_QUALITY } from '../../../src/preprocess/quality.ts';
import { areaResampleReference } from '../../../src/preprocess/resample-reference.ts';
import { saliencyMapper } from '../../../src/preprocess/saliency.ts';
import { centredSquare, tilesOf } from '../../../src/preprocess/square.ts';
import type { Engine } from '../../../src/runtime/engine/contract.ts';
import { createCpuEngine } from '../../../src/runtime/engine/cpu.ts';
import { createInterpreterEngine } from '../../../src/runtime/engine/interpreter.ts';
import { type ClassifierOptions, createClassifier } from '../../../src/runtime/inference/classifier.ts';
import type { LearnedHead } from '../../../src/runtime/inference/head.ts';
import { largestIndex, meanPotentials, softmax } from '../../../src/runtime/inference/readout.ts';
import { drawnLesion, imageOf } from '../../support/drawn-lesion.ts';
import { roundFieldOf } from '../../support/round-field.ts';
import { tinyModel, tinyTable, tinyTriage } from '../../support/tiny-model.ts';

const MODEL = tinyModel();
const CROP = { ...MODEL.preprocessing.crop, enabled: true, flatness: 0 };

/** The tiny model with a crop that moves, tiling that always triggers, and the real limits of the integrity check. */
const bundle: ModelBundle = parseBundle(
  bundleBytes({
    ...MODEL,
    preprocessing: { ...MODEL.preprocessing, crop: CROP, quality: DEFAULT_QUALITY },
    readout: { ...MODEL.readout, tiling: { enabled: true, tau: 1, overlap: 0.2 } },
  }),
  'tiny',
);
const frame = drawnLesion(400, 300, [0.3, 0.6]);

/** What the oracles compute for a square of the frame. */
function look(square: Square): { potentials: Int32Array; embedding: Uint8Array } {
  return interpret(bundle.graph, areaResampleReference(frame, square, bundle.preprocessing.width));
}

let engine: Engine;
beforeAll(async () => {
  engine = await createCpuEngine(bundle.graph);
});
afterAll(() => engine.close());

const read = async (image: Frame | string | Uint8Array, options: ClassifierOptions) =>
  (await createClassifier(bundle, engine, options).classify(image)).reading;

function expectedReading(square: Square, potentials: Int32Array, tiled: boolean) {
  const probabilities = softmax(bundle.readout.alpha, potentials);
  return {
    accepted: true,
    reasons: [],
    diagnosis: bundle.graph.classes[largestIndex(probabilities)],
    probabilities: { benign: probabilities[0], malign: probabilities[1] },
    potentials: { benign: potentials[0], malign: potentials[1] },
    tiled,
    crop: square,
    model: { name: 'tiny', version: '1.0.0', digest: bundle.digest },
    backend: 'cpu',
  };
}

describe('a classifier', () => {
  const centred = centredSquare(400, 300);

  it('without crop and tiling reads the centred square', async () => {
    const reading = await read(frame, { crop: false, tiling: false });
    expect(reading).toMatchObject(expectedReading(centred, look(centred).potentials, false));
  });

  it('with crop reads the square to which the first pass points', async () => {
    const first = look(centred);
    const map = saliencyMapper(bundle.graph)?.(first.embedding, largestIndex(first.potentials));
    if (map === undefined) throw new Error('the tiny model has places');
    const square = salientSquare(map, fieldOf(frame), CROP);
    expect(square).not.toEqual(centred);
    const reading = await read(frame, { crop: true, tiling: false });
    expect(reading).toMatchObject(expectedReading(square, look(square).potentials, false));
  });

  it.each([true, false])('reads a round field within its line, cropping: %s', async (crop) => {
    const round = roundFieldOf(drawnLesion(400, 400, [0.3, 0.6]), { width: 500, height: 400, diameter: 0.9 });
    const { square } = fieldOf(round);
    const input = inputOf(round, fieldOf(round), square, bundle.preprocessing.width);
    const reading = await read(round, { crop, tiling: false });
    expect(reading.accepted).toBe(true);
    if (!crop) {
      const { potentials } = interpret(bundle.graph, input);
      expect(reading).toMatchObject(expectedReading(square, potentials, false));
    }
    const { x, y, side } = reading.crop ?? { x: -1, y: -1, side: 0 };
    expect(x).toBeGreaterThanOrEqual(square.x);
    expect(y).toBeGreaterThanOrEqual(square.y);
    expect(x + side).toBeLessThanOrEqual(square.x + square.side);
    expect(y + side).toBeLessThanOrEqual(square.y + square.side);
  });

  it('when unsure averages the potentials of four tiles of that square', async () => {
    const tiles = tilesOf(centred, 0.2).map((tile) => [...look(tile).potentials]);
    const potentials = meanPotentials(Int32Array.from(tiles.flat()), 2);
    const reading = await read(frame, { crop: false });
    expect(reading).toMatchObject(expectedReading(centred, potentials, true));
  });

  it('does as the bundle says unless told otherwise', async () => {
    const { timings: _, ...reading } = await read(frame, {});
    const { timings: __, ...explicit } = await read(frame, { crop: true, tiling: true });
    expect(reading).toEqual(explicit);
  });

  it('reads the same from a frame, a file’s bytes, and with the interpreter as its engine', async () => {
    const { timings: _, ...reading } = await read(frame, {});
    const { timings: __, ...fromBytes } = await read(await imageOf(frame).png().toBuffer(), {});
    expect(fromBytes).toEqual(reading);
    const oracle = createClassifier(bundle, await createInterpreterEngine(bundle.graph));
    const { timings: ___, ...fromOracle } = (await oracle.classify(frame)).reading;
    expect(fromOracle).toEqual({ ...reading, backend: 'interpreter' });
  });

  it('answers `retake` without a diagnosis when the integrity check fails, and reads all the same when told to', async () => {
    const flat = { rgb: new Uint8Array(200 * 200 * 3).fill(99), width: 200, height: 200 };
    expect(await read(flat, {})).toMatchObject({
      accepted: false,
      reasons: ['flat', 'out-of-focus'],
      diagnosis: 'retake',
      probabilities: {},
      potentials: {},
      crop: null,
      tiled: false,
    });
    expect(await read(flat, { integrityCheck: false })).toMatchObject({ accepted: true });
  });

  it('gives what a reading rests on beside it, and nothing for a retake', async () => {
    const flat = { rgb: new Uint8Array(200 * 200 * 3).fill(99), width: 200, height: 200 };
    const classifier = createClassifier(bundle, engine, { crop: false, tiling: false });
    expect((await classifier.classify(flat)).headInput).toBeNull();
    const { reading, headInput } = await classifier.classify(frame);
    expect(headInput?.potentials).toEqual(look(centredSquare(frame.width, frame.height)).potentials);
    expect(Object.keys(reading)).not.toContain('headInput');
  });

  it('answers `indeterminate` when no class reaches its threshold', async () => {
    const strict = { ...bundle, readout: { ...bundle.readout, thresholds: [1, 1], alpha: 1e-9 } };
    const { reading } = await createClassifier(strict, engine, { tiling: false }).classify(frame);
    expect(reading).toMatchObject({ accepted: true, diagnosis: 'indeterminate' });
  });

  it.each([
    [0.5, 'added on the device'],
    [0.499_999, 'indeterminate'],
  ])(
    'names a class that was added on the device from one half on: at %d it answers %s',
    async (share, answer) => {
      const added = 'added on the device';
      // Two classes of the factory that no probability reaches, and an added one; α × potential is a logarithm of odds.
      const alpha = 1e-6;
      const odds = Math.log(share / (1 - share)) / alpha;
      const head: LearnedHead = {
        digest: '0'.repeat(64),
        classes: ['benign', 'malign', added],
        potentials: () => Int32Array.of(0, -(2 ** 31), Math.round(odds)),
      };
      const strict = { ...bundle, readout: { ...bundle.readout, thresholds: [1, 1], alpha } };
      const classifier = createClassifier(strict, engine, { tiling: false, head: () => head });
      const { reading } = await classifier.classify(frame);
      expect(reading.probabilities[added]).toBeCloseTo(share, 6);
      expect(reading.diagnosis).toBe(answer);
    },
  );

  it.each([
    ['refer', []],
    ['routine', ['scar']],
  ] as const)('that triages says %s of an added class when these are benign: %j', async (triage, benign) => {
    const rule = { malignant: ['malign'], threshold: 0.5 };
    const classTable = {
      version: 1 as const,
      classes: [{ code: 'malign', names: { en: 'malign' }, risk: 'malignant' as const }],
    };
    const head: LearnedHead = {
      ...{ digest: '0'.repeat(64), classes: ['benign', 'malign', 'scar'], benign },
      potentials: () => Int32Array.of(0, 0, 1e6),
    };
    const figure = { value: 1, low: 1, high: 1 };
    const section = {
      ...{ version: 1 as const, score: 'sum' as const, method: 'conformal-risk-control' as const },
      ...{ ...rule, sensitivity: 0.95, lesions: { malignant: 1, watched: null } },
      expected: { sensitivity: figure, watchedSensitivity: null, specificity: figure },
    };
    const readout = { ...bundle.readout, thresholds: [1, 1], alpha: 1e-4 };
    const triaging = { ...bundle, readout, classTable, triage: section };
    const classifier = createClassifier(triaging, engine, { tiling: false, head: () => head });
    expect((await classifier.classify(frame)).reading).toMatchObject({ triage, diagnosis: 'scar' });
  });

  it('accounts for its time', async () => {
    const { timings } = await read(await imageOf(frame).png().toBuffer(), {});
    const { total, ...stages } = timings;
    const sum = Object.values(stages).reduce((all, stage) => all + stage, 0);
    for (const stage of [stages.decode, stages.quality, stages.inference]) expect(stage).toBeGreaterThan(0);
    expect(sum).toBeLessThanOrEqual(total);
  });

  it('reads many images at once as it reads them one by one', async () => {
    const frames = Array.from({ length: 24 }, (_, i) => drawnLesion(200 + i, 170, [0.2 + i / 40, 0.5]));
    const classifier = createClassifier(bundle, engine);
    const together = await Promise.all(frames.map((each) => classifier.classify(each)));
    for (const [i, each] of frames.entries()) {
      const { reading, headInput } = await classifier.classify(each);
      const { timings: _, ...alone } = reading;
      expect(together[i]).toMatchObject({ reading: alone, headInput });
    }
  });

  it('refuses a model that does not read a square', () => {
    const wide = { ...bundle, preprocessing: { ...bundle.preprocessing, width: 5 } };
    expect(() => createClassifier(wide, engine)).toThrow(expect.objectContaining({ code: 'MODEL_INPUT' }));
  });
});

describe('triage', () => {
  const ofThreshold = (threshold: number, table = tinyTable()) => ({
    ...bundle,
    classTable: table,
    triage: tinyTriage(threshold),
  });
  const readWith = async (model: ModelBundle, options: ClassifierOptions = {}) =>
    (await createClassifier(model, engine, options).classify(frame)).reading;

  it('is in no reading of a bundle that does not triage', async () => {
    const reading = await read(frame, {});
    expect('triage' in reading || 'malignancy' in reading).toBe(false);
  });

  it('says what to do by the sum of the malignant classes, and reassures only where it is routine', async () => {
    const referring = await readWith(ofThreshold(0));
    expect(referring).toMatchObject({
      triage: 'refer',
      malignancy: referring.probabilities.malign,
      diagnosis: 'malign',
    });
    const routine = await readWith(ofThreshold(1));
    const likelier = routine.probabilities.malign > routine.probabilities.benign ? 'malign' : 'benign';
    expect(routine).toMatchObject({ triage: 'routine', diagnosis: likelier });
  });

  it('is null for a retake', async () => {
    const blank = { ...frame, rgb: new Uint8Array(frame.rgb.length) };
    const { reading } = await createClassifier(ofThreshold(0), engine).classify(blank);
    expect(reading).toMatchObject({ accepted: false, triage: null, malignancy: null });
  });
});
