/** The backend `akida` on an AKD1500 that is played: another chip, whose memory lies elsewhere and whose output is dense. */
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { akidaProgramOf } from '../../../src/model/bundle/akida-programs-section.ts';
import type { ModelBundle } from '../../../src/model/bundle/bundle.ts';
import { readBundle } from '../../../src/model/bundle/read.ts';
import { elementCount } from '../../../src/model/graph.ts';
import type { Engine } from '../../../src/runtime/engine/contract.ts';
import { createCpuEngine } from '../../../src/runtime/engine/cpu.ts';
import { replayGolden } from '../../../src/runtime/engine/golden.ts';
import { nativeBackend, openNative } from '../../../src/runtime/engine/native-engine.ts';
import { openModel, openProved } from '../../../src/runtime/engine/open-model.ts';
import { cardAddonOrNull } from '../../support/akida-device/addon.ts';
import { PlayedCard } from '../../support/akida-device/card.ts';
import type { FaultKind } from '../../support/akida-device/faults.ts';
import { Random } from '../../support/random.ts';

const MODEL = 'models/qana-akd1000.spikescope';
const addon = cardAddonOrNull();
if (addon !== null) process.env.SPIKESCOPE_ADDON = addon;

const FAULTS: readonly (readonly [FaultKind, code: string])[] = [
  ['dead', 'DEVICE_DEAD'],
  ['timeout', 'DEVICE_TIMEOUT'],
  ['short-transfer', 'DEVICE_TRANSFER'],
  ['unplugged', 'DEVICE_GONE'],
  ['unknown-job', 'DEVICE_JOB'],
  ['event-outside', 'DEVICE_EVENT'],
  ['too-many-words', 'DEVICE_OUTPUT'],
];

describe.skipIf(addon === null)('an AKD1500', () => {
  let bundle: ModelBundle;
  let card: PlayedCard;
  beforeAll(async () => {
    bundle = await readBundle(MODEL);
    card = await PlayedCard.play(MODEL, 'akd1500');
  });
  afterEach(() => card?.set(null));
  afterAll(() => card?.end());

  const open = () => openProved(nativeBackend('akida'), bundle, { device: card.device });
  const images = (count: number) => new Random(count).bytes(count * elementCount(bundle.graph.input.shape));

  async function closed<Result>(engine: Engine, work: (engine: Engine) => Promise<Result>): Promise<Result> {
    try {
      return await work(engine);
    } finally {
      await engine.close();
    }
  }

  it('is opened with its own program of the two that a bundle carries, and answers the golden inputs', async () => {
    process.env.SPIKESCOPE_AKIDA_DEVICE = card.device;
    const { engine } = await openModel(MODEL, { backend: 'akida' });
    delete process.env.SPIKESCOPE_AKIDA_DEVICE;
    await closed(engine, (each) => replayGolden(bundle, each));
    expect(engine.instructionSet).toBe('AKD1500');
  });

  it('takes no program of an AKD1000', async () => {
    const program = akidaProgramOf(bundle, 'akd1000', 'backbone');
    if (program === null) throw new Error(`${MODEL} has no program for an AKD1000`);
    await expect(openNative('akida', bundle.graph, { device: card.device, program })).rejects.toMatchObject({
      code: 'DEVICE_VERSION',
    });
  });

  it('is configured with exactly the bundle’s weights, thresholds and steps', async () => {
    await closed(await open(), (engine) => engine.infer(images(1)));
    const { readBack, problem } = await card.state();
    expect(problem).toBeNull();
    expect(readBack).toHaveLength(5);
    expect(
      readBack?.every(
        ({ weights, thresholds, steps, geometry }) => weights + thresholds + steps + geometry === 0,
      ),
    ).toBe(true);
  });

  it('gives embeddings and potentials as the processor does, whatever the size of a batch', async () => {
    const processor = await createCpuEngine(bundle.graph);
    await closed(await open(), async (engine) => {
      for (const count of [1, 15, 17]) {
        const batch = images(count);
        expect(await engine.infer(batch)).toEqual(await processor.infer(batch));
      }
    });
    await processor.close();
  });

  it.each(FAULTS)('ends with a code of its own when it is %s in the middle: %s', async (kind, code) => {
    await closed(await open(), async (engine) => {
      const { images: before } = await card.state();
      await card.set({ kind, afterImages: before + 3 });
      // More than fit the queue: some are put into it after the fault has begun.
      await expect(engine.infer(images(20))).rejects.toMatchObject({ code });
    });
    await card.set(null);
    await closed(await open(), (again) => replayGolden(bundle, again));
  });

  it('is read whatever its answer: as what it says, or not at all', async () => {
    for (let seed = 1; seed <= 20; seed++) {
      await card.set(null);
      await closed(await open(), async (engine) => {
        await card.set({ kind: 'random-output', afterImages: 0, seed });
        const answer = await engine.infer(images(1)).catch(({ code }: { code: string }) => code);
        if (typeof answer === 'string') expect(answer).toMatch(/^DEVICE_(EVENT|OUTPUT)$/);
        else expect(answer.embeddings.every((value) => value <= 15)).toBe(true);
      });
    }
  });
});
