import { chmodSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Finding, Surroundings } from '../../src/cli/doctor/check.ts';
import { doctorCommand, examine } from '../../src/cli/doctor/doctor.ts';
import { DEFAULT_MODEL } from '../../src/runtime/engine/open-model.ts';
import { Journal } from '../../src/store/journal.ts';
import { hasMosquitto, startMosquitto } from '../support/mosquitto.ts';
import { runCommand } from '../support/run-command.ts';

const PATH = process.env.PATH;
const GPIOD = fileURLToPath(new URL('../support/fake-gpiod.mjs', import.meta.url));

let folder: string;
let surroundings: Surroundings;

beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'spikescope-doctor-'));
  for (const name of ['dev', 'sys', 'bin', 'data']) mkdirSync(path.join(folder, name));
  surroundings = {
    dev: path.join(folder, 'dev'),
    sys: path.join(folder, 'sys'),
    model: DEFAULT_MODEL,
    dataFolder: path.join(folder, 'data'),
  };
  // Only what a test puts there is installed, and Node for the fakes.
  symlinkSync(process.execPath, path.join(folder, 'bin/node'));
  process.env.PATH = `${path.join(folder, 'bin')}:/usr/bin:/bin`;
});

afterEach(() => {
  process.env.PATH = PATH;
  rmSync(folder, { recursive: true });
});

function put(file: string, content: string): void {
  mkdirSync(path.dirname(path.join(folder, file)), { recursive: true });
  writeFileSync(path.join(folder, file), content);
}

function install(name: string, script: string): void {
  put(`bin/${name}`, `#!/bin/sh\n${script}\n`);
  chmodSync(path.join(folder, 'bin', name), 0o755);
}

async function found(part: string): Promise<Finding> {
  const finding = (await examine(surroundings)).find((each) => each.part === part);
  if (finding === undefined) throw new Error(`nothing was said of ${part}`);
  return finding;
}

describe('spikescope doctor', () => {
  it('says of every part whether it works, with a remedy for each that does not', async () => {
    const findings = await examine(surroundings);
    expect(findings.map(({ part }) => part)).toEqual([
      'engine',
      'card',
      'camera',
      'gpio',
      'clock',
      'storage',
      'broker',
    ]);
    for (const { state, remedy, part } of findings) if (state !== 'works') expect(remedy, part).toBeTruthy();
  });

  it('answers one JSON document', async () => {
    const { stdout } = await runCommand(doctorCommand(), ['--json', '--data', path.join(folder, 'data')]);
    expect(JSON.parse(stdout).findings).toHaveLength(7);
  });

  it('exits with 1 when something that is needed is broken', async () => {
    put('model', 'no bundle');
    const { exitCode, stdout } = await runCommand(doctorCommand(), [
      '--model',
      path.join(folder, 'model'),
      '--data',
      path.join(folder, 'data'),
    ]);
    expect(exitCode).toBe(1);
    expect(stdout).toMatch(/✗ engine {3}.*\[BUNDLE_/);
  });

  it('tells a card without a driver from a card with one, and from none', async () => {
    expect((await found('card')).state).toBe('absent');
    put('sys/bus/pci/devices/0001:01:00.0/vendor', '0x1e7c\n');
    put('sys/bus/pci/devices/0001:01:00.0/device', '0xbca1\n');
    expect(await found('card')).toMatchObject({
      state: 'broken',
      detail: expect.stringContaining('AKD1000'),
    });
    put('dev/akida0', '');
    expect(await found('card')).toMatchObject({
      state: 'works',
      detail: expect.stringContaining('nothing was run on it'),
    });
  });

  it('asks libcamera for its cameras', async () => {
    install('rpicam-vid', "echo 'Available cameras'; echo '0 : imx477 [4056x3040] (/base/soc/i2c0mux)'");
    expect(await found('camera')).toMatchObject({
      state: 'works',
      detail: expect.stringContaining('imx477'),
    });
    install('rpicam-vid', 'echo No cameras available!');
    expect(await found('camera')).toMatchObject({
      state: 'broken',
      remedy: expect.stringContaining('cable'),
    });
  });

  it('finds the header by its label, in sysfs or through gpiod', async () => {
    symlinkSync(GPIOD, path.join(folder, 'bin/gpiodetect'));
    expect(await found('gpio')).toMatchObject({
      state: 'works',
      detail: expect.stringContaining('gpiochip0'),
    });
    put('sys/class/gpio/gpiochip571/label', 'pinctrl-rp1\n');
    put('sys/class/gpio/gpiochip571/base', '571\n');
    expect(await found('gpio')).toMatchObject({ state: 'works', detail: expect.stringContaining('571') });
  });

  it('verifies the journal, also beside an appliance that has it open, and notices a damaged one', async () => {
    const journal = Journal.open(path.join(folder, 'data/journal.sqlite'));
    expect(await found('storage')).toMatchObject({ state: 'works' });
    journal.close();
    put('data/journal.sqlite', 'this is no database, and long enough to be sure of that');
    expect(await found('storage')).toMatchObject({
      state: 'broken',
      detail: expect.stringContaining('JOURNAL_'),
    });
  });

  it.skipIf(!hasMosquitto)('tries the broker that is named', async () => {
    const broker = await startMosquitto();
    try {
      surroundings = { ...surroundings, broker: `mqtt://127.0.0.1:${broker.port}` };
      expect((await found('broker')).state).toBe('works');
    } finally {
      await broker.stop();
    }
    expect((await found('broker')).state).toBe('broken');
    surroundings = { ...surroundings, broker: 'http://broker' };
    expect(await found('broker')).toMatchObject({ detail: expect.stringContaining('BROKER_URL') });
  });
});
