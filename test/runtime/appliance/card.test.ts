/** The whole device with a card that dies again and again: no capture is lost, and each result names what read it. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import fc from 'fast-check';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { BackendName } from '../../../src/backend-names.ts';
import { SpikescopeError } from '../../../src/errors.ts';
import { healthOf, metricsOf, statusOf } from '../../../src/runtime/appliance/service/health.ts';
import type { Settings } from '../../../src/runtime/appliance/settings/settings.ts';
import { RETRY_AFTER } from '../../../src/runtime/engine/accelerator.ts';
import type { Backend } from '../../../src/runtime/engine/contract.ts';
import { interpreterBackend } from '../../../src/runtime/engine/interpreter.ts';
import { BACKENDS } from '../../../src/runtime/engine/registry.ts';
import { modelSchema, statusSchema } from '../../../src/telehealth/announcements.ts';
import { healthSchema } from '../../../src/telehealth/health.ts';
import {
  changesIn,
  PhantomFolder,
  resultsIn,
  type StartedDevice,
  withStarted,
} from '../../support/card-bench.ts';
import { FailingCard, type Outcome } from '../../support/failing-card.ts';
import { listenTo } from '../../support/listener.ts';
import { Random } from '../../support/random.ts';

const processor = BACKENDS[0];

const images = new PhantomFolder();
beforeAll(() => images.draw());
afterAll(() => images.remove());

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'spikescope-card-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

interface Bench extends StartedDevice {
  readonly card: FailingCard;
}

async function withDevice(
  settings: Partial<Settings>,
  use: (bench: Bench) => Promise<void>,
  { card = new FailingCard(processor), backends }: { card?: FailingCard; backends?: readonly Backend[] } = {},
): Promise<void> {
  await withStarted(
    { source: `replay:${images.folder}`, data: path.join(folder, 'data'), ...settings },
    (started) => use({ ...started, card }),
    { backends: backends ?? [processor, card.backend, interpreterBackend] },
  );
  expect(card.openEngines).toBe(0);
}

/** What the card answered, and did not, for captures: one image at a time, where golden inputs go together. */
function asked({ answered, failed }: FailingCard) {
  const count = (sizes: readonly number[]) => sizes.filter((size) => size === 1).length;
  return { answered: count(answered), failed: count(failed) };
}

/** One capture, and the backend that must stand in its result by what the card was asked meanwhile. */
async function capture({ device, card }: Pick<Bench, 'device' | 'card'>): Promise<BackendName> {
  const before = asked(card);
  await device.appliance.capture();
  const after = asked(card);
  return after.answered > before.answered && after.failed === before.failed ? 'akida' : 'cpu';
}

async function until(condition: () => boolean): Promise<void> {
  await expect.poll(condition, { interval: 1, timeout: 20_000 }).toBe(true);
}

const OUTCOMES: readonly Outcome[] = ['fails', 'fails-late', 'oddly'];

describe('a device with a card', () => {
  it('reads 500 frames, whatever the card does: 500 results, each naming what read it', async () => {
    await withDevice({ backend: 'akida' }, async ({ device, card, timers, said }) => {
      const random = new Random(500);
      const expected: BackendName[] = [];
      card.outcomeOf = () => (random.chance(0.03) ? random.pick(OUTCOMES) : 'answers');
      for (let i = 0; i < 500; i++) {
        card.isDead = (i >= 150 && i < 190) || (i >= 320 && i < 360);
        if (random.chance(0.3)) timers.advance(random.integer(1, 40_000));
        expected.push(await capture({ device, card }));
      }
      const results = resultsIn(device);
      expect(results.map(({ backend }) => backend)).toEqual(expected);
      expect(results.every(({ accepted, fault }) => accepted && fault === undefined)).toBe(true);
      expect(new Set(results.map(({ id }) => id)).size).toBe(500);
      for (const name of ['akida', 'cpu'] as const) {
        expect(expected.filter((backend) => backend === name).length).toBeGreaterThan(50);
      }
      expect(device.appliance.tally).toEqual({ captures: 500, retakes: 0 });
      const changes = changesIn(device);
      expect(changes.length).toBeGreaterThan(10);
      expect(changes).toEqual(
        changes.map((_, i) =>
          i % 2 === 0
            ? { backend: 'cpu', instead: 'akida', fault: expect.stringMatching(/^DEVICE_/) }
            : { backend: 'akida' },
        ),
      );
      expect(device.parts.computing.card?.faults).toBe(Math.ceil(changes.length / 2));
      expect(said.filter((line) => line.includes('the processor reads meanwhile'))).toHaveLength(
        Math.ceil(changes.length / 2),
      );
      expect(device.parts.journal.verify()).toMatchObject({ sound: true });
      await device.delivery.settle({ isStopped: false });
      expect(device.parts.journal.depth()).toBe(0);
    });
  }, 300_000);

  it('reads the very frame in which the card died', async () => {
    await withDevice({}, async ({ device, card }) => {
      expect(await capture({ device, card })).toBe('akida');
      card.outcomeOf = () => 'fails-late';
      expect(await capture({ device, card })).toBe('cpu');
      const [first, second] = resultsIn(device);
      expect([first.backend, second.backend]).toEqual(['akida', 'cpu']);
      expect(second).toMatchObject({ accepted: true, reasons: [] });
    });
  });

  it('gives the same readings and learns the same as without one', async () => {
    const course = async (settings: Partial<Settings>, faults: boolean) => {
      const told: unknown[] = [];
      await withDevice(
        { learning: 'on', data: path.join(folder, String(faults)), ...settings },
        async (bench) => {
          const { device, card, timers } = bench;
          const random = new Random(11);
          if (faults) card.outcomeOf = () => (random.chance(0.25) ? random.pick(OUTCOMES) : 'answers');
          const { classes } = device.parts.bundle.graph;
          for (let i = 0; i < 12; i++) {
            if (i % 5 === 0) timers.advance(RETRY_AFTER);
            const { reading } = await device.appliance.capture();
            if (reading === null || i % 4 !== 0) continue;
            const label = classes[i % classes.length];
            device.appliance.flow.send({ type: 'label', result: reading.id, label });
            const { learned } = await device.appliance.rest();
            told.push(learned?.kept);
          }
          for (const { diagnosis, probabilities, accepted, head } of resultsIn(device)) {
            told.push({ diagnosis, probabilities, accepted, isLearned: head !== undefined });
          }
          const backends = new Set(resultsIn(device).map(({ backend }) => backend));
          expect([...backends].sort()).toEqual(faults ? ['akida', 'cpu'] : ['cpu']);
          expect(device.parts.learner?.updates).toBeGreaterThan(0);
        },
      );
      return told;
    };
    const alone = await course({ backend: 'cpu' }, false);
    expect(await course({ backend: 'auto' }, true)).toEqual(alone);
  });

  it('says so in status, model, health, metrics and to who asks', async () => {
    await withDevice({ deviceId: 'scope-1' }, async ({ device, card, timers }) => {
      const { host, port } = device.parts.endpoint;
      const listener = await listenTo(`mqtt://${host}:${port}`, 4);
      const heard = async (topic: string, fits: (payload: unknown) => boolean) => {
        const is = (message: { topic: string; payload: string }) =>
          message.topic === `spikescope/scope-1/${topic}` && fits(JSON.parse(message.payload));
        return JSON.parse((await listener.first(is, topic)).payload);
      };
      const health = { parts: device.parts, appliance: device.appliance, delivery: device.delivery };
      const none = { kept: 0, rolledBack: 0 };
      try {
        await heard('status', (status) => statusSchema.parse(status).card?.serves === true);
        await heard('model', (model) => modelSchema.parse(model).backend === 'akida');
        expect(healthSchema.parse(await healthOf(health)).card).toMatchObject({
          serves: true,
          fault: null,
          faults: 0,
        });

        card.isDead = true;
        await capture({ device, card });
        const status = await heard('status', (each) => statusSchema.parse(each).card?.serves === false);
        expect(status.card).toEqual({ serves: false, fault: 'DEVICE_GONE', faults: 1 });
        expect(await heard('model', (each) => modelSchema.parse(each).backend === 'cpu')).toMatchObject({
          instructionSet: device.parts.computing.instructionSet,
        });
        expect(healthSchema.parse(await healthOf(health)).card).toMatchObject(status.card);
        expect(await metricsOf(health, none)).toMatchObject({ card_serving: 0, card_faults_total: 1 });
        expect(statusOf(device.parts, device.delivery, null)).toMatchObject({
          ...{ backend: 'cpu', card: 'DEVICE_GONE', cardFaults: 1 },
        });

        card.isDead = false;
        timers.advance(RETRY_AFTER);
        await until(() => device.parts.computing.card?.serves === true);
        await heard('status', (each) => {
          const { card: state } = statusSchema.parse(each);
          return state?.serves === true && state.faults === 1;
        });
        expect(await metricsOf(health, none)).toMatchObject({ card_serving: 1, card_faults_total: 1 });
        expect(await capture({ device, card })).toBe('akida');
      } finally {
        await listener.close();
      }
    });
  });

  it('finds out by the golden inputs that feed the watchdog when nobody captures', async () => {
    await withDevice({}, async ({ device, card }) => {
      await device.parts.computing.prove();
      card.outcomeOf = () => 'lies';
      await device.parts.computing.prove();
      expect(device.parts.computing.card).toEqual({ serves: false, fault: 'BUNDLE_GOLDEN', faults: 1 });
      expect(changesIn(device)).toEqual([{ backend: 'cpu', instead: 'akida', fault: 'BUNDLE_GOLDEN' }]);
      expect(await capture({ device, card })).toBe('cpu');
    });
  });

  it('loses no capture to a fault that the journal has no room for', async () => {
    await withDevice({}, async ({ device, card, said }) => {
      const { journal } = device.parts;
      const record = journal.record.bind(journal);
      journal.record = () => {
        throw new SpikescopeError('JOURNAL_FULL', 'There is no room');
      };
      card.outcomeOf = () => 'fails';
      expect(await capture({ device, card })).toBe('cpu');
      journal.record = record;
      expect(resultsIn(device)).toMatchObject([{ backend: 'cpu', accepted: true }]);
      expect(said.join('\n')).toContain('[JOURNAL_FULL]');
    });
  });
});

describe('what is asked to read', () => {
  const dead = () => Object.assign(new FailingCard(processor), { isDead: true });
  const lying = () => Object.assign(new FailingCard(processor), { outcomeOf: (): Outcome => 'lies' });
  const absent: Backend = {
    kind: 'akida',
    describe: () => ({
      present: false,
      fault: new SpikescopeError('BACKEND_ABSENT', 'It cannot be opened here', {
        received: 'there is no card',
      }),
    }),
    open: () => Promise.reject(new Error('nobody may open it')),
  };

  it('with auto is the processor where there is no card, which is said in a few words and is no fault', async () => {
    const backends = [processor, absent, interpreterBackend];
    await withDevice(
      {},
      async ({ device, said }) => {
        const { computing } = device.parts;
        expect([computing.backend, computing.card]).toEqual(['cpu', null]);
        expect(computing.withoutCard).toBe('there is no card');
        expect([said, changesIn(device)]).toEqual([[], []]);
      },
      { backends },
    );
  });

  it('with auto is the processor while a card that is there cannot be opened, and the card once it can', async () => {
    const card = dead();
    await withDevice(
      {},
      async ({ device, timers, said }) => {
        expect(await capture({ device, card })).toBe('cpu');
        expect(said).toEqual([
          expect.stringMatching(/core is dead \[DEVICE_DEAD\]; the processor reads .* in a minute$/),
        ]);
        expect(changesIn(device)).toEqual([{ backend: 'cpu', instead: 'akida', fault: 'DEVICE_DEAD' }]);
        card.isDead = false;
        timers.advance(RETRY_AFTER);
        await until(() => device.parts.computing.backend === 'akida');
        expect(await capture({ device, card })).toBe('akida');
      },
      { card },
    );
  });

  it('with auto is the processor for good where the card answers wrongly', async () => {
    const card = lying();
    await withDevice(
      {},
      async ({ device, timers }) => {
        expect(device.parts.computing).toMatchObject({
          ...{ backend: 'cpu', card: null, withoutCard: expect.stringContaining('[BUNDLE_GOLDEN]') },
        });
        expect(timers.pending).toBe(0);
      },
      { card },
    );
  });

  it('with cpu or interpreter is that one, and the card is not touched', async () => {
    for (const backend of ['cpu', 'interpreter'] as const) {
      const card = dead();
      card.backend.describe = () => {
        throw new Error('it was looked for');
      };
      await withDevice(
        { backend, data: path.join(folder, backend) },
        async ({ device }) => expect(device.parts.computing).toMatchObject({ backend, withoutCard: null }),
        { card },
      );
    }
  });

  it.each<[string, () => Backend, string]>([
    ['is absent', () => absent, 'BACKEND_ABSENT'],
    ['is dead', () => dead().backend, 'DEVICE_DEAD'],
    ['answers wrongly', () => lying().backend, 'BUNDLE_GOLDEN'],
  ])('with akida is refused where the card %s', async (_, backend, code) => {
    const opening = withDevice({ backend: 'akida' }, async () => {}, { backends: [processor, backend()] });
    await expect(opening).rejects.toMatchObject({ code });
  });
});

describe('any course of faults', () => {
  const courses = fc.array(
    fc.record({
      outcomes: fc.array(fc.constantFrom<Outcome>('answers', 'answers', 'fails', 'fails-late', 'oddly'), {
        minLength: 1,
        maxLength: 6,
      }),
      dead: fc.boolean(),
      seconds: fc.integer({ min: 0, max: 70 }),
    }),
    { minLength: 1, maxLength: 8 },
  );

  it('costs no capture', async () => {
    let number = 0;
    await fc.assert(
      fc.asyncProperty(courses, async (course) => {
        const data = path.join(folder, String(number++));
        await withDevice({ backend: 'auto', data }, async ({ device, card, timers }) => {
          const expected: BackendName[] = [];
          for (const { outcomes, dead, seconds } of course) {
            let next = 0;
            card.outcomeOf = () => outcomes[next++ % outcomes.length];
            card.isDead = dead;
            timers.advance(seconds * 1000);
            expected.push(await capture({ device, card }));
          }
          expect(resultsIn(device).map(({ backend }) => backend)).toEqual(expected);
          expect(resultsIn(device).every(({ accepted }) => accepted)).toBe(true);
          expect(device.parts.journal.verify()).toMatchObject({ sound: true });
        });
      }),
      { numRuns: 8 },
    );
  });
});
