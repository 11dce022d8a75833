/** `provision install` and `run` in processes of their own: what is proven comes into use, what does not hold goes again. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, truncateSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { readBundle } from '../../../src/model/bundle/read.ts';
import { DEFAULT_MODEL } from '../../../src/runtime/engine/shipped-models.ts';
import { verifyJournalFile } from '../../../src/store/inspect.ts';
import { startAppliance } from '../../support/appliance.ts';
import { bundleOfVersion, bundleOfWrongPotentials } from '../../support/updates/bundles.ts';
import { Office } from '../../support/updates/office.ts';

let office: Office;
let folder: string;
let stick: string;
let factory: string;
beforeAll(async () => {
  office = await Office.open();
  folder = mkdtempSync(path.join(tmpdir(), 'install-run-'));
  factory = (await readBundle(DEFAULT_MODEL)).version;
  for (const version of ['9.1.0', '9.2.0'])
    await office.add(bundleOfVersion(version), version, { name: 'qana64' });
  await office.add(bundleOfWrongPotentials('9.3.0'), '9.3.0', { name: 'qana64' });
  await office.add(Buffer.from('result-schema: 1\n'), '1.0.0', { name: 'overlay', kind: 'configuration' });
  await office.add(Buffer.from('data: /elsewhere\n'), '1.1.0', { name: 'overlay', kind: 'configuration' });
  const contradiction = 'broker: mqtt://broker.example\nbroker-port: 1883\n';
  await office.add(Buffer.from(contradiction), '1.2.0', { name: 'overlay', kind: 'configuration' });
  await office.add(bundleOfVersion('9.4.0'), '9.4.0', { name: 'qana64', proof: { balancedAccuracy: 0.99 } });
  await office.publish();
  stick = await office.stick();
});
afterAll(() => {
  office.end();
  rmSync(folder, { recursive: true, force: true });
});

const target = (version: string) =>
  `stable/${version.startsWith('9.') ? 'qana64' : 'overlay'}-${version}.bin`;

/** A device with a data folder of its own. */
class Scope {
  readonly data = mkdtempSync(path.join(folder, 'data-'));

  provision(...words: string[]) {
    const { status, stdout, stderr } = spawnSync(
      process.execPath,
      ['bin/spikescope.mjs', 'provision', ...words, '--data', this.data, '--json'],
      { encoding: 'utf8' },
    );
    return { status, stderr, document: stdout === '' ? null : z.looseObject({}).parse(JSON.parse(stdout)) };
  }

  install(version: string, ...words: string[]) {
    const root = path.join(stick, 'metadata/1.root.json');
    return this.provision('install', target(version), '--from', stick, '--root', root, ...words);
  }

  start(count?: number, environment: Readonly<Record<string, string>> = {}, interval = '50') {
    const words = ['--data', this.data, '--json', '--interval', interval];
    return startAppliance(
      count === undefined ? words : [...words, '--count', String(count)],
      () => {},
      environment,
    );
  }

  /** Takes captures to the end. @returns versions of the models that read them */
  async read(count: number): Promise<{ versions: string[]; lines: readonly string[]; stderr: string }> {
    const appliance = this.start(count);
    expect(await appliance.ended).toEqual({ exitCode: 0, signal: null });
    return { versions: versionsIn(appliance.lines), lines: appliance.lines, stderr: appliance.stderr() };
  }

  /** Starts, and kills it after its second result: its third capture is under way. @returns what read these two */
  async readAndKill(): Promise<string[]> {
    const started = Date.now();
    const appliance = this.start(undefined, {}, '1000');
    // What the one before had still to send may come first.
    const own = () => appliance.lines.filter((line) => capturedAt(line) >= started);
    while (own().length < 2) {
      expect(appliance.residentKilobytes()).toBeDefined();
      await appliance.untilLines(appliance.lines.length + 1);
    }
    const lines = own().slice(0, 2);
    appliance.kill('SIGKILL');
    expect(await appliance.ended).toMatchObject({ signal: 'SIGKILL' });
    return versionsIn(lines);
  }

  model(): Record<string, unknown> {
    return z.looseObject({ model: z.looseObject({}) }).parse(this.provision('status').document).model;
  }

  verifyJournal(): void {
    expect(verifyJournalFile(path.join(this.data, 'journal.sqlite'), null)).toMatchObject({ sound: true });
  }
}

function capturedAt(line: string): number {
  return Date.parse(z.object({ capturedAt: z.string() }).parse(JSON.parse(line)).capturedAt);
}

function versionsIn(lines: readonly string[]): string[] {
  const result = z.object({ model: z.object({ version: z.string() }) });
  return lines.map((line) => result.parse(JSON.parse(line)).model.version);
}

describe('a model that was installed', { timeout: 600_000 }, () => {
  it('reads from the next start on, is confirmed by captures, and gives way to a person', async () => {
    const scope = new Scope();
    expect(scope.install('9.1.0')).toMatchObject({ status: 0, document: { outcome: 'pending' } });
    expect(scope.model()).toMatchObject({ active: null, pending: { version: '9.1.0' } });
    const { versions } = await scope.read(12);
    expect(versions).toEqual(Array(12).fill('9.1.0'));
    expect(scope.model()).toMatchObject({
      active: { version: '9.1.0', refused: null },
      pending: null,
      trial: null,
    });
    expect(scope.install('9.1.0')).toMatchObject({ status: 0, document: { outcome: 'current' } });
    expect(scope.provision('rollback')).toMatchObject({
      status: 0,
      document: { outcome: 'rolled-back', to: null },
    });
    expect((await scope.read(1)).versions).toEqual([factory]);
    scope.verifyJournal();
  });

  it('falls back by itself at the third start where it is killed at its third capture in each', async () => {
    const scope = new Scope();
    scope.install('9.1.0');
    await scope.read(10);
    expect(scope.install('9.2.0')).toMatchObject({ status: 0 });
    expect(await scope.readAndKill()).toEqual(['9.2.0', '9.2.0']);
    expect(scope.install('9.4.0')).toMatchObject({
      status: 3,
      stderr: expect.stringContaining('INSTALL_TRIAL_PENDING'),
    });
    expect(await scope.readAndKill()).toEqual(['9.2.0', '9.2.0']);
    const { versions, stderr } = await scope.read(1);
    // What the killed ones had still to send comes first.
    expect(versions.at(-1)).toBe('9.1.0');
    expect(stderr).toContain('2 starts in a row failed');
    expect(scope.model()).toMatchObject({ active: { version: '9.1.0' }, trial: null });
    expect(scope.install('9.2.0')).toMatchObject({
      status: 3,
      stderr: expect.stringContaining('INSTALL_REFUSED'),
    });
    expect(scope.install('9.2.0', '--again')).toMatchObject({ status: 0, document: { outcome: 'pending' } });
    scope.verifyJournal();
  });

  it('comes into use by itself where somebody starts the appliance again, and is announced where nobody does', async () => {
    const scope = new Scope();
    const alone = scope.start();
    const supervised = new Scope();
    const service = supervised.start(undefined, { INVOCATION_ID: 'a service' });
    await Promise.all([alone.untilLines(1), service.untilLines(1)]);
    expect([scope, supervised].map((each) => each.install('9.1.0').status)).toEqual([0, 0]);
    expect(await service.ended).toEqual({ exitCode: 0, signal: null });
    expect((await supervised.read(1)).versions.at(-1)).toBe('9.1.0');
    await expect.poll(() => alone.stderr()).toContain('comes into use with the next start');
    alone.kill('SIGTERM');
    expect(await alone.ended).toEqual({ exitCode: 0, signal: null });
    expect(new Set(versionsIn(alone.lines))).toEqual(new Set([factory]));
  });

  it('is refused with figures where it does not do on this device what it must', async () => {
    const scope = new Scope();
    expect(scope.install('9.3.0')).toMatchObject({
      status: 3,
      stderr: expect.stringMatching(/golden.*\[PROOF_FAILED\]/),
    });
    expect(scope.install('9.4.0')).toMatchObject({
      status: 3,
      stderr: expect.stringMatching(/balancedAccuracy 0\.\d+, required at least 0\.99.*\[PROOF_FAILED\]/),
    });
    expect(scope.model()).toMatchObject({ active: null, pending: null });
    expect((await scope.read(1)).versions).toEqual([factory]);
    scope.verifyJournal();
  });

  it('gives way at once where the medium has damaged it', async () => {
    const scope = new Scope();
    scope.install('9.1.0');
    await scope.read(10);
    truncateSync(path.join(scope.data, 'updates/slots/model-a/model.spikescope'), 1_000);
    const { versions, stderr } = await scope.read(1);
    expect(versions).toEqual([factory]);
    expect(stderr).toContain('its slot is damaged');
    // The release is not to blame: it may come again.
    expect(scope.install('9.1.0')).toMatchObject({ status: 0, document: { outcome: 'pending' } });
    scope.verifyJournal();
  });
});

describe('a configuration that was installed', { timeout: 600_000 }, () => {
  it('lies over the device’s own file, and leaves alone what belongs to the device', async () => {
    const scope = new Scope();
    expect(scope.install('1.1.0')).toMatchObject({
      status: 3,
      stderr: expect.stringContaining('CONFIG_OVERLAY'),
    });
    expect(JSON.parse((await scope.read(1)).lines[0]).schema).toBe('spikescope/result/2');
    expect(scope.install('1.0.0')).toMatchObject({ status: 0 });
    expect(JSON.parse((await scope.read(1)).lines[0]).schema).toBe('spikescope/result/1');
    await scope.read(9);
    // Each of its settings is one, and they contradict each other: the start goes on with those before.
    expect(scope.install('1.2.0')).toMatchObject({ status: 0, document: { outcome: 'pending' } });
    const { lines, stderr } = await scope.read(1);
    expect(JSON.parse(lines[0]).schema).toBe('spikescope/result/1');
    expect(stderr).toContain('OPTION_COMBINATION');
    expect(
      readFileSync(path.join(scope.data, 'updates/slots/configuration-a/configuration.yaml'), 'utf8'),
    ).toBe('result-schema: 1\n');
    scope.verifyJournal();
  });
});
