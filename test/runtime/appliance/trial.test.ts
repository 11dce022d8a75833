import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Trial } from '../../../src/runtime/appliance/trial.ts';
import { Journal } from '../../../src/store/journal.ts';
import { Activation } from '../../../src/updates/install/activation.ts';
import { Installed } from '../../../src/updates/install/installed.ts';
import { Installer } from '../../../src/updates/install/installer.ts';
import { fetchedRelease, installerOptions, OPERATION, proving } from '../../support/updates/releases.ts';

let data: string;
let journal: Journal;
let activation: Activation;
const said: string[] = [];
beforeEach(async () => {
  said.length = 0;
  data = mkdtempSync(path.join(tmpdir(), 'trial-'));
  journal = Journal.open(path.join(data, 'journal.sqlite'));
  await new Installer(installerOptions(data, journal, proving(true))).install(fetchedRelease(data, 1));
  const installed = new Installed({ data, journal, operation: OPERATION });
  activation = new Activation({ data, installed, kinds: ['model'], goodCaptures: 2, healthyFor: 20 });
  await activation.beginStart();
});
afterEach(() => {
  journal.close();
  rmSync(data, { recursive: true, force: true });
});

function trial(more: Partial<ConstructorParameters<typeof Trial>[0]> = {}): Trial {
  return new Trial({
    ...{ activation, data, check: async () => {}, isSessionOpen: () => false, restart: null, interval: 5 },
    say: (line) => said.push(line),
    ...more,
  });
}

const lastEvent = () => JSON.parse(journal.lastPayloadOf('installed', 'provision') ?? '{}');

describe('a release on trial', () => {
  it('is confirmed by captures that gave a reading, and by no others', async () => {
    const one = trial();
    for (let i = 0; i < 3; i++) one.recorded({ fault: 'INTERNAL' });
    one.recorded({});
    await one.stop();
    expect(activation.isTrial).toBe(true);
    one.recorded({});
    await one.stop();
    expect(lastEvent()).toMatchObject({ event: 'confirmed', captures: 2 });
    expect(activation.isTrial).toBe(false);
  });

  it('is confirmed by time in health, as soon as it is in health', async () => {
    let checks = 0;
    const one = trial({
      check: async () => {
        if (++checks < 3) throw new Error('not in health');
      },
    });
    one.start();
    await expect.poll(() => lastEvent().event).toBe('confirmed');
    await one.stop();
    expect(checks).toBe(3);
    expect(said.filter((line) => line.includes('not in health'))).toHaveLength(2);
  });

  it('that was begun anew after an end in order has no failed start', async () => {
    await trial().endedInOrder();
    expect(lastEvent()).toMatchObject({ event: 'ended', state: { model: { trial: { starts: 0 } } } });
  });

  it('whose start a launcher has counted is confirmed by the program that it started', async () => {
    const installed = new Installed({ data, journal, operation: OPERATION });
    activation = new Activation({ data, installed, kinds: [], others: ['model'], goodCaptures: 1 });
    await activation.adopt('model');
    expect(await activation.isRestartDue()).toBe(false);
    const one = trial();
    one.recorded({});
    await one.stop();
    expect(lastEvent()).toMatchObject({ event: 'confirmed', state: { model: { trial: null } } });
    await activation.rollback('model', 'somebody');
    expect(await activation.isRestartDue()).toBe(true);
  });
});

describe('a change of what is installed', () => {
  it('ends the program between patients, once, and not in a session', async () => {
    let isSessionOpen = true;
    let restarts = 0;
    const one = trial({ isSessionOpen: () => isSessionOpen, restart: () => void restarts++ });
    one.start();
    await new Activation({
      ...{ data, kinds: ['model'] },
      installed: new Installed({ data, journal, operation: OPERATION }),
    }).rollback('model', 'somebody');
    await expect.poll(() => activation.isRestartDue()).toBe(true);
    // Many looks later.
    for (let i = 0; i < 20; i++) await activation.isRestartDue();
    expect(restarts).toBe(0);
    isSessionOpen = false;
    await expect.poll(() => restarts).toBe(1);
    await one.stop();
    expect(restarts).toBe(1);
  });
});
