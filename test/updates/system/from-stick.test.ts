/** A system from the build of an image over a stick into a slot: what is signed of it, and who takes it. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { describeRelease } from '../../../src/release/add-release.ts';
import { Journal } from '../../../src/store/journal.ts';
import { installFrom } from '../../../src/updates/install/install-from.ts';
import { Installer } from '../../../src/updates/install/installer.ts';
import { readInstalled } from '../../../src/updates/installed-view.ts';
import { lastInstallation } from '../../../src/updates/records.ts';
import { FolderSource } from '../../../src/updates/source/folder.ts';
import { proveSystem } from '../../../src/updates/system/prove-system.ts';
import { systemSlots } from '../../../src/updates/system/system-slots.ts';
import { Updates } from '../../../src/updates/updates.ts';
import { Office } from '../../support/updates/office.ts';
import { OPERATION } from '../../support/updates/releases.ts';
import { packSystem, SlotMachine, smallSystem } from '../../support/updates/systems.ts';

const next = smallSystem(1);
const WORDS = {
  ...{
    kind: 'system' as const,
    name: null,
    version: null,
    hardware: ['any'],
    cards: [],
    from: '0.1.0',
    before: null,
  },
  ...{ journal: 2, notes: '', change: 'CC-15', proof: null, learning: null },
};

let office: Office;
let folder: string;
let machine: SlotMachine;
let journal: Journal;
beforeEach(async () => {
  office = await Office.open();
  folder = mkdtempSync(path.join(tmpdir(), 'from-stick-'));
  machine = new SlotMachine(folder, smallSystem(0));
  journal = Journal.open(path.join(machine.data, 'journal.sqlite'));
});
afterEach(() => {
  journal.close();
  office.end();
  rmSync(folder, { recursive: true, force: true });
});

async function install(hasSystemSlots: boolean) {
  const file = packSystem(folder, 'virt.img.system', next);
  await office.add(readFileSync(file), '1.0.1', await describeRelease(file, WORDS));
  await office.publish();
  const { data, places } = machine;
  const root = readFileSync(path.join(await office.stick(), 'metadata/1.root.json'));
  const updates = await Updates.open({ data, journal, by: 'somebody', root });
  const system = systemSlots(data, places);
  const installer = new Installer({
    ...{ data, journal, operation: OPERATION },
    ...(system !== null && hasSystemSlots && { system }),
    prove: (candidate) => proveSystem(candidate, { data, places, onStep: () => {} }),
  });
  const device = {
    hardware: ['linux-dummy-virt'],
    cards: [],
    application: '0.1.0',
    journal: 2,
    hasSystemSlots,
  };
  const subscription = { channels: ['stable' as const], site: null, device };
  const request = { target: null, kind: 'system' as const, subscription };
  try {
    return await installFrom(updates, new FolderSource(await office.stick()), request, installer);
  } finally {
    updates.close();
  }
}

it('bears the name, version and board of its archive', async () => {
  const file = packSystem(folder, 'virt.img.system', next);
  expect(await describeRelease(file, WORDS)).toMatchObject({
    ...{ kind: 'system', name: 'spikescope-system', version: '1.0.1' },
    compatible: { hardware: ['linux-dummy-virt'] },
  });
  const words = { ...WORDS, hardware: ['raspberry-pi-5'], version: '2.0.0' };
  expect(await describeRelease(file, words)).toMatchObject({
    ...{ version: '2.0.0', compatible: { hardware: ['raspberry-pi-5'] } },
  });
});

it('lies in the slot beside the one that runs, waits, and stands in journal and messages', async () => {
  expect(await install(true)).toMatchObject({
    outcome: 'pending',
    slot: 'b',
    occupant: { version: '1.0.1' },
  });
  expect(machine.holds('b', next)).toBe(true);
  expect(machine.holds('a', smallSystem(0))).toBe(true);
  expect(lastInstallation(journal)).toMatchObject({
    ...{ event: 'pending', kind: 'system' },
    proof: { passed: true, items: [{ name: 'boot' }, { name: 'root' }, { name: 'verity' }] },
  });
  expect((await readInstalled(machine.data))?.system).toMatchObject({
    // What came with the device, by the root hash that the kernel was given.
    ...{ active: { target: 'image', version: '0.9.0', hash: '1'.repeat(64) }, pending: { version: '1.0.1' } },
    onTrial: false,
  });
});

it('is none for a device without slots for a system, which stays as it is', async () => {
  expect(await install(false)).toMatchObject({ outcome: 'current', occupant: null });
  expect((await readInstalled(machine.data)) ?? {}).not.toHaveProperty('system');
});
