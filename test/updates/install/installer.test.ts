import { execFileSync } from 'node:child_process';
import {
  appendFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Journal } from '../../../src/store/journal.ts';
import { Activation } from '../../../src/updates/install/activation.ts';
import type { StageProgress } from '../../../src/updates/install/contract.ts';
import { installFrom } from '../../../src/updates/install/install-from.ts';
import { Installed, installedFile } from '../../../src/updates/install/installed.ts';
import { Installer } from '../../../src/updates/install/installer.ts';
import { FolderSource } from '../../../src/updates/source/folder.ts';
import { Updates } from '../../../src/updates/updates.ts';
import { canMount, fillUp, mountSmallDisk } from '../../support/small-disk.ts';
import { Office } from '../../support/updates/office.ts';
import {
  contentOf,
  fetchedRelease,
  installerOptions,
  OPERATION,
  proving,
} from '../../support/updates/releases.ts';

let data: string;
let journal: Journal;
beforeEach(() => {
  data = mkdtempSync(path.join(tmpdir(), 'installer-'));
  journal = Journal.open(path.join(data, 'journal.sqlite'));
});
afterEach(() => {
  journal.close();
  rmSync(data, { recursive: true, force: true });
});

const installerOf = (passes = true, more = {}) =>
  new Installer({ ...installerOptions(data, journal, proving(passes)), ...more });
const stateOf = async (from: Pick<Journal, 'record' | 'lastPayloadOf'> = journal) =>
  (await new Installed({ data, journal: from, operation: OPERATION }).read()).state.model;
const events = () =>
  [...journal.records()].map(({ payload }) => JSON.parse(payload)).map(({ event, code }) => code ?? event);

describe('an installation', () => {
  it('goes through its stages, leaves a record of each and nothing in the staging folder', async () => {
    const told: StageProgress[] = [];
    const fetched = fetchedRelease(data, 1);
    await installerOf(true, { onProgress: (each: StageProgress) => told.push(each) }).install(fetched);
    expect([...new Set(told.map(({ stage }) => stage))]).toEqual(['check', 'write']);
    expect(told.at(-1)).toMatchObject({ done: 2 * contentOf(1).length, of: 2 * contentOf(1).length });
    expect(events()).toEqual(['cleared', 'written', 'pending']);
    expect(existsSync(fetched.file)).toBe(false);
    expect(readFileSync(path.join(data, 'updates/slots/model-a/model.spikescope')).equals(contentOf(1))).toBe(
      true,
    );
  });

  it('records who, from where, what served before and after, and the figures of the proof', async () => {
    await expect(installerOf(false).install(fetchedRelease(data, 1))).rejects.toMatchObject({
      code: 'PROOF_FAILED',
      details: { received: 'golden.cpu 0.5, required 1' },
    });
    const [, , unproven, refused] = [...journal.records()].map(({ payload }) => JSON.parse(payload));
    expect(unproven).toMatchObject({
      event: 'unproven',
      kind: 'model',
      by: 'test',
      source: 'test',
      before: null,
      after: null,
    });
    expect(unproven.proof.items).toEqual([
      { name: 'golden.cpu', passed: false, measured: 0.5, required: '1' },
    ]);
    expect(refused).toMatchObject({ event: 'refused', code: 'PROOF_FAILED' });
    expect(await stateOf()).toMatchObject({ active: null, pending: null });
  });

  it('is refused where what was fetched is not what was signed any more', async () => {
    const fetched = fetchedRelease(data, 1);
    appendFileSync(fetched.file, 'x');
    await expect(installerOf().install(fetched)).rejects.toMatchObject({ code: 'TARGET_DAMAGED' });
    expect(await stateOf()).toMatchObject({ pending: null, slots: { a: null, b: null } });
  });

  it('is refused below the version that came with the program under that name, and under no other', async () => {
    const older = installerOf(true, { factory: { name: 'model', version: '1.0.5' } });
    await expect(older.install(fetchedRelease(data, 4))).rejects.toMatchObject({ code: 'INSTALL_OLDER' });
    const other = installerOf(true, { factory: { name: 'another', version: '1.0.5' } });
    expect(await other.install(fetchedRelease(data, 4))).toMatchObject({ isNew: true });
  });

  it('of an application needs somebody who unpacks it', async () => {
    const fetched = fetchedRelease(data, 1);
    const application = { ...fetched, release: { ...fetched.release, kind: 'application' as const } };
    await expect(installerOf().install(application)).rejects.toMatchObject({ code: 'INSTALL_KIND' });
    const unpacked: string[] = [];
    const unpack = async (_: string, folder: string) => void unpacked.push(folder);
    expect(await installerOf(true, { unpack }).install(application)).toMatchObject({ isNew: true });
    expect(unpacked).toEqual([path.join(data, 'updates/slots/application-a')]);
  });
});

describe('the newest of a repository', () => {
  it('is found among what fits, was not refused and is newer than what is in use', async () => {
    const office = await Office.open();
    try {
      for (const number of [1, 3, 2]) await office.add(contentOf(number), `1.0.${number}`);
      await office.add(contentOf(4), '1.0.4', {
        compatible: { hardware: ['other'], cards: [], application: { from: '0.1.0' } },
      });
      await office.publish();
      const stick = await office.stick();
      const root = readFileSync(path.join(stick, 'metadata/1.root.json'));
      const take = async (passes: boolean) => {
        const updates = await Updates.open({ data, journal, root, by: 'test' });
        const device = { hardware: ['here'], cards: [], application: '0.1.0', journal: 2 };
        const subscription = { channels: ['stable' as const], site: null, device };
        try {
          const request = { target: null, kind: 'model' as const, subscription };
          const outcome = await installFrom(updates, new FolderSource(stick), request, installerOf(passes));
          return [outcome.outcome, 'occupant' in outcome ? outcome.occupant?.version : null];
        } finally {
          updates.close();
        }
      };
      await expect(take(false)).rejects.toMatchObject({ code: 'PROOF_FAILED' });
      expect(await take(true)).toEqual(['pending', '1.0.2']);
      const start = new Activation({
        ...{ data, kinds: ['model'], goodCaptures: 1 },
        installed: new Installed({ data, journal, operation: OPERATION }),
      });
      await start.beginStart();
      await start.captureSucceeded();
      expect(await take(true)).toEqual(['current', '1.0.2']);
    } finally {
      office.end();
    }
  });
});

describe('a journal that takes no more', () => {
  it('keeps neither a trial from being counted nor a release from falling back', async () => {
    await installerOf().install(fetchedRelease(data, 1));
    await new Activation({ data, installed: installerOf().installed, kinds: ['model'] }).activate();
    const full = Journal.open(journal.file, { capacity: { maximum: 1 } });
    const installed = new Installed({ data, journal: full, operation: OPERATION });
    const reads: (string | null)[] = [];
    for (let start = 1; start <= 3; start++) {
      const activation = new Activation({ data, installed, kinds: ['model'] });
      await activation.beginStart();
      reads.push(await activation.contentOf('model'));
    }
    expect(reads).toEqual([expect.stringContaining('model-a'), expect.stringContaining('model-a'), null]);
    expect(await stateOf(full)).toMatchObject({ active: null, trial: null });
    full.close();
  });
});

describe.skipIf(!canMount())('a full disk', () => {
  it('is told before a byte is written, and a trial that cannot be counted reads with what was before', async () => {
    await installerOf().install(fetchedRelease(data, 1));
    await new Activation({ data, installed: installerOf().installed, kinds: ['model'] }).activate();
    journal.close();
    const disk = mkdtempSync(path.join(tmpdir(), 'small-'));
    const unmount = mountSmallDisk(disk, '4m');
    try {
      execFileSync('cp', ['-r', `${data}/.`, disk]);
      journal = Journal.open(path.join(disk, 'journal.sqlite'));
      fillUp(path.join(disk, 'filler'));
      const installed = new Installed({ data: disk, journal, operation: OPERATION });
      const said: string[] = [];
      const start = new Activation({
        data: disk,
        installed,
        kinds: ['model'],
        say: (line) => said.push(line),
      });
      await start.beginStart();
      expect(await start.contentOf('model')).toBeNull();
      expect(said.join()).toContain('not tried in this start');
      rmSync(path.join(disk, 'filler'));
      const fresh = path.join(disk, 'fresh');
      mkdirSync(fresh);
      journal.close();
      journal = Journal.open(path.join(fresh, 'journal.sqlite'));
      const installer = new Installer(installerOptions(fresh, journal, proving(true)));
      await expect(installer.install(fetchedRelease(data, 2))).rejects.toMatchObject({
        code: 'INSTALL_SPACE',
      });
    } finally {
      journal.close();
      unmount();
      rmSync(disk, { recursive: true, force: true });
    }
  });
});

describe('the books', () => {
  it('are found in the journal where the file is gone, and in the file where the journal is', async () => {
    await installerOf().install(fetchedRelease(data, 1));
    const before = await stateOf();
    rmSync(installedFile(data));
    expect(await stateOf()).toEqual(before);
    await installerOf().install(fetchedRelease(data, 2));
    const empty = { record: () => 0, lastPayloadOf: () => null };
    expect((await stateOf(empty)).slots.b).toMatchObject({ version: '1.0.2' });
  });

  it('count in the newer of the two', async () => {
    await installerOf().install(fetchedRelease(data, 1));
    const older = readFileSync(installedFile(data));
    await new Activation({ data, installed: installerOf().installed, kinds: ['model'] }).activate();
    writeFileSync(installedFile(data), older);
    expect(await stateOf()).toMatchObject({ active: 'a', pending: null });
  });
});
