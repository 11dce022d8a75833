/** One pass without a person: what is chosen, when it may ask, how it goes on after the network ended it. */
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import fc from 'fast-check';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { RefusedError, SpikescopeError } from '../../src/errors.ts';
import { Journal } from '../../src/store/journal.ts';
import { compareVersions } from '../../src/updates/compatibility.ts';
import { Activation } from '../../src/updates/install/activation.ts';
import type { StageProgress } from '../../src/updates/install/contract.ts';
import { Installed, installedFile } from '../../src/updates/install/installed.ts';
import { Installer } from '../../src/updates/install/installer.ts';
import { readInstalled } from '../../src/updates/installed-view.ts';
import { chooseReleases, type Present } from '../../src/updates/pull/choose.ts';
import { persist } from '../../src/updates/pull/persist.ts';
import { type Installing, pull } from '../../src/updates/pull/pull.ts';
import { minutesLeft } from '../../src/updates/pull/window.ts';
import { FolderSource } from '../../src/updates/source/folder.ts';
import { MeteredSource } from '../../src/updates/source/metered.ts';
import type { Source } from '../../src/updates/source/source.ts';
import { Updates } from '../../src/updates/updates.ts';
import { Random } from '../support/random.ts';
import { TestDevice } from '../support/updates/device.ts';
import { Office, releaseOf } from '../support/updates/office.ts';
import { fetchedRelease, installerOptions, OPERATION, proving } from '../support/updates/releases.ts';

const DEVICE = { hardware: ['linux-x64'], cards: [], application: '0.1.0', journal: 2 };
const SUBSCRIPTION = { channels: ['stable' as const], site: null, device: DEVICE };
const SHIPPED: Present = { shipped: { model: { name: 'model', version: '1.0.0' } }, installed: null };

function offer(version: string, words: Parameters<typeof releaseOf>[1] = {}, misfits: string[] = []) {
  const hash = Buffer.from(`${words.kind} ${words.name} ${version}`).toString('hex');
  const name = `stable/${words.kind ?? 'model'}-${words.name ?? 'model'}-${version}.bin`;
  const target = {
    ...{ name, length: 1, hashes: new Map([['sha256' as const, hash]]) },
    ...{ place: [], keys: [], role: 'stable', custom: null },
  };
  return { target, role: 'stable', release: releaseOf(version, words), misfits };
}

describe('what is chosen', () => {
  const versions = fc.tuple(fc.nat(3), fc.nat(3), fc.nat(3)).map((parts) => parts.join('.'));
  const offers = fc.array(
    fc
      .tuple(
        versions,
        fc.constantFrom('model', 'configuration'),
        fc.constantFrom('model', 'other'),
        fc.boolean(),
      )
      .map(([version, kind, name, fits]) =>
        offer(version, { kind: kind as 'model', name }, fits ? [] : ['no']),
      ),
    { maxLength: 12 },
  );

  it('is of each kind one at most, fits, bears the name of what is in use and is the newest that is newer', () => {
    fc.assert(
      fc.property(offers, (all) => {
        const chosen = chooseReleases(all, SHIPPED);
        expect(new Set(chosen.map(({ release }) => release.kind)).size).toBe(chosen.length);
        const models = all.filter(
          ({ release, misfits }) =>
            misfits.length === 0 &&
            release.kind === 'model' &&
            release.name === 'model' &&
            compareVersions(release.version, '1.0.0') > 0,
        );
        const model = chosen.find(({ release }) => release.kind === 'model');
        expect(model === undefined).toBe(models.length === 0);
        for (const { release } of models) {
          expect(compareVersions(model?.release.version ?? '0.0.0', release.version)).toBeGreaterThanOrEqual(
            0,
          );
        }
      }),
    );
  });

  it('does not depend on the order in which releases are listed', () => {
    fc.assert(
      fc.property(offers, (all) => {
        const names = (list: typeof all) => chooseReleases(list, SHIPPED).map(({ target }) => target.name);
        expect(names([...all].reverse())).toEqual(names(all));
      }),
    );
  });

  it('is none that this device has given up, and none that waits already', () => {
    const [newest, older] = [offer('3.0.0'), offer('2.0.0')];
    const release = { target: '', name: 'model', version: '1.0.0', hash: 'x', installedAt: '' };
    const [hash = ''] = newest.target.hashes.values();
    const present = { active: release, pending: null, onTrial: false, refused: [], givenUp: [] };
    const names = (model: object) =>
      chooseReleases([older, newest], {
        shipped: {},
        installed: { model: { ...present, ...model } },
      }).map(({ release: { version } }) => version);
    expect(names({})).toEqual(['3.0.0']);
    expect(names({ givenUp: ['00', hash] })).toEqual(['2.0.0']);
    expect(names({ pending: { ...release, version: '3.0.0' } })).toEqual([]);
  });
});

describe('what is installed', () => {
  let device: TestDevice;
  beforeEach(() => {
    device = new TestDevice();
    mkdirSync(path.join(device.data, 'updates'));
  });
  afterEach(() => device.end());

  it('is read as the installer keeps it', async () => {
    const journal = Journal.open(path.join(device.data, 'journal.sqlite'));
    const install = (number: number, isProven: boolean) =>
      new Installer(installerOptions(device.data, journal, proving(isProven))).install(
        fetchedRelease(device.data, number),
      );
    await install(1, true);
    const installed = new Installed({ data: device.data, journal, operation: OPERATION });
    await new Activation({ data: device.data, installed, kinds: ['model'], goodCaptures: 1 }).beginStart();
    const activation = new Activation({ data: device.data, installed, kinds: ['model'], goodCaptures: 1 });
    await activation.beginStart();
    expect((await readInstalled(device.data))?.model).toMatchObject({
      active: { name: 'model', version: '1.0.1' },
      ...{ pending: null, onTrial: true, refused: [], givenUp: [] },
    });
    await activation.captureSucceeded();
    await expect(install(2, false)).rejects.toMatchObject({ code: 'PROOF_FAILED' });
    const view = (await readInstalled(device.data))?.model;
    expect(view).toMatchObject({ onTrial: false, refused: [{ version: '1.0.2' }] });
    expect(view?.refused[0].reason).toContain('golden.cpu');
    expect(view?.givenUp).toEqual(view?.refused.map(({ hash }) => hash));
    journal.close();
  });

  it.each(['', '{', '[]', '{"model":{"active":"c"}}', '{"model":null}'])(
    'is nothing where it says %j',
    async (text) => {
      writeFileSync(installedFile(device.data), text);
      expect(await readInstalled(device.data)).toBeNull();
    },
  );
});

describe('the hours', () => {
  const at = (time: string) => new Date(`2026-11-29T${time}:00`);

  it('are local time, may go past midnight, and end with their last minute', () => {
    expect(minutesLeft(undefined, at('12:00'))).toBe(Infinity);
    expect(minutesLeft('02:00-04:00', at('01:59'))).toBe(0);
    expect(minutesLeft('02:00-04:00', at('02:00'))).toBe(120);
    expect(minutesLeft('02:00-04:00', at('03:59'))).toBe(1);
    expect(minutesLeft('02:00-04:00', at('04:00'))).toBe(0);
    expect(minutesLeft('22:30-01:00', at('23:30'))).toBe(90);
    expect(minutesLeft('22:30-01:00', at('00:59'))).toBe(1);
    expect(minutesLeft('05:00-05:00', at('17:00'))).toBe(720);
  });

  it('are the minutes of a day that a slow count finds', () => {
    const minute = fc.nat(1439);
    const text = (m: number) =>
      `${String(Math.floor(m / 60)).padStart(2, '0')}:${String(m % 60).padStart(2, '0')}`;
    fc.assert(
      fc.property(minute, minute, minute, (from, to, now) => {
        let left = 0;
        const isIn = (m: number) =>
          from < to ? m >= from && m < to : from > to ? m >= from || m < to : true;
        for (let m = now; isIn(m) && left < 1440; m = (m + 1) % 1440) {
          left++;
          if ((m + 1) % 1440 === to) break;
        }
        expect(minutesLeft(`${text(from)}-${text(to)}`, at(text(now)))).toBe(left);
      }),
      { numRuns: 300 },
    );
  });
});

/** Pieces of a file that is not there. */
function pouring(sizes: readonly number[]): Source {
  return {
    kind: 'http',
    describe: () => 'pouring',
    open: async (_, from) => ({
      from,
      pieces: (async function* () {
        for (const size of sizes) yield new Uint8Array(size);
      })(),
    }),
  };
}

async function drain(source: Source): Promise<number> {
  let bytes = 0;
  for await (const piece of (await source.open(['x'], 0))?.pieces ?? []) bytes += piece.length;
  return bytes;
}

describe('a metered source', () => {
  it('never gives more than its rate and one burst, whatever the pieces are, and loses nothing', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.integer({ min: 1, max: 200_000 }), { maxLength: 30 }), async (sizes) => {
        const rate = 50_000;
        let clock = 0;
        const metered = new MeteredSource(pouring(sizes), {
          rate,
          now: () => clock,
          sleep: async (milliseconds) => {
            clock += milliseconds;
          },
        });
        let given = 0;
        for await (const piece of (await metered.open(['x'], 0))?.pieces ?? []) {
          given += piece.length;
          expect(given).toBeLessThanOrEqual((rate * clock) / 1000 + 65_536 + 1);
        }
        expect(given).toBe(sizes.reduce((sum, size) => sum + size, 0));
        expect(metered.bytes).toBe(given);
        expect(clock).toBeLessThanOrEqual((given / rate) * 1000 + 1);
      }),
    );
  });

  it('ends when its time is over, also in the middle of a file', async () => {
    let clock = 0;
    const options = { rate: null, until: 2, now: () => clock++ };
    await expect(drain(new MeteredSource(pouring([1, 1, 1, 1]), options))).rejects.toMatchObject({
      code: 'SOURCE_WINDOW',
    });
  });
});

describe('persistence', () => {
  const lost = () => new SpikescopeError('SOURCE_CUT_SHORT', 'The source ended');

  it('goes on with growing pauses, which begin anew once something has come, and gives up in the end', async () => {
    const pauses: number[] = [];
    let bytes = 0;
    let attempts = 0;
    const work = async () => {
      attempts++;
      if (attempts === 4) bytes += 100_000;
      throw lost();
    };
    const sleep = async (milliseconds: number) => void pauses.push(milliseconds);
    await expect(persist(work, { bytes: () => bytes, sleep })).rejects.toMatchObject({
      code: 'SOURCE_CUT_SHORT',
    });
    // Three in vain, one that brought something, eight in vain.
    expect(attempts).toBe(12);
    expect(pauses).toHaveLength(11);
    expect(Math.max(...pauses)).toBeLessThanOrEqual(60_000);
  });

  it('does nothing again that no network is to blame for', async () => {
    let attempts = 0;
    const work = async () => {
      attempts++;
      throw new RefusedError('TRUST_ROLLBACK', 'older');
    };
    await expect(persist(work, { bytes: () => 0 })).rejects.toMatchObject({ code: 'TRUST_ROLLBACK' });
    expect(attempts).toBe(1);
  });
});

describe('a pass', () => {
  let office: Office;
  let stick: string;
  let device: TestDevice;
  const content = Buffer.from(new Random(5).bytes(200_000));
  beforeAll(async () => {
    office = await Office.open();
    await office.add(content, '2.0.0');
    await office.add(content.subarray(1), '1.5.0');
    await office.add(content.subarray(2), '1.0.0', { kind: 'configuration', name: 'overlay' });
    await office.publish();
    stick = await office.stick();
  });
  afterAll(() => office.end());
  beforeEach(() => {
    device = new TestDevice(readFileSync(path.join(stick, 'metadata/1.root.json')));
    device.now = Date.now();
  });
  afterEach(() => device.end());

  async function passOver(
    source: Source,
    installing: Installing | null,
    told: StageProgress[] = [],
    present: () => Promise<Present> = async () => SHIPPED,
  ) {
    const updates = await Updates.open({
      ...{ data: device.data, journal: device.journal, by: 'timer', now: () => device.now },
      ...(device.root && { root: device.root }),
    });
    try {
      return await pull({
        ...{ updates, source: new MeteredSource(source, { rate: null }), subscription: SUBSCRIPTION },
        ...{ present, installing, sleep: async () => {} },
        progress: { tell: (each) => void told.push(each as StageProgress) },
      });
    } finally {
      updates.close();
    }
  }

  it('without an installer brings the newest of each kind here, verified, and says no more than that', async () => {
    const told: StageProgress[] = [];
    const pulled = await passOver(new FolderSource(stick), null, told);
    expect(pulled).toMatchObject({
      outcome: 'staged',
      taken: [
        {
          target: 'stable/model-2.0.0.bin',
          kind: 'model',
          version: '2.0.0',
          length: 200_000,
          outcome: 'staged',
        },
        { target: 'stable/overlay-1.0.0.bin', kind: 'configuration', outcome: 'staged' },
      ],
    });
    expect(told.at(0)).toEqual({ stage: 'fetch', target: 'stable/model-2.0.0.bin', done: 0, of: 200_000 });
    expect(told).toContainEqual({
      stage: 'fetch',
      target: 'stable/model-2.0.0.bin',
      done: 200_000,
      of: 200_000,
    });
    expect(Object.keys(device.files()).filter((name) => name.startsWith('staging/'))).toHaveLength(2);
    expect(device.events().filter(({ event }) => event === 'staged')).toHaveLength(2);
  });

  it('asks the installer before bytes are moved, and hands it what lies here once its trust is kept', async () => {
    const steps: string[] = [];
    const installing: Installing = {
      async admits({ name }) {
        steps.push(`admits ${name}`);
        return true;
      },
      async install({ target, release, file }) {
        const kept = device.events().at(-1)?.event;
        steps.push(`installs ${target.name} ${release.version} ${readFileSync(file).length} after ${kept}`);
        return 'pending';
      },
    };
    const told: StageProgress[] = [];
    const pulled = await passOver(new FolderSource(stick), installing, told);
    expect(pulled).toMatchObject({
      outcome: 'pending',
      taken: [{ outcome: 'pending' }, { outcome: 'pending' }],
    });
    expect(steps).toEqual([
      'admits stable/model-2.0.0.bin',
      'installs stable/model-2.0.0.bin 2.0.0 200000 after trusted',
      'admits stable/overlay-1.0.0.bin',
      'installs stable/overlay-1.0.0.bin 1.0.0 199998 after staged',
    ]);
    expect(new Set(told.map(({ stage }) => stage))).toEqual(new Set(['fetch']));
  });

  it('that one release is refused, before or after it came, keeps no other away; the pass ends with it', async () => {
    for (const when of ['admits', 'install'] as const) {
      const installed: string[] = [];
      const refuse = (name: string): void => {
        if (name.includes('model')) throw new RefusedError('PROOF', 'It reads worse than it says');
      };
      const installing: Installing = {
        async admits({ name }) {
          if (when === 'admits') refuse(name);
          return true;
        },
        async install({ target: { name } }) {
          refuse(name);
          installed.push(name);
          return 'active';
        },
      };
      await expect(passOver(new FolderSource(stick), installing)).rejects.toMatchObject({
        ...{ code: 'PROOF', exitCode: 3 },
      });
      expect(installed).toEqual(['stable/overlay-1.0.0.bin']);
    }
    expect(device.events()).toContainEqual(expect.objectContaining({ event: 'refused', code: 'PROOF' }));
  });

  it('brings nothing here that the installer does not want', async () => {
    const installing: Installing = { admits: async () => false, install: async () => 'active' };
    const pulled = await passOver(new FolderSource(stick), installing);
    expect(pulled).toEqual({ outcome: 'up-to-date', taken: [] });
    expect(existsSync(path.join(device.data, 'updates/staging'))).toBe(false);
  });

  it('ends as up to date where all is there', async () => {
    const [newest] = ['99.0.0'].map((version) => ({
      target: '',
      name: 'model',
      version,
      hash: 'x',
      installedAt: '',
    }));
    const there = { active: newest, pending: null, onTrial: false, refused: [], givenUp: [] };
    const overlay = { ...there, active: { ...newest, name: 'overlay' } };
    const present = async () => ({ shipped: {}, installed: { model: there, configuration: overlay } });
    expect(await passOver(new FolderSource(stick), null, [], present)).toEqual({
      outcome: 'up-to-date',
      taken: [],
    });
    expect(existsSync(path.join(device.data, 'updates/staging'))).toBe(false);
  });

  it('goes on where it was when the source comes and goes, and reads no byte twice', async () => {
    const folder = new FolderSource(stick);
    const opened: number[] = [];
    let cuts = 3;
    const source: Source = {
      kind: 'http',
      describe: () => 'a network that comes and goes',
      async open(name, from) {
        const found = await folder.open(name, from);
        if (found === null || !name.at(-1)?.endsWith('model-2.0.0.bin')) return found;
        opened.push(from);
        if (cuts-- <= 0) return found;
        return {
          ...found,
          pieces: (async function* () {
            for await (const piece of found.pieces) {
              yield piece;
              throw new SpikescopeError('SOURCE_UNREACHABLE', 'The server cannot be read');
            }
          })(),
        };
      },
    };
    expect(await passOver(source, null)).toMatchObject({ outcome: 'staged' });
    expect(opened).toEqual([0, 65_536, 131_072, 196_608]);
  });

  it('over a stick that is older than the device takes nothing, which is no failure', async () => {
    await passOver(new FolderSource(stick), null);
    const before = office.now;
    await office.publish();
    const newer = await office.stick('newer');
    await passOver(new FolderSource(newer), null);
    office.now = before;
    expect(await passOver(new FolderSource(stick), null)).toMatchObject({ outcome: 'older' });
    rmSync(newer, { recursive: true });
  });
});
