/** What is laid into an image: units that systemd understands, mounts, watchdogs, and what must never be there. */
import { execFileSync, spawnSync } from 'node:child_process';
import {
  chmodSync,
  copyFileSync,
  cpSync,
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { constants, tmpdir, userInfo } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { doctorCommand } from '../../src/cli/doctor/doctor.ts';
import { journalCommand } from '../../src/cli/journal/journal.ts';
import { provisionCommand } from '../../src/cli/provision/provision.ts';
import { allowedCalls, callNumbers, settingsOf } from '../provisioning/system-calls.ts';
import { attachLoop, hasLoopDevices } from '../support/loop-device.ts';

const FILES = 'scripts/flash/files';
const ROOT = `${FILES}/rootfs`;
const UNITS = `${ROOT}/usr/lib/systemd/system`;
const PACKAGE = 'opt/spikescope/node_modules/spikescope';
const OWN = readdirSync(UNITS).filter((name) => /^spikescope[^/]*\.(service|timer|path)$/.test(name));
/** Of the image, not links to units of the package, which have tests of their own. */
const MADE = OWN.filter((name) => !lstatSync(path.join(UNITS, name)).isSymbolicLink());

const text = (file: string) => readFileSync(path.join(FILES, file), 'utf8');
const unit = (name: string) => readFileSync(path.join(UNITS, name), 'utf8');
/** Where a unit lies in this project: links lead to where the package lies on a device. */
const sourceOf = (name: string) =>
  MADE.includes(name) ? path.join(UNITS, name) : path.join('provisioning/systemd', name);
const linesOf = (file: string) =>
  text(file)
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith('#'));

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'spikescope-files-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const at = (...names: string[]) => path.join(folder, ...names);

function works(program: string, ...args: string[]): boolean {
  return spawnSync(program, args, { stdio: 'ignore' }).status === 0;
}

/** Every link of the tree: where it lies, and what it leads to within the root of the device. */
function links(): { file: string; target: string }[] {
  return readdirSync(ROOT, { recursive: true, encoding: 'utf8' })
    .filter((name) => lstatSync(path.join(ROOT, name)).isSymbolicLink())
    .map((file) => ({
      file,
      target: path.join('/', path.dirname(file), readlinkSync(path.join(ROOT, file))),
    }));
}

describe('the tree', () => {
  it('leads to files of the package that are there', () => {
    const ours = links().filter(({ target }) => target.startsWith(`/${PACKAGE}/`));
    expect(ours.length).toBeGreaterThan(5);
    const dead = ours.filter(({ target }) => !existsSync(target.replace(`/${PACKAGE}/`, '')));
    expect(dead).toEqual([]);
  });

  it('enables only what it has, or what systemd brings', () => {
    const enabled = links().filter(({ file }) => file.includes('.wants/'));
    const foreign = enabled.map(({ target }) => path.basename(target)).filter((name) => !OWN.includes(name));
    expect(foreign.sort()).toEqual([
      ...['fstrim.timer', 'systemd-networkd.service', 'systemd-repart.service', 'systemd-resolved.service'],
      'systemd-timesyncd.service',
    ]);
    const wanted = enabled.map(({ target }) => path.basename(target));
    const idle = OWN.filter(
      (name) => !wanted.includes(name) && !wanted.includes(name.replace('service', 'timer')),
    );
    // By a file that is laid, by a rule of udev, and by the service itself.
    expect(idle.sort()).toEqual([
      ...['spikescope-boot-request.service', 'spikescope-export@.service', 'spikescope-stick@.service'],
      ...['spikescope-update.path', 'spikescope-wifi.service'],
    ]);
  });

  it('has no way in: no shell over the network, nothing that listens, no password', () => {
    const packages = linesOf('packages.txt').map((line) => line.replace(/^.*:/, ''));
    expect(packages.filter((name) => /ssh|telnet|sudo|gcc|g\+\+|^npm$/.test(name))).toEqual([]);
    for (const name of ['ssh.service', 'ssh.socket']) {
      expect(readlinkSync(path.join(ROOT, 'etc/systemd/system', name))).toBe('/dev/null');
    }
    expect(settingsOf(text('rootfs/etc/systemd/resolved.conf.d/spikescope.conf'), 'DNSStubListener')).toEqual(
      ['no'],
    );
    for (const network of ['20-wired', '25-wireless']) {
      const settings = text(`rootfs/etc/systemd/network/${network}.network`);
      for (const name of ['LLMNR', 'MulticastDNS']) expect(settingsOf(settings, name)).toEqual(['no']);
    }
    for (const file of ['shadow', 'passwd', 'sudoers'])
      expect(existsSync(path.join(ROOT, 'etc', file))).toBe(false);
  });

  it('tells doctor what the firmware was told, of whose partition nothing is mounted', () => {
    expect(text('rootfs/usr/share/spikescope/config.txt')).toBe(text('boot/config.txt'));
  });

  it('exports to a stick of that label alone, after the rule by which sticks are read', () => {
    const [rule] = linesOf('rootfs/usr/lib/udev/rules.d/74-spikescope-export.rules');
    expect(rule).toContain('ENV{ID_FS_LABEL}=="SPIKEEXPORT"');
    expect(rule).toContain('ENV{SYSTEMD_WANTS}="spikescope-export@%k.service"');
    expect(settingsOf(unit('spikescope-export@.service'), 'ConditionPathExists')).toEqual([
      '/boot/config/export-wanted.txt',
    ]);
  });

  it('is the same for every device: no seed, no identifier, no key', () => {
    expect(text('rootfs/etc/machine-id')).toBe('');
    const names = readdirSync(ROOT, { recursive: true, encoding: 'utf8' });
    expect(names.filter((name) => /random-seed|\.pem$|\.key$|ssh_host/.test(name))).toEqual([]);
  });
});

describe('what is written', () => {
  it('goes to the partition of data or into memory, of which each part is bounded', () => {
    const mounts = linesOf('rootfs/etc/fstab').map((line) => line.split(/\s+/));
    for (const [source, place, type, options] of mounts) {
      if (type === 'tmpfs') expect(options, place).toMatch(/size=\d+M/);
      else if (type === 'none') expect([source.startsWith('/data/'), options]).toEqual([true, 'bind']);
      else expect(['/data', '/boot/config']).toContain(place);
    }
    expect(mounts.find(([, place]) => place === '/boot/config')?.[3].split(',')).toContain('ro');
    expect(mounts.some(([, place, type]) => place === '/' || type === 'swap')).toBe(false);
    // Where something is mounted on a root that is read-only, a folder must be.
    for (const [, place] of mounts.filter(([, each]) => each !== '/tmp')) {
      expect(existsSync(path.join(ROOT, place, 'not-mounted')), place).toBe(true);
    }
  });

  it('wears no card for the log or for swap', () => {
    const journal = text('rootfs/etc/systemd/journald.conf.d/spikescope.conf');
    expect(settingsOf(journal, 'Storage')).toEqual(['volatile']);
    expect(settingsOf(journal, 'RuntimeMaxUse')).toEqual(['32M']);
    expect(text('rootfs/etc/systemd/zram-generator.conf')).toContain('[zram0]');
    expect(
      settingsOf(text('rootfs/etc/systemd/timesyncd.conf.d/spikescope.conf'), 'SaveIntervalSec'),
    ).toEqual(['1h']);
  });

  it("has its folder closed to others by each unit that could make it, as systemd's list of folders has it", () => {
    const [, mode] =
      /^z \/data\/spikescope (\d+) /m.exec(text('rootfs/usr/lib/tmpfiles.d/spikescope.conf')) ?? [];
    const units = OWN.map((name) => readFileSync(sourceOf(name), 'utf8'));
    const users = units.filter((each) => settingsOf(each, 'StateDirectory').length > 0);
    expect(users.length).toBeGreaterThan(5);
    expect(users.flatMap((each) => settingsOf(each, 'StateDirectoryMode'))).toEqual(users.map(() => mode));
  });

  it('is found on the disk that was booted from, and never on a stick', () => {
    const rule = linesOf('rootfs/usr/lib/udev/rules.d/72-spikescope-disk.rules').join('\n');
    expect(rule).toContain('ENV{ID_BUS}!="usb"');
    const [, names = ''] = /ID_PART_ENTRY_NAME\}=="([^"]+)"/.exec(rule) ?? [];
    expect(names.split('|')).toEqual(['config', 'boot-a', 'boot-b', 'root-a', 'root-b', 'data']);
    expect(text('rootfs/etc/fstab').match(/^\/dev\/\S+/gm)).toEqual([
      '/dev/spikescope/data',
      '/dev/spikescope/config',
    ]);
  });

  it('is mounted and remounted in the mounts of the system: in those of a unit, of which each line has its own, nobody would see it', () => {
    const lines = MADE.flatMap((name) =>
      ['ExecStartPre', 'ExecStart', 'ExecStopPost'].flatMap((key) => settingsOf(unit(name), key)),
    );
    const mounts = lines.filter((line) => /mount\b/.test(line));
    expect(mounts.length).toBeGreaterThan(5);
    expect(mounts.filter((line) => !/^-?\+/.test(line))).toEqual([]);
    const direct = mounts.filter((line) => /bin\/u?mount\b/.test(line));
    expect(direct.length).toBeGreaterThan(5);
    expect(direct.filter((line) => !line.includes('nsenter --mount=/proc/1/ns/mnt '))).toEqual([]);
  });

  it.skipIf(!works('udevadm', 'verify', '--help'))('has rules that udev understands', () => {
    for (const name of [
      '72-spikescope-disk.rules',
      '73-spikescope-header.rules',
      '74-spikescope-export.rules',
    ]) {
      const file = path.join(ROOT, 'usr/lib/udev/rules.d', name);
      expect(spawnSync('udevadm', ['verify', '--resolve-names=never', file]).status, name).toBe(0);
    }
  });
});

describe('the watchdogs', () => {
  it('hand over: the firmware starts the timer, the kernel feeds it, systemd takes it before its time is up', () => {
    const config = linesOf('boot/config.txt');
    expect(config).toContain('dtparam=watchdog=on');
    const [kernel] = config.flatMap((line) => /^kernel_watchdog_timeout=(\d+)$/.exec(line)?.[1] ?? []);
    expect(Number(kernel)).toBeGreaterThanOrEqual(30);
    const manager = text('rootfs/etc/systemd/system.conf.d/spikescope.conf');
    for (const name of ['RuntimeWatchdogSec', 'RebootWatchdogSec']) {
      const [seconds = ''] = settingsOf(manager, name);
      // The hardware's limit.
      expect(Number(seconds.replace('s', '')), name).toBeLessThan(15);
    }
  });

  it('are not waited for where the kernel itself gives up, or systemd does', () => {
    const words = text('boot/cmdline.txt').trim().split(' ');
    expect(words).toEqual(expect.arrayContaining(['panic=10', 'oops=panic', 'ro', 'fsck.repair=yes']));
    expect(text('boot/cmdline.txt').split('\n')).toHaveLength(2);
    expect(words.filter((word) => /^(root|console|init)=/.test(word))).toEqual([]);
    for (const name of ['emergency', 'rescue']) {
      const part = unit(`${name}.service.d/spikescope.conf`);
      expect(settingsOf(part, 'SuccessAction')).toEqual(['reboot-force']);
      expect(settingsOf(part, 'FailureAction')).toEqual(['reboot-force']);
    }
  });

  it('find each slot with a command line of its own', () => {
    const config = text('boot/config.txt');
    expect(config).toMatch(
      /\[boot_partition=2\]\ncmdline=cmdline-a\.txt\n\[boot_partition=3\]\ncmdline=cmdline-b\.txt/,
    );
    expect(config).toContain('dtparam=pciex1\n');
    expect(config).not.toMatch(/pcie-32bit-dma|pciex1_gen/);
    expect(config).toContain('dtoverlay=disable-bt');
  });
});

describe.each(MADE.filter((name) => name.endsWith('.service')))('%s', (name) => {
  it('runs a command that there is, with options that it has', () => {
    const [line = ''] = settingsOf(unit(name), 'ExecStart');
    const [, words] = /bin\/spikescope-launch\.mjs (.+)$/.exec(line) ?? [];
    if (words === undefined) return;
    const [first, second] = words.split(' ');
    const parent = first === 'journal' ? journalCommand() : provisionCommand();
    const command =
      first === 'doctor' ? doctorCommand() : parent.commands.find((each) => each.name() === second);
    const used = words.split(' ').filter((word) => word.startsWith('--'));
    expect(used.length).toBeGreaterThan(0);
    expect(used.filter((word) => !command?.options.some(({ long }) => long === word))).toEqual([]);
  });
});

describe.skipIf(
  !works('systemd-analyze', '--version') || !existsSync('/usr/lib/systemd/system/basic.target'),
)('systemd', () => {
  /** A root with the tree, the package's own files, this system's units, and programs that units start. */
  function lay(): void {
    cpSync('/usr/lib/systemd/system', at('usr/lib/systemd/system'), {
      recursive: true,
      verbatimSymlinks: true,
    });
    cpSync(ROOT, folder, { recursive: true, verbatimSymlinks: true });
    // In place of the links: newer versions of systemd do not follow them from the units of another root.
    for (const { file, target } of links().filter((each) => each.target.startsWith(`/${PACKAGE}/`))) {
      rmSync(at(file));
      copyFileSync(target.replace(`/${PACKAGE}/`, ''), at(file));
    }
    for (const link of ['bin', 'sbin', 'lib']) symlinkSync(`usr/${link}`, at(link));
    const programs = [
      'bin/node',
      'bin/mount',
      'bin/umount',
      'bin/nsenter',
      'bin/sh',
      'bin/sleep',
      'bin/install',
      'sbin/blockdev',
    ];
    const further = [
      'sbin/wpa_supplicant',
      'bin/systemd-repart',
      'bin/true',
      'lib/systemd/systemd-timesyncd',
    ];
    for (const program of [...programs, ...further, 'lib/systemd/systemd-networkd-wait-online']) {
      const file = at('usr', program);
      mkdirSync(path.dirname(file), { recursive: true });
      copyFileSync('/bin/true', file);
      chmodSync(file, 0o755);
    }
  }

  function verify(...names: string[]): string {
    const { stdout, stderr } = spawnSync(
      'systemd-analyze',
      ['verify', '--man=no', `--root=${folder}`, ...names],
      { encoding: 'utf8' },
    );
    return stdout + stderr;
  }

  const complaint = /spikescope\S*: |Unknown (key|section)|Failed to|Invalid/;
  const changed = ['emergency.service', 'rescue.service', 'systemd-timesyncd.service'];
  const own = OWN.map((name) => name.replace('@', '@sda1'));

  it('understands every unit and every part of one, and knows a wrong one', () => {
    lay();
    const present = changed.filter((name) => existsSync(at('usr/lib/systemd/system', name)));
    expect(verify(...own, ...present)).not.toMatch(complaint);
    const file = at('usr/lib/systemd/system/spikescope-erase.service');
    writeFileSync(file, readFileSync(file, 'utf8').replace('PrivateNetwork=', 'PrivatNetwork='));
    expect(verify('spikescope-erase.service')).toMatch(complaint);
  });

  it('finds an order in which all of them start', () => {
    lay();
    expect(verify('multi-user.target')).not.toMatch(/cycle/);
    const file = at('usr/lib/systemd/system/spikescope-boot-choice.service');
    const turned = readFileSync(file, 'utf8').replace(
      '[Unit]',
      '[Unit]\nBefore=spikescope-boot-request.path',
    );
    writeFileSync(file, turned);
    expect(verify('multi-user.target')).toMatch(/cycle/);
  });

  it('finds none exposed but what must change disks, and that without a network', () => {
    lay();
    const services = own.filter((name) => name.endsWith('.service'));
    const { stdout } = spawnSync(
      'systemd-analyze',
      ['security', '--offline=true', '--no-pager', `--root=${folder}`, ...services],
      { encoding: 'utf8', env: { ...process.env, SYSTEMD_COLORS: '0' } },
    );
    const levels = [...stdout.matchAll(/Overall exposure level for (\S+): ([\d.]+) /g)].map(
      ([, name, level]) => [name, Number(level)] as const,
    );
    expect(levels.map(([name]) => name).sort()).toEqual([...services].sort());
    const exposed = levels.filter(([, level]) => level > 3).map(([name]) => name);
    // They write disks, remount and restart.
    expect(exposed.sort()).toEqual([
      ...['spikescope-boot-request.service', 'spikescope-erase.service', 'spikescope-trial.service'],
    ]);
    const laid = (name: string) => readFileSync(at('usr/lib/systemd/system', name), 'utf8');
    for (const name of exposed) expect(settingsOf(laid(name), 'PrivateNetwork')).toEqual(['yes']);
  });
});

it.skipIf(process.getuid?.() !== 0 || !works('systemd-analyze', '--version') || !works('cc', '--version'))(
  'a first start, which gives files to others, does its work under the filter of system calls of its unit',
  () => {
    const filter = at('filter');
    execFileSync('cc', ['-O1', '-o', filter, 'test/provisioning/system-call-filter.c']);
    const numbers = callNumbers();
    const allowed = [...allowedCalls(unit('spikescope-first-boot.service'))];
    writeFileSync(at('allowed'), allowed.flatMap((call) => numbers.get(call) ?? []).join('\n'));
    mkdirSync(at('partition'));
    writeFileSync(at('partition/spikescope-config.yaml'), 'device: ward-3');
    const program = [process.execPath, path.resolve('bin/spikescope.mjs'), 'provision', 'first-boot'];
    const words = [
      ...['--config-partition', at('partition'), '--settings', at('settings'), '--system', at('system')],
      ...['--data', at('data'), '--owner', userInfo().username, '--json'],
    ];
    const { status, stdout, stderr } = spawnSync(
      filter,
      [String(constants.errno.EPERM), at('allowed'), ...program, ...words],
      { encoding: 'utf8' },
    );
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    expect(JSON.parse(stdout)).toEqual({
      device: 'ward-3',
      taken: ['spikescope-config.yaml'],
      refused: null,
    });
  },
);

describe('the clock', () => {
  const [command = ''] = settingsOf(unit('systemd-timesyncd.service.d/spikescope.conf'), 'ExecStartPre');
  const [, shell = ''] = /^\+\/bin\/sh -c '(.+)'$/.exec(command) ?? [];
  const day = (date: string) => new Date(`${date}T00:00:00Z`);
  const clock = () => statSync(at('systemd/timesync/clock')).mtime;

  function begin(floor: string, recorded: string | null): void {
    for (const name of ['systemd/timesync', 'spikescope']) mkdirSync(at(name), { recursive: true });
    writeFileSync(at('systemd/timesync/clock'), '');
    utimesSync(at('systemd/timesync/clock'), day(floor), day(floor));
    if (recorded !== null) {
      writeFileSync(at('spikescope/journal.head'), '');
      utimesSync(at('spikescope/journal.head'), day(recorded), day(recorded));
    }
    execFileSync('sh', ['-c', shell.replaceAll('/var/lib', folder)]);
  }

  it('begins at the last record of the journal where that is newer than when it was last known', () => {
    begin('2026-03-01', '2026-05-01');
    expect(clock()).toEqual(day('2026-05-01'));
    begin('2026-06-01', '2026-05-01');
    expect(clock()).toEqual(day('2026-06-01'));
  });

  it('stays where it was last known without a journal, and makes no file that its service could not write', () => {
    begin('2026-03-01', null);
    expect(clock()).toEqual(day('2026-03-01'));
    rmSync(at('systemd/timesync/clock'));
    execFileSync('sh', ['-c', shell.replaceAll('/var/lib', folder)]);
    expect(existsSync(at('systemd/timesync/clock'))).toBe(false);
  });
});

describe('the report', () => {
  it('is laid onto the partition whole, and the wish for it taken away', () => {
    for (const name of ['from', 'to']) mkdirSync(at(name));
    for (const name of ['doctor.txt', 'doctor.json']) writeFileSync(at('from', name), name);
    writeFileSync(at('to/report-wanted.txt'), '');
    execFileSync('sh', [`${ROOT}/usr/lib/spikescope/lay-report`, at('from'), at('to')]);
    expect(readdirSync(at('to')).sort()).toEqual(['doctor.json', 'doctor.txt']);
  });
});

describe.skipIf(!hasLoopDevices || !works('blkdiscard', '--version'))('erasing', () => {
  const SCRIPT = `${ROOT}/usr/lib/spikescope/erase`;
  const SECRET = 'the results of a patient';

  /** A disk of data with something in its middle, and a small partition of its own: its free space is written over. */
  function erase(word: string): { config: string; said: string; disk: Buffer } {
    const config = at('config');
    mkdirSync(config);
    mkdirSync(at('bin'));
    // Nothing here is switched off.
    writeFileSync(at('bin/systemctl'), `#!/bin/sh\necho "$@" >> ${at('switched-off')}\n`, { mode: 0o755 });
    writeFileSync(at('disk'), '');
    truncateSync(at('disk'), 16 * 2 ** 20);
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=2M', 'tmpfs', config]);
    const device = attachLoop(at('disk'));
    try {
      execFileSync('dd', [`of=${device.path}`, 'bs=1', 'seek=9000000', 'conv=notrunc,fsync', 'status=none'], {
        input: SECRET,
      });
      for (const name of ['doctor.txt', 'autoboot.txt', 'spikescope-config.yaml'])
        writeFileSync(path.join(config, name), name);
      writeFileSync(path.join(config, 'erase-device.txt'), word);
      execFileSync('sh', [SCRIPT, config, device.path], {
        stdio: 'ignore',
        env: { ...process.env, PATH: `${at('bin')}:${process.env.PATH}:/usr/sbin:/sbin` },
      });
      const left = readdirSync(config).sort().join(' ');
      const said = existsSync(path.join(config, 'erased.txt'))
        ? readFileSync(path.join(config, 'erased.txt'), 'utf8')
        : '';
      return { config: left, said, disk: readFileSync(device.path) };
    } finally {
      execFileSync('umount', [config]);
      device.detach();
    }
  }

  it('makes a new device of this one, and says what was done and what cannot be', () => {
    const { config, said, disk } = erase('Erase everything\r\n');
    expect(disk.includes(SECRET)).toBe(false);
    // The mark of ext4, in its first block.
    expect(disk.readUInt16LE(1024 + 0x38)).toBe(0xef53);
    expect(config).toBe('autoboot.txt erased.txt');
    expect(said).toMatch(/erase.*says that it has\r\n[\s\S]*spare blocks that no command reaches/);
    expect(existsSync(at('switched-off'))).toBe(false);
  });

  it('also writes over at the end of its life, and switches off', () => {
    const { said, disk } = erase('erase everything and stop');
    expect(disk.includes(SECRET)).toBe(false);
    expect(said).toContain('written over with zeros\r\n');
    expect(readFileSync(at('switched-off'), 'utf8')).toBe('--no-block poweroff\n');
  });

  it('does nothing for other words', () => {
    const { config, disk } = erase('please\n');
    expect(disk.includes(SECRET)).toBe(true);
    expect(config).toBe(
      'autoboot.txt doctor.txt erase-device.refused.txt not-erased.txt spikescope-config.yaml',
    );
  });
});
