/** A frame of several passes, of which any may be the one that the card does not answer. */
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { PhantomPainter } from '../../../src/capture/phantom/draw.ts';
import { RefusedError, SpikescopeError } from '../../../src/errors.ts';
import type { ModelBundle } from '../../../src/model/bundle/bundle.ts';
import { readBundle } from '../../../src/model/bundle/read.ts';
import { Accelerator, AcceleratorLost } from '../../../src/runtime/engine/accelerator.ts';
import type { Engine } from '../../../src/runtime/engine/contract.ts';
import { openProved } from '../../../src/runtime/engine/open-model.ts';
import { BACKENDS } from '../../../src/runtime/engine/registry.ts';
import { DEFAULT_MODEL } from '../../../src/runtime/engine/shipped-models.ts';
import { type Classifier, createClassifier } from '../../../src/runtime/inference/classifier.ts';
import { StandbyClassifier } from '../../../src/runtime/inference/standby-classifier.ts';
import { FailingCard, Timers } from '../../support/failing-card.ts';

const processor = BACKENDS[0];
const frame = new PhantomPainter().draw(3).frame;

let bundle: ModelBundle;
let engine: Engine;
beforeAll(async () => {
  const shipped = await readBundle(DEFAULT_MODEL);
  // Whole square, salient square, tiles: as many passes as a reading can have.
  bundle = { ...shipped, readout: { ...shipped.readout, tiling: { ...shipped.readout.tiling, tau: 1 } } };
  engine = await openProved(processor, bundle);
});
afterAll(() => engine.close());

const passes = { crop: true, tiling: true };

async function withCard(use: (classifier: Classifier, card: FailingCard) => Promise<void>): Promise<void> {
  const card = new FailingCard(processor);
  const open = () => openProved(card.backend, bundle);
  const accelerator = new Accelerator(await open(), {
    ...{ backend: 'akida', bundle, open, onChange: () => {}, schedule: new Timers().schedule },
  });
  card.answered.length = 0;
  const accelerated = createClassifier(bundle, accelerator, passes);
  const standby = createClassifier(bundle, engine, passes);
  await use(new StandbyClassifier({ accelerator, accelerated, standby }), card);
  await accelerator.close();
}

describe('a reading of several passes', () => {
  it('is the card’s where it answers all of them', async () => {
    await withCard(async (classifier, card) => {
      const { reading } = await classifier.classify(frame);
      expect(reading).toMatchObject({ backend: 'akida', tiled: true });
      expect(card.answered.length).toBeGreaterThan(1);
    });
  });

  it('is the processor’s, from its beginning, whichever pass the card does not answer', async () => {
    const alone = await createClassifier(bundle, engine, passes).classify(frame);
    let passesOfCard = 0;
    await withCard(async (classifier, card) => {
      await classifier.classify(frame);
      passesOfCard = card.answered.length;
    });
    for (let failing = 0; failing < passesOfCard; failing++) {
      await withCard(async (classifier, card) => {
        let pass = 0;
        card.outcomeOf = () => (pass++ === failing ? 'fails' : 'answers');
        const { reading, headInput, scope } = await classifier.classify(frame);
        expect(card.answered).toHaveLength(failing);
        expect({ headInput, scope }).toEqual({ headInput: alone.headInput, scope: alone.scope });
        expect({ ...reading, timings: null }).toEqual({ ...alone.reading, timings: null });
        expect(reading.backend).toBe('cpu');
      });
    }
  });

  it('counts the time that the card has cost as inference', async () => {
    vi.useFakeTimers({ toFake: ['performance'] });
    try {
      const standby = createClassifier(bundle, engine, passes);
      const classify = async (): Promise<never> => {
        vi.advanceTimersByTime(2000);
        throw new AcceleratorLost(new SpikescopeError('DEVICE_TIMEOUT', 'the card takes too long'));
      };
      const classifier = new StandbyClassifier({
        ...{ accelerator: { serves: true }, standby },
        accelerated: { ...standby, reassures: () => false, classify },
      });
      const { timings } = (await classifier.classify(frame)).reading;
      expect(timings).toMatchObject({ decode: 0, quality: 0, inference: 2000, total: 2000 });
    } finally {
      vi.useRealTimers();
    }
  });

  it('of a frame that cannot be read is refused once, and is no fault of the card', async () => {
    await withCard(async (classifier, card) => {
      await expect(classifier.classify(new Uint8Array(10))).rejects.toBeInstanceOf(RefusedError);
      expect(card.failed).toEqual([]);
      expect((await classifier.classify(frame)).reading.backend).toBe('akida');
    });
  });
});
