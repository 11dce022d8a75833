/**
 * The whole device, addon and vendor's engine, and at the end of a socket a card that is played and killed. The nightly
 * build takes 500 captures, and the command `run` as a process of its own.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { BackendName } from '../../../src/backend-names.ts';
import type { Device } from '../../../src/runtime/appliance/device.ts';
import type { Settings } from '../../../src/runtime/appliance/settings/settings.ts';
import { RETRY_AFTER } from '../../../src/runtime/engine/accelerator.ts';
import { cardAddonOrNull } from '../../support/akida-device/addon.ts';
import { PlayedCard } from '../../support/akida-device/card.ts';
import {
  changesIn,
  PhantomFolder,
  resultsIn,
  type StartedDevice,
  withStarted,
} from '../../support/card-bench.ts';
import { Random } from '../../support/random.ts';

const MODEL = 'models/qana-akd1000.spikescope';
const NIGHTLY = process.env.SPIKESCOPE_CARD_CAPTURES;
const CAPTURES = Number(NIGHTLY ?? 60);
/** Milliseconds: a capture takes some tens of them, many more on a busy machine. */
const PATIENCE = 120_000 + CAPTURES * 2_000;

const addon = cardAddonOrNull();
if (addon !== null) process.env.SPIKESCOPE_ADDON = addon;

async function until(condition: () => boolean | Promise<boolean>): Promise<void> {
  await expect.poll(condition, { interval: 2, timeout: 60_000 }).toBe(true);
}

describe.skipIf(addon === null)(
  'a device with the vendor’s engine and a played card',
  { timeout: PATIENCE },
  () => {
    const images = new PhantomFolder();
    let card: PlayedCard;
    let folder: string;
    beforeAll(async () => {
      await images.draw();
      card = await PlayedCard.play(MODEL);
      process.env.SPIKESCOPE_AKIDA_DEVICE = card.device;
    });
    afterAll(async () => {
      delete process.env.SPIKESCOPE_AKIDA_DEVICE;
      await card?.end();
      images.remove();
    });
    beforeEach(() => {
      folder = mkdtempSync(path.join(tmpdir(), 'spikescope-played-'));
    });
    afterEach(() => rmSync(folder, { recursive: true, force: true }));

    const settings = (changes: Partial<Settings>): Partial<Settings> => ({
      ...{ model: MODEL, source: `replay:${images.folder}`, data: path.join(folder, 'data') },
      ...changes,
    });

    /** The card is killed while it has the image of a capture. */
    async function killedMeanwhile(capture: () => Promise<unknown>): Promise<void> {
      const { images: before } = await card.state();
      await card.set({ kind: 'stale-job', afterImages: before });
      await card.trace();
      const taken = capture();
      await until(async () => (await card.trace()).length > 0);
      await card.kill();
      await taken;
    }

    /** A minute passes for the device. */
    async function comesBack({ device, timers }: StartedDevice): Promise<void> {
      await card.restart();
      timers.advance(RETRY_AFTER);
      await until(() => device.parts.computing.card?.serves === true);
    }

    it(`loses none of ${CAPTURES} captures when the card is killed twice, and each result names what read it`, async () => {
      const deaths = [Math.floor(CAPTURES / 4), Math.floor((5 * CAPTURES) / 8)];
      const returns = deaths.map((death) => death + Math.floor(CAPTURES / 6));
      await withStarted(settings({ backend: 'akida' }), async (started) => {
        const { device, timers } = started;
        const expected: BackendName[] = [];
        let isThere = true;
        for (let i = 0; i < CAPTURES; i++) {
          if (returns.includes(i)) {
            await comesBack(started);
            isThere = true;
          }
          if (i === deaths[0]) await killedMeanwhile(() => device.appliance.capture());
          else {
            if (i === deaths[1]) await card.kill();
            const before = isThere && i !== deaths[1] ? (await card.state()).images : null;
            await device.appliance.capture();
            // The card's own count says who read.
            if (before !== null) expect((await card.state()).images).toBeGreaterThan(before);
          }
          isThere &&= !deaths.includes(i);
          expected.push(isThere ? 'akida' : 'cpu');
          // While nothing is there, a retry changes nothing.
          if (!isThere && i % 5 === 0) timers.advance(RETRY_AFTER);
        }
        const results = resultsIn(device);
        expect(results.map(({ backend }) => backend)).toEqual(expected);
        expect(results.every(({ accepted, fault }) => accepted && fault === undefined)).toBe(true);
        expect(new Set(results.map(({ id }) => id)).size).toBe(CAPTURES);
        expect(device.appliance.tally).toEqual({ captures: CAPTURES, retakes: 0 });
        expect(changesIn(device)).toEqual([
          { backend: 'cpu', instead: 'akida', fault: expect.stringMatching(/^DEVICE_(GONE|STALE)$/) },
          { backend: 'akida' },
          { backend: 'cpu', instead: 'akida', fault: 'DEVICE_GONE' },
          { backend: 'akida' },
        ]);
        const { readBack, problem } = await card.state();
        expect(problem).toBeNull();
        expect(
          readBack?.every(
            ({ weights, thresholds, steps, geometry }) => weights + thresholds + steps + geometry === 0,
          ),
        ).toBe(true);
        expect(device.parts.journal.verify()).toMatchObject({ sound: true });
        await device.delivery.settle({ isStopped: false });
        expect(device.parts.journal.depth()).toBe(0);
      });
    });

    it('learns the same, to the last integer, as one that only has its processor', async () => {
      /** What each capture rests on and what the learned head makes of it, and what each lesson came to. */
      async function course(backend: 'akida' | 'cpu'): Promise<unknown[]> {
        const told: unknown[] = [];
        const own = settings({ backend, learning: 'on', data: path.join(folder, backend) });
        await withStarted(own, async (started) => {
          const { device } = started;
          const learner = watched(device, told);
          const random = new Random(5);
          const { classes } = device.parts.bundle.graph;
          for (let i = 0; i < 24; i++) {
            if (backend === 'akida' && i % 12 === 4) await killedMeanwhile(() => device.appliance.capture());
            else {
              if (backend === 'akida' && i % 12 === 9) await comesBack(started);
              await device.appliance.capture();
            }
            const { reading } = await device.appliance.rest();
            if (reading === null || i % 2 === 0) continue;
            device.appliance.flow.send({ type: 'label', result: reading.id, label: random.pick(classes) });
            told.push((await device.appliance.rest()).learned?.kept);
          }
          expect(learner.updates).toBeGreaterThan(2);
          const read = new Set(resultsIn(device).map((result) => result.backend));
          expect([...read].sort()).toEqual(backend === 'akida' ? ['akida', 'cpu'] : ['cpu']);
        });
        return told;
      }
      const alone = await course('cpu');
      expect(alone.length).toBeGreaterThan(24);
      expect(await course('akida')).toEqual(alone);
    });
  },
);

/** Writes down what the learner is shown, with the learned head's potentials. */
function watched({ parts }: Device, told: unknown[]) {
  const { learner } = parts;
  if (learner === null) throw new Error('The device does not learn');
  const observe = learner.observe.bind(learner);
  learner.observe = (id, headInput) => {
    observe(id, headInput);
    if (headInput === null) return;
    const { potentials, pooled } = headInput;
    told.push([...pooled], [...potentials], [...learner.head.potentials(potentials, pooled)]);
  };
  return learner;
}
