/** What a machine that updates itself is given: units of the pull and of the stick, and the rule that starts the latter. */
import { execFileSync, spawnSync } from 'node:child_process';
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { constants, tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { provisionCommand } from '../../src/cli/provision/provision.ts';
import { bundleOfVersion } from '../support/updates/bundles.ts';
import { Office } from '../support/updates/office.ts';
import { allowedCalls, callNumbers, settingsOf } from './system-calls.ts';

const FOLDER = 'provisioning/systemd';
const RULE = 'provisioning/udev/71-spikescope-stick.rules';
const UNITS = ['spikescope-update.service', 'spikescope-stick@.service'] as const;
const text = (unit: string) => readFileSync(path.join(FOLDER, unit), 'utf8');

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'spikescope-units-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

function works(program: string, ...args: string[]): boolean {
  return spawnSync(program, args, { stdio: 'ignore' }).status === 0;
}

describe('the rule of the stick', () => {
  const rule = readFileSync(RULE, 'utf8');
  const line = rule.split('\n').find((each) => each !== '' && !each.startsWith('#')) ?? '';
  const given = (key: string): string | undefined => line.split(', ').find((each) => each.startsWith(key));

  it('takes file systems of three kinds on USB, and names the unit by what the kernel says alone', () => {
    expect(given('SUBSYSTEM==')).toBe('SUBSYSTEM=="block"');
    expect(given('ENV{ID_BUS}')).toBe('ENV{ID_BUS}=="usb"');
    expect(given('ENV{ID_FS_TYPE}')).toBe('ENV{ID_FS_TYPE}=="vfat|exfat|ext4"');
    expect(given('ENV{SYSTEMD_WANTS}')).toBe('ENV{SYSTEMD_WANTS}+="spikescope-stick@%k.service"');
    expect(line).not.toMatch(/RUN|PROGRAM|IMPORT|\$|%[^k]/);
    // What ID_FS_TYPE says is found out by 60-persistent-storage.rules.
    expect(path.basename(RULE) > '60-persistent-storage.rules').toBe(true);
  });

  // Since systemd 254.
  it.skipIf(!works('udevadm', 'verify', '--help'))('is understood by udev, which knows a wrong one', () => {
    const verify = (file: string) => spawnSync('udevadm', ['verify', '--resolve-names=never', file]).status;
    expect(verify(RULE)).toBe(0);
    const wrong = path.join(folder, 'wrong.rules');
    writeFileSync(wrong, rule.replace('TAG+=', 'TUG+='));
    expect(verify(wrong)).not.toBe(0);
  });
});

describe('the unit of the stick', () => {
  const unit = text('spikescope-stick@.service');

  it('mounts nothing but the three kinds, read-only, and lets no program and no device on it be one', () => {
    const [block, mount] = settingsOf(unit, 'ExecStartPre');
    // Before the mount, which would replay the journal of an ext4.
    expect(block).toBe('+/usr/sbin/blockdev --setro /dev/%i');
    const [, kinds = '', options = ''] = /mount -t (\S+) -o (\S+) -- \/dev\/%i /.exec(mount) ?? [];
    expect(kinds.split(',').sort()).toEqual(['exfat', 'ext4', 'vfat']);
    for (const option of ['ro', 'nodev', 'nosuid', 'noexec', 'nosymfollow']) {
      expect(options.split(',')).toContain(option);
    }
    expect(settingsOf(unit, 'ExecStopPost')).toEqual([
      '-+/usr/bin/nsenter --mount=/proc/1/ns/mnt /usr/bin/umount --lazy -- /run/spikescope-stick/%i',
    ]);
  });

  it('mounts in the mounts of the system: what is mounted in those of one line is gone before the next', () => {
    const [, mount] = settingsOf(unit, 'ExecStartPre');
    expect(mount).toMatch(/^\+.*exec \/usr\/bin\/nsenter --mount=\/proc\/1\/ns\/mnt \/usr\/bin\/mount -t /);
  });

  it('ends with the stick, may read it and no other device, and has no network', () => {
    expect(settingsOf(unit, 'BindsTo')).toEqual(['dev-%i.device']);
    expect(settingsOf(unit, 'DeviceAllow')).toEqual(['/dev/%i r']);
    expect(settingsOf(unit, 'PrivateNetwork')).toEqual(['yes']);
  });
});

describe.each(UNITS)('%s', (name) => {
  const unit = text(name);

  it('has every wall that the appliance has', () => {
    const walls = /^(Protect|Restrict|Private|Lock|NoNew|Capability|SystemCall|UMask|DevicePolicy)\w*=/;
    const own = unit.split('\n').filter((line) => walls.test(line));
    const asked = text('spikescope.service')
      .split('\n')
      .filter((line) => walls.test(line) && !line.startsWith('RestrictAddressFamilies='));
    expect(asked.length).toBeGreaterThan(15);
    expect(asked.filter((line) => !own.includes(line))).toEqual([]);
    const families = settingsOf(unit, 'RestrictAddressFamilies').join(' ').split(' ');
    const allowed = settingsOf(text('spikescope.service'), 'RestrictAddressFamilies').join(' ').split(' ');
    expect(families.filter((family) => !allowed.includes(family))).toEqual([]);
  });

  it('runs a command that there is, with options that it has', () => {
    const [line] = settingsOf(unit, 'ExecStart');
    const [, words = ''] = /bin\/spikescope-launch\.mjs provision (.+)$/.exec(line) ?? [];
    const [command, ...rest] = words.split(' ');
    const known = provisionCommand().commands.find((each) => each.name() === command);
    const options = rest.filter((word) => word.startsWith('--'));
    expect(options.filter((word) => !known?.options.some(({ long }) => long === word))).toEqual([]);
    expect(options.includes('--now')).toBe(name.includes('stick'));
  });
});

describe('the command over MQTT', () => {
  it('is heard by the unit that watches for the wish, which the service brings along', () => {
    expect(settingsOf(text('spikescope-update.path'), 'PathExists')).toEqual([
      '/var/lib/spikescope/updates/wanted',
    ]);
    const part = text('spikescope.service.d/update.conf');
    expect(settingsOf(part, 'Wants')).toEqual(['spikescope-update.path']);
    expect(settingsOf(part, 'Environment')).toEqual(['SPIKESCOPE_UPDATES_BY=unit']);
  });

  it('finds no unit that sets off all devices at the same minute', () => {
    const timer = text('spikescope-update.timer');
    expect(settingsOf(timer, 'RandomizedDelaySec')).toEqual(['50min']);
    expect(settingsOf(timer, 'FixedRandomDelay')).toEqual(['yes']);
  });
});

describe.skipIf(!works('systemd-analyze', '--version'))('systemd', () => {
  const NAMES = [
    ...['spikescope-update.service', 'spikescope-update.timer', 'spikescope-update.path'],
    ...['spikescope-stick@sda1.service', 'spikescope.service'],
  ];

  function lay(): void {
    cpSync(FOLDER, folder, { recursive: true });
    cpSync(
      path.join(folder, 'spikescope-stick@.service'),
      path.join(folder, 'spikescope-stick@sda1.service'),
    );
  }

  function verify(): string {
    const files = NAMES.map((name) => `'${path.join(folder, name)}'`).join(' ');
    return execFileSync('sh', ['-c', `systemd-analyze verify --man=no ${files} 2>&1 || true`], {
      encoding: 'utf8',
    });
  }

  it('understands every unit, and knows a wrong one', () => {
    lay();
    const complaint = /spikescope\S*:\d+: |Unknown (key|section)|Failed to parse|Invalid/;
    expect(verify()).not.toMatch(complaint);
    const file = path.join(folder, 'spikescope-stick@sda1.service');
    writeFileSync(file, readFileSync(file, 'utf8').replace('PrivateNetwork=', 'PrivatNetwork='));
    expect(verify()).toMatch(complaint);
  });

  it('finds no unit more exposed than the appliance itself', () => {
    lay();
    const exposure = (name: string): number => {
      const { stdout } = spawnSync(
        'systemd-analyze',
        ['security', '--offline=true', '--no-pager', path.join(folder, name)],
        { encoding: 'utf8', env: { ...process.env, SYSTEMD_COLORS: '0' } },
      );
      const [, level] = /Overall exposure level for .*: ([\d.]+) /.exec(stdout) ?? [];
      return Number(level);
    };
    const appliance = exposure('spikescope.service');
    expect(appliance).toBeLessThan(3);
    expect(exposure('spikescope-update.service')).toBeLessThanOrEqual(appliance);
    expect(exposure('spikescope-stick@sda1.service')).toBeLessThanOrEqual(appliance);
  });
});

describe.skipIf(!works('systemd-analyze', '--version') || !works('cc', '--version'))(
  'the pull under the filter of system calls',
  { timeout: 120_000 },
  () => {
    it.each(UNITS)('of %s brings a release here and proves it', async (name) => {
      const filter = path.join(folder, 'filter');
      execFileSync('cc', ['-O1', '-o', filter, 'test/provisioning/system-call-filter.c']);
      const office = await Office.open();
      try {
        await office.add(bundleOfVersion('99.0.0'), '99.0.0', { name: 'qana64' });
        await office.publish();
        const stick = await office.stick();
        const numbers = callNumbers();
        const allowed = path.join(folder, 'allowed');
        const calls = [...allowedCalls(text(name))].flatMap((call) => numbers.get(call) ?? []);
        writeFileSync(allowed, calls.join('\n'));
        const root = path.join(stick, 'metadata/1.root.json');
        const words = [
          'pull',
          '--from',
          stick,
          '--root',
          root,
          '--data',
          mkdtempSync(path.join(folder, 'data-')),
          '--json',
        ];
        const program = [process.execPath, path.resolve('bin/spikescope.mjs'), 'provision', ...words];
        const { status, stdout, stderr } = spawnSync(
          filter,
          [String(constants.errno.EPERM), allowed, ...program],
          { encoding: 'utf8' },
        );
        expect({ status, stderr: status === 0 ? '' : stderr }).toEqual({ status: 0, stderr: '' });
        expect(JSON.parse(stdout)).toMatchObject({ outcome: 'pending', taken: [{ version: '99.0.0' }] });
      } finally {
        office.end();
      }
    });
  },
);
