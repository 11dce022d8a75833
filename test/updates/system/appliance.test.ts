/** How a start of the appliance goes on with the system that it runs in. */
import { createHash } from 'node:crypto';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Cleanup } from '../../../src/runtime/appliance/cleanup.ts';
import { Installation } from '../../../src/runtime/appliance/installation.ts';
import { DEFAULT_SETTINGS } from '../../../src/runtime/appliance/settings/settings.ts';
import { Journal } from '../../../src/store/journal.ts';
import { Installer } from '../../../src/updates/install/installer.ts';
import { carryOut } from '../../../src/updates/system/carry-out.ts';
import { requestFile } from '../../../src/updates/system/places.ts';
import { proveSystem } from '../../../src/updates/system/prove-system.ts';
import { systemSlots } from '../../../src/updates/system/system-slots.ts';
import { releaseOf } from '../../support/updates/office.ts';
import { OPERATION } from '../../support/updates/releases.ts';
import { packSystem, SlotMachine, smallSystem } from '../../support/updates/systems.ts';

let folder: string;
let machine: SlotMachine;
let said: string[];
beforeEach(async () => {
  folder = mkdtempSync(path.join(tmpdir(), 'appliance-system-'));
  machine = new SlotMachine(folder, smallSystem(0));
  said = [];
  const { data, places } = machine;
  const journal = Journal.open(path.join(data, 'journal.sqlite'));
  const system = systemSlots(data, places);
  if (system === null) throw new Error('no slots');
  const prove = (candidate: Parameters<typeof proveSystem>[0]) =>
    proveSystem(candidate, { data, places, onStep: () => {} });
  const file = packSystem(folder, 'one.system', smallSystem(1));
  const content = readFileSync(file);
  const hashes = new Map([['sha256', createHash('sha256').update(content).digest('hex')]] as const);
  const target = { name: 'stable/one.system', length: content.length, hashes, place: [], keys: [] };
  await new Installer({ data, journal, operation: OPERATION, prove, system }).install({
    target: { ...target, role: 'stable', custom: {} },
    release: releaseOf('1.0.1', { kind: 'system', name: 'spikescope-system' }),
    file,
  });
  journal.close();
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

/** One start, up to where it opens the model. */
async function start<T>(work: (installation: Installation) => Promise<T>): Promise<T> {
  const cleanup = new Cleanup();
  const { data, places } = machine;
  const settings = { ...DEFAULT_SETTINGS, source: 'phantom', data };
  try {
    const installation = await Installation.open({
      ...{ settings, withOverlay: () => settings, cleanup, say: (line: string) => said.push(line) },
      ...{ places, restartPatience: 1 },
    });
    return await work(installation);
  } finally {
    await cleanup.run();
  }
}

const asked = () =>
  existsSync(requestFile(machine.data)) ? readFileSync(requestFile(machine.data), 'utf8').trim() : null;
const carry = () => {
  const rights = {
    withWritable: (_: string, work: () => Promise<void>) => work(),
    restart: async (argument: string | null) => machine.start(machine.firmware(argument === '0 tryboot')),
  };
  return carryOut({ data: machine.data, places: machine.places, rights, shown: folder });
};

describe('a system that waits', () => {
  it('is asked for before anything else comes into use, and readings go on where nobody restarts', async () => {
    const isTrial = await start(async ({ activation }) => activation.isTrial);
    expect(isTrial).toBe(false);
    expect(asked()).toBe('tryboot');
    expect(said).toEqual(['The system spikescope-system 1.0.1 is started on trial']);
  });

  it('is on trial in the start that follows the restart, and is committed after its good captures', async () => {
    await start(async () => {});
    expect(await carry()).toBe('tryboot');
    expect(machine.running).toBe('b');
    await start(async ({ activation }) => {
      expect(activation.isOnTrial('system')).toBe(true);
      for (let capture = 0; capture < 9; capture++) await activation.captureSucceeded();
      expect(asked()).toBeNull();
      await activation.captureSucceeded();
      expect(asked()).toBe('commit');
      expect(activation.isOnTrial('system')).toBe(false);
    });
    expect(machine.firmware(false)).toBe('a');
    expect(await carry()).toBe('commit');
    expect(machine.firmware(false)).toBe('b');
    // From then on there is nothing to ask for.
    await start(async () => {});
    expect(asked()).toBeNull();
  });

  it('is not confirmed by a start that ends in order, and falls back after two that came to nothing', async () => {
    for (let attempt = 0; attempt < 2; attempt++) {
      await start(async () => {});
      expect(await carry()).toBe('tryboot');
      // The appliance runs there, ends in order, and the time of the trial is over.
      await start(async ({ activation }) => activation.orderlyEnd());
      machine.start(machine.firmware(false));
    }
    await start(async ({ activation }) => expect(activation.isTrial).toBe(false));
    expect(asked()).toBeNull();
    expect(said.at(-1)).toBe(
      'The system spikescope-system 1.0.1 is not in use any more: 2 starts in a row failed; what was before it is',
    );
  });

  it('is asked for once more where the power was cut between its confirmation and its commit', async () => {
    await start(async () => {});
    await carry();
    await start(async ({ activation }) => {
      for (let capture = 0; capture < 10; capture++) await activation.captureSucceeded();
    });
    rmSync(requestFile(machine.data));
    machine.start(machine.firmware(false));
    await start(async () => {});
    expect(asked()).toBe('tryboot');
    await carry();
    expect(machine.running).toBe('b');
  });
});
