import { execFileSync, spawnSync } from 'node:child_process';
import { chmodSync, cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { DEFAULT_SCREEN_PORT, screenSettingsOf } from '../../src/runtime/appliance/settings/screen.ts';

const FOLDER = 'provisioning/systemd';
const UNIT = readFileSync(path.join(FOLDER, 'spikescope-kiosk.service'), 'utf8');
const DROP_IN = readFileSync(path.join(FOLDER, 'spikescope.service.d/kiosk.conf'), 'utf8');

function works(command: string, ...args: string[]): boolean {
  return spawnSync(command, args, { stdio: 'ignore' }).status === 0;
}

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'kiosk-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const settingsOf = (text: string, name: string): string[] =>
  [...text.matchAll(new RegExp(`^${name}=(.*)$`, 'gm'))].map(([, value]) => value);

describe('the kiosk', () => {
  it('shows the page where the appliance serves it when a display is there', () => {
    expect(UNIT).toContain(`--app=http://127.0.0.1:${DEFAULT_SCREEN_PORT}/ `);
    expect(settingsOf(DROP_IN, 'Environment')).toEqual(['SPIKESCOPE_DISPLAY=kiosk']);
    expect(screenSettingsOf(undefined, true)).toEqual({ port: DEFAULT_SCREEN_PORT, network: null });
    expect([screenSettingsOf(undefined, false), screenSettingsOf(false, true)]).toEqual([null, null]);
  });

  it('comes again after every end, and neither stops the appliance nor is stopped with it', () => {
    expect(settingsOf(UNIT, 'Restart')).toEqual(['always']);
    expect(settingsOf(UNIT, 'StartLimitIntervalSec')).toEqual(['0']);
    expect(settingsOf(UNIT, 'Wants')).toEqual(['spikescope.service']);
    expect(UNIT).not.toMatch(/^(Requires|BindsTo|PartOf|Requisite)=/m);
  });

  it('keeps what the browser writes in memory, and reaches no network', () => {
    const command = UNIT.slice(UNIT.indexOf('ExecStart='), UNIT.indexOf('Restart='));
    expect(command).toMatch(/--user-data-dir=%t\/spikescope-kiosk\/profile --incognito/);
    expect(settingsOf(UNIT, 'IPAddressDeny')).toEqual(['any']);
    expect(settingsOf(UNIT, 'IPAddressAllow')).toEqual(['localhost']);
    expect(settingsOf(UNIT, 'ProtectSystem')).toEqual(['strict']);
    expect(UNIT).not.toMatch(/^(ReadWritePaths|StateDirectory|CacheDirectory)=/m);
  });
});

describe.skipIf(!works('systemd-analyze', '--version'))('systemd', () => {
  /** With programs in the place of those that this machine may lack: verify wants them to be there. */
  function lay(): string {
    cpSync(FOLDER, folder, { recursive: true });
    const cage = path.join(folder, 'cage');
    writeFileSync(cage, '#!/bin/sh\n');
    chmodSync(cage, 0o755);
    const file = path.join(folder, 'spikescope-kiosk.service');
    writeFileSync(file, readFileSync(file, 'utf8').replace('/usr/bin/cage', cage));
    return file;
  }

  function verify(file: string): string {
    return execFileSync('sh', ['-c', `systemd-analyze verify --man=no '${file}' 2>&1 || true`], {
      encoding: 'utf8',
    });
  }

  it('understands the unit and its part of the appliance, and knows a wrong one', () => {
    const file = lay();
    const complaint = /(spikescope-kiosk\S*|kiosk\.conf):\d+: |Unknown (key|section)|Failed to parse|Invalid/;
    expect(verify(file)).not.toMatch(complaint);
    expect(verify(path.join(folder, 'spikescope.service'))).not.toMatch(/kiosk\.conf:\d+: /);
    writeFileSync(file, readFileSync(file, 'utf8').replace('IPAddressDeny=', 'IPAdressDeny='));
    expect(verify(file)).toMatch(complaint);
  });

  it('finds it well confined for a browser', () => {
    const { stdout } = spawnSync('systemd-analyze', ['security', '--offline=true', '--no-pager', lay()], {
      encoding: 'utf8',
      env: { ...process.env, SYSTEMD_COLORS: '0' },
    });
    const [, level] = /Overall exposure level for .*: ([\d.]+) /.exec(stdout) ?? [];
    // Without namespaces and a filter of system calls of its own, which the browser's own confinement needs.
    expect(Number(level)).toBeLessThan(5);
  });
});
