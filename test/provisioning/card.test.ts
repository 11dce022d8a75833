/** What a machine with a card is given: the rule for its files, the service's part, the packaging of the driver. */
import { execFileSync, spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { settingsOf } from './system-calls.ts';

const RULE = 'provisioning/udev/70-spikescope-card.rules';
const UNIT = 'provisioning/systemd/spikescope.service';
const DROP_IN = 'provisioning/systemd/spikescope.service.d/card.conf';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'spikescope-card-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

function works(program: string, ...args: string[]): boolean {
  return spawnSync(program, args, { stdio: 'ignore' }).status === 0;
}

describe('the udev rule', () => {
  const rule = readFileSync(RULE, 'utf8');
  const line = rule.split('\n').find((each) => each !== '' && !each.startsWith('#')) ?? '';
  const given = (key: string): string | undefined => new RegExp(`(?:^|, )${key}"([^"]*)"`).exec(line)?.[1];

  /** As udev matches names: parts between bars, with the wildcards of a shell. */
  const matches = (name: string): boolean =>
    (given('KERNEL==') ?? '').split('|').some((pattern) => {
      const expression = pattern.replace(/[.+^${}()\\]/g, '\\$&').replaceAll('*', '.*');
      return new RegExp(`^${expression}$`).test(name);
    });

  it('takes the files of both chips and no others', () => {
    expect(['akida0', 'akida12', 'akd1500_0'].every(matches)).toBe(true);
    expect(['akida', 'akidax', 'akd1500', 'kvm', 'xakida0'].some(matches)).toBe(false);
    expect(given('SUBSYSTEM==')).toBe('misc');
  });

  it('gives them to root and the group akida alone, whatever a later rule says', () => {
    expect([given('OWNER:='), given('GROUP:='), given('MODE:=')]).toEqual(['root', 'akida', '0660']);
    // The vendor's is 99-akida-pcie.rules: a final value must have been given before.
    expect(path.basename(RULE) < '99-akida-pcie.rules').toBe(true);
    expect(readFileSync('provisioning/sysusers/spikescope-card.conf', 'utf8')).toMatch(/^g akida -$/m);
  });

  // Since systemd 254.
  it.skipIf(!works('udevadm', 'verify', '--help'))('is understood by udev, which knows a wrong one', () => {
    const verify = (file: string) => spawnSync('udevadm', ['verify', '--resolve-names=never', file]).status;
    expect(verify(RULE)).toBe(0);
    const wrong = path.join(folder, 'wrong.rules');
    writeFileSync(wrong, rule.replace('MODE:=', 'MOD:='));
    expect(verify(wrong)).not.toBe(0);
  });
});

describe('the service on a machine with a card', () => {
  it('is in the card’s group, and may open the card by its own names and nothing else of its kind', () => {
    const part = readFileSync(DROP_IN, 'utf8');
    expect(settingsOf(part, 'SupplementaryGroups')).toEqual(['akida']);
    expect(settingsOf(part, 'DeviceAllow')).toEqual(['/dev/akida0 rw', '/dev/akd1500_0 rw']);
    // Without a card there is no such group, without which systemd does not start the service.
    const unit = readFileSync(UNIT, 'utf8');
    expect(settingsOf(unit, 'SupplementaryGroups').join(' ')).not.toContain('akida');
    expect(settingsOf(unit, 'DevicePolicy')).toEqual(['closed']);
    expect(settingsOf(unit, 'DeviceAllow').join(' ')).not.toMatch(/misc|akida/);
  });

  it.skipIf(!works('systemd-analyze', '--version'))(
    'is understood by systemd, which knows a wrong one',
    () => {
      cpSync('provisioning/systemd', folder, { recursive: true });
      const verify = () =>
        execFileSync(
          'sh',
          ['-c', `systemd-analyze verify --man=no ${folder}/spikescope.service 2>&1 || true`],
          {
            encoding: 'utf8',
          },
        );
      const complaint = /card\.conf:\d+: (Unknown|Failed|Invalid)/;
      expect(verify()).not.toMatch(complaint);
      const dropIn = path.join(folder, 'spikescope.service.d/card.conf');
      writeFileSync(dropIn, readFileSync(dropIn, 'utf8').replace('DeviceAllow', 'DeviceAllowed'));
      expect(verify()).toMatch(complaint);
    },
  );
});

describe.skipIf(!existsSync('/bin/bash'))('the packaging of the driver', () => {
  /** As DKMS reads it, for one kernel. */
  function settings(kernel = '6.12.47+rpt-rpi-2712'): Record<string, string> {
    const names = [
      'PACKAGE_NAME',
      'PACKAGE_VERSION',
      'MAKE',
      'CLEAN',
      'BUILT_MODULE_NAME',
      'BUILD_EXCLUSIVE_KERNEL',
    ];
    const script = `kernelver=${kernel}; kernel_source_dir=/lib/modules/${kernel}/build; . provisioning/dkms/dkms.conf
      for name in ${names.join(' ')}; do printf '%s=%s\\n' "$name" "\${!name}"; done`;
    const output = execFileSync('/bin/bash', ['-c', script], { encoding: 'utf8' });
    return Object.fromEntries(
      output
        .trim()
        .split('\n')
        .map((line) => line.split(/=(.*)/s).slice(0, 2)),
    );
  }

  it('is of one commit, named in full and in the version', () => {
    const text = readFileSync('provisioning/dkms/dkms.conf', 'utf8');
    const [commit] = /\b[0-9a-f]{40}\b/.exec(text) ?? [''];
    expect(settings()).toMatchObject({
      PACKAGE_NAME: 'akida-pcie',
      BUILT_MODULE_NAME: 'akida-pcie',
      PACKAGE_VERSION: `1.0+${commit.slice(0, 7)}`,
    });
    expect(readFileSync('docs/use/card.md', 'utf8')).toContain(commit);
  });

  it('is for kernels 6.6 to 7.3, and is skipped with any other', () => {
    const { BUILD_EXCLUSIVE_KERNEL } = settings();
    const isFor = (kernel: string) => new RegExp(BUILD_EXCLUSIVE_KERNEL).test(kernel);
    const fit = [
      '6.6.51+rpt-rpi-2712',
      '6.8.0-60-generic',
      '6.9.1',
      '6.12.47+rpt-rpi-2712',
      '7.3.4+deb13-arm64',
    ];
    expect(fit.filter(isFor)).toEqual(fit);
    expect(['6.5.9', '6.1.0-28-amd64', '6.60.1', '7.4.0', '7.30.1', '5.6.6', '16.6.1'].filter(isFor)).toEqual(
      [],
    );
  });

  it('builds for the kernel that DKMS names, not for the one that runs', () => {
    const { MAKE } = settings('6.9.1');
    // In quotes of its own DKMS leaves the command as it is.
    expect(MAKE).toBe("'make' KERNEL_VERSION=6.9.1 KERNEL_PATH=/lib/modules/6.9.1/build all");
  });
});
