import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { addBillOfMaterials } from '../../src/release/add-release.ts';
import { rotate, setDelegation } from '../../src/release/change-keys.ts';
import { openQuorums, signDrafts } from '../../src/release/drafts.ts';
import { inspectRepository } from '../../src/release/inspect.ts';
import { Workspace } from '../../src/release/workspace.ts';
import type { DeviceFacts } from '../../src/updates/compatibility.ts';
import { parseRelease, roleOfChannel, roleOfSite } from '../../src/updates/release.ts';
import { FolderSource } from '../../src/updates/source/folder.ts';
import { TestDevice } from '../support/updates/device.ts';
import { Office, releaseOf } from '../support/updates/office.ts';
import { newSigner } from '../support/updates/simulator.ts';

const FACTS: DeviceFacts = { hardware: ['linux-x64'], cards: [], application: '0.1.0', journal: 4 };
const content = (text: string) => Buffer.from(text);
let office: Office;
let device: TestDevice;
beforeEach(async () => {
  office = await Office.open();
  const root = path.join(office.folder, 'repository/draft/root.json');
  device = new TestDevice(readFileSync(root));
  device.now = office.now;
});
afterEach(() => {
  device.end();
  office.end();
});

const source = () => new FolderSource(office.workspace.public);

async function offered(
  site: string | null = null,
  facts = FACTS,
  channels: ('stable' | 'trial')[] = ['stable'],
) {
  const outcome = await device.use(source(), (repository) =>
    repository
      .offers({ channels, site, device: facts })
      .then((offers) => offers.map(({ target, misfits }) => [target.name, misfits.length === 0])),
  );
  return outcome.outcome === 'trusted' ? outcome.result : outcome.outcome;
}

describe('a repository', () => {
  it('publishes what devices trust, again and again', async () => {
    for (let i = 1; i <= 3; i++) {
      await office.add(content(`weights ${i}`), `1.0.${i}`);
      const { versions } = await office.publish();
      expect(versions).toMatchObject({ root: 1, timestamp: i, snapshot: i, stable: i, trial: 1 });
      expect(await device.download(source(), `stable/model-1.0.${i}.bin`)).toEqual(content(`weights ${i}`));
    }
    expect(await offered()).toHaveLength(3);
  });

  it('keeps trial and stable apart, and shows a device only what it takes part in', async () => {
    await office.add(content('a'), '1.0.0');
    await office.add(content('b'), '2.0.0', { channel: 'trial' });
    await office.publish();
    expect(await offered()).toEqual([['stable/model-1.0.0.bin', true]]);
    expect(await offered(null, FACTS, ['trial', 'stable'])).toHaveLength(2);
  });

  it('lets a site’s own keys release for that site alone', async () => {
    const north = newSigner();
    const place = roleOfSite('north');
    const signers = [office.release, north];
    await setDelegation(
      office.workspace,
      { ...place, keys: [north.key], threshold: 1, now: office.now },
      signers,
    );
    const plain = office.release;
    await office.add(content('a'), '1.0.0');
    Object.assign(office, { release: north });
    await office.add(content('overlay'), '1.0.0', { site: 'north', kind: 'configuration', name: 'overlay' });
    // Its key signs nothing of all the world's channel.
    await office.add(content('bad'), '6.6.6');
    await expect(office.publish()).rejects.toMatchObject({
      code: 'RELEASE_UNSIGNED',
      details: { field: 'stable' },
    });
    await signDrafts(office.workspace, [plain]);
    await office.publish();
    expect(await offered('north')).toContainEqual(['sites/north/overlay-1.0.0.bin', true]);
    expect(await offered('south')).not.toContainEqual(['sites/north/overlay-1.0.0.bin', true]);
  });

  it('carries figures that a device must measure, fractions among them', async () => {
    const asked = { balancedAccuracy: 0.6145, triageSensitivity: 1, latency: 0.000001 };
    await office.add(content('a'), '1.0.0', { proof: asked, learning: 'park' });
    await office.publish();
    const { result } = await device
      .use(source(), (repository) => repository.target('stable/model-1.0.0.bin'))
      .then((outcome) => (outcome.outcome === 'trusted' ? outcome : { result: null }));
    expect(parseRelease(result?.custom)).toMatchObject({ proof: asked, learning: 'park' });
  });

  it('says of each release whether it fits a device', async () => {
    const compatible = {
      hardware: ['raspberry-pi-5'],
      cards: ['akd1000'],
      application: { from: '0.2.0', before: '0.9.0' },
    };
    await office.add(content('a'), '1.0.0', { compatible, journal: 5 });
    await office.publish();
    expect(await offered()).toEqual([['stable/model-1.0.0.bin', false]]);
    const fit = { hardware: ['raspberry-pi-5'], cards: ['akd1000'], application: '0.8.4', journal: 5 };
    expect(await offered(null, fit)).toEqual([['stable/model-1.0.0.bin', true]]);
    for (const off of [
      { hardware: ['x'] },
      { cards: [] },
      { application: '0.9.0' },
      { application: '0.1.9' },
      { journal: 4 },
    ]) {
      expect(await offered(null, { ...fit, ...off })).toEqual([['stable/model-1.0.0.bin', false]]);
    }
  });

  it('carries the bill of materials of a release, signed with it, which no device takes for a release', async () => {
    const file = path.join(office.folder, 'bill.json');
    writeFileSync(file, '{"bomFormat":"CycloneDX"}');
    const { target: of } = await office.add(content('a'), '1.0.0');
    const { target } = await addBillOfMaterials(
      office.workspace,
      { file, ...roleOfChannel('stable'), release: releaseOf('1.0.0'), now: office.now, of },
      [office.release],
    );
    await office.publish();
    expect(target).toBe('stable/model-1.0.0.cdx.json');
    expect(await offered()).toEqual([['stable/model-1.0.0.bin', true]]);
    expect(await device.download(source(), target)).toEqual(readFileSync(file));
  });

  it('publishes nothing that devices would refuse', async () => {
    await office.add(content('a'), '1.0.0');
    await office.publish();
    const before = readFileSync(path.join(office.workspace.metadata, 'timestamp.json'));
    writeFileSync(path.join(office.workspace.metadata, '1.trial.json'), '{}');
    await expect(office.publish()).rejects.toMatchObject({ exitCode: 3 });
    expect(readFileSync(path.join(office.workspace.metadata, 'timestamp.json'))).toEqual(before);
  });

  it('is made in an empty folder only, and found in none other', () => {
    const folder = path.join(office.folder, 'full');
    mkdirSync(folder);
    writeFileSync(path.join(folder, 'file'), '');
    expect(() => Workspace.create(folder)).toThrow(
      expect.objectContaining({ code: 'REPOSITORY_EXISTS', exitCode: 2 }),
    );
    expect(() => Workspace.open(folder)).toThrow(expect.objectContaining({ code: 'REPOSITORY_FOLDER' }));
  });

  it('shows its roles, keys and releases', async () => {
    await office.add(content('a'), '1.0.0');
    const before = inspectRepository(office.workspace);
    expect(before.roles.map(({ role }) => role)).toEqual([
      'root',
      'targets',
      'snapshot',
      'timestamp',
      'stable',
      'trial',
    ]);
    expect(before.roles[0]).toMatchObject({ version: 0, threshold: 2, draft: [{ isReached: true }] });
    await office.publish();
    const after = inspectRepository(office.workspace);
    expect(after.roles.every(({ version, draft }) => version === 1 && draft === null)).toBe(true);
    expect(after.targets).toMatchObject([{ target: 'stable/model-1.0.0.bin', role: 'stable', length: 1 }]);
  });
});

describe('keys that are replaced', () => {
  it('are out of force for a device with the next root, which old and new root keys have signed', async () => {
    await office.publish();
    expect(await device.refresh(source())).toBe('trusted');
    const [first, second] = office.roots;
    const fresh = newSigner();
    const rotation = {
      role: 'root',
      add: [fresh.key],
      remove: [second.key.keyID.slice(0, 12)],
      threshold: null,
      now: office.now,
    } as const;
    // The lost key is not there; the one that is left and the new one are two of the new, but one of the old.
    const unsigned = await rotate(office.workspace, rotation, [first, fresh]);
    expect(unsigned).toMatchObject([{ role: 'root', threshold: 2, signed: [first.key.keyID] }]);
    await expect(office.publish()).rejects.toMatchObject({ code: 'RELEASE_UNSIGNED' });
    await signDrafts(office.workspace, [second]);
    await office.publish();
    expect(await device.refresh(source())).toBe('trusted');
    expect(await device.versions()).toMatchObject({ root: 2 });
  });

  it('of the online roles: the thief’s far versions are over on the devices that saw them', async () => {
    await office.publish();
    const stolen = office.online;
    const thief = await office.stick('thief');
    for (let i = 0; i < 4; i++) await office.publish();
    expect(await device.refresh(source())).toBe('trusted');
    expect(thief).toBeTruthy();
    const fresh = newSigner();
    const remove = [stolen.key.keyID.slice(0, 16)];
    await rotate(
      office.workspace,
      { role: 'online', add: [fresh.key], remove, threshold: null, now: office.now },
      office.roots,
    );
    await expect(office.publish()).rejects.toMatchObject({
      code: 'RELEASE_UNSIGNED',
      details: { field: 'snapshot' },
    });
    Object.assign(office, { online: fresh });
    await office.publish();
    expect(await device.refresh(source())).toBe('trusted');
    expect(await device.refresh(new FolderSource(thief))).toBe('older');
  });

  it('must be named without doubt, and never leave fewer than must sign', async () => {
    const rotation = { role: 'root', add: [], threshold: null, now: office.now } as const;
    const attempt = (remove: string[]) => rotate(office.workspace, { ...rotation, remove }, office.roots);
    await expect(attempt(['00'])).rejects.toMatchObject({ code: 'REPOSITORY_KEY' });
    await expect(attempt([office.roots[0].key.keyID])).rejects.toMatchObject({
      code: 'REPOSITORY_THRESHOLD',
    });
    await expect(signDrafts(office.workspace, [newSigner()])).rejects.toMatchObject({
      code: 'RELEASE_NOTHING_TO_SIGN',
    });
    expect(openQuorums(office.workspace)).toEqual([]);
  });
});

describe('a copy on a stick', () => {
  it('carries every root, and brings a device from the first to the newest', async () => {
    await office.add(content('a'), '1.0.0');
    await office.publish();
    for (let i = 0; i < 3; i++) {
      const fresh = newSigner();
      const old = office.roots[0];
      await rotate(
        office.workspace,
        { role: 'root', add: [fresh.key], remove: [old.key.keyID], threshold: null, now: office.now },
        [...office.roots, fresh],
      );
      office.roots[0] = fresh;
      await office.publish();
    }
    const stick = await office.stick();
    for (let i = 1; i <= 4; i++) expect(existsSync(path.join(stick, `metadata/${i}.root.json`))).toBe(true);
    expect(await device.download(new FolderSource(stick), 'stable/model-1.0.0.bin')).toEqual(content('a'));
    expect(await device.versions()).toMatchObject({ root: 4 });
  });
});
