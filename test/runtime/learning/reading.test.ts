import { describe, expect, it } from 'vitest';
import { resultOf } from '../../../src/runtime/appliance/make-result.ts';
import { createInterpreterEngine } from '../../../src/runtime/engine/interpreter.ts';
import { createClassifier } from '../../../src/runtime/inference/classifier.ts';
import type { LearnedHead } from '../../../src/runtime/inference/head.ts';
import type { Correction } from '../../../src/runtime/learning/correction.ts';
import { correctedPotentials, noCorrection } from '../../../src/runtime/learning/correction.ts';
import { withClass } from '../../../src/runtime/learning/prototype.ts';
import { CLASSES, FEATURES, learnableBundle } from '../../support/learnable.ts';
import { Random } from '../../support/random.ts';

const bundle = learnableBundle();
const frame = { rgb: new Random(3).bytes(60 * 60 * 3), width: 60, height: 60 };

const DIGEST = '5e'.repeat(32);

const headOf = (correction: Correction): LearnedHead => ({
  digest: DIGEST,
  classes: correction.classes,
  potentials: (factory, pooled) => correctedPotentials(correction, factory, pooled),
});

async function read(head: LearnedHead | null, tiled = false) {
  const engine = await createInterpreterEngine(bundle.graph);
  const readout = { ...bundle.readout, tiling: { enabled: tiled, tau: tiled ? 1 : 0, overlap: 0.2 } };
  const options = { integrityCheck: false, head: () => head };
  const classifier = createClassifier({ ...bundle, readout }, engine, options);
  return classifier.classify(frame);
}

describe.each([false, true])('a reading with a learned head, in tiles: %s', (tiled) => {
  it('is the factory’s while nothing was learned', async () => {
    const none = headOf(noCorrection(CLASSES, FEATURES));
    const [{ reading: factory }, { reading }] = await Promise.all([read(null, tiled), read(none, tiled)]);
    expect(reading.potentials).toEqual(factory.potentials);
    expect(reading.probabilities).toEqual(factory.probabilities);
  });

  it('says which head read it, where it was not the factory’s alone', async () => {
    const none = headOf(noCorrection(CLASSES, FEATURES));
    expect((await read(none, tiled)).reading.head).toBe(DIGEST);
    expect((await read(null, tiled)).reading).not.toHaveProperty('head');
  });

  it('names an added class, when that is more likely than not', async () => {
    const added = withClass(noCorrection(CLASSES, FEATURES), 'foreign', bundle.readout.alpha);
    const biased = (log: number) => {
      const bias = Int32Array.from(added.bias);
      bias[CLASSES.length] = Math.round(log / bundle.readout.alpha);
      return read(headOf({ ...added, bias }), tiled);
    };
    const { reading: likely } = await biased(5);
    expect(likely.diagnosis).toBe('foreign');
    expect(likely.probabilities.foreign).toBeGreaterThan(0.5);
    const { reading: unlikely } = await biased(-5);
    expect(unlikely.diagnosis).not.toBe('foreign');
    expect(Object.keys(unlikely.potentials)).toEqual([...CLASSES, 'foreign']);
  });

  it('gives what it rests on to the learner alone', async () => {
    const { reading, headInput } = await read(null, tiled);
    expect(headInput?.pooled).toHaveLength(FEATURES);
    const context = {
      id: crypto.randomUUID(),
      device: 'd',
      capturedAt: new Date(),
      source: 'phantom',
    } as const;
    for (const text of [JSON.stringify(reading), JSON.stringify(resultOf(reading, context))]) {
      expect(text).not.toMatch(/pooled|embedding/);
      expect(text).not.toContain([...(headInput?.pooled ?? [])].join(','));
    }
  });
});
