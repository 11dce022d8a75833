/** The firmware that the emulator's harness plays, on disks with real partition tables and file systems. */
import { execFileSync, spawn } from 'node:child_process';
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readAutoboot } from '../../src/updates/system/autoboot.ts';

/** What is used here of the scripts, which are JavaScript. */
interface Disk {
  readonly file: string;
  partition(which: string | number): { readonly offset: number; readonly size: number };
  writeFat(which: string, name: string, from: string): void;
  flip(which: string, at: number, mask?: number): void;
  checkData(scratch: string): { readonly isClean: boolean };
}
interface Start {
  readonly partition: number;
  readonly isOneShot: boolean;
  readonly kernel: string;
  readonly initramfs: string | null;
  readonly commandLine: string;
}
interface Firmware {
  restarted(argument: string | null): void;
  powerCut(): void;
  start(disk: Disk, folder: string): Start;
}
interface Guest {
  readonly mail: string;
  readonly words: readonly string[];
  begin(): void;
  ask(machine: { readonly isOver: boolean }, command: string): Promise<{ code: number; text: string }>;
}
interface Scripts {
  readonly Disk: new (file: string) => Disk;
  readonly Firmware: new () => Firmware;
  readonly Guest: new (folder: string, dropIns?: Readonly<Record<string, string>>) => Guest;
  settingsIn(text: string, isTrue: (filter: string) => boolean): ReadonlyMap<string, string>;
  findingsOf(answers: Readonly<Record<string, string>>): string[];
  listeningIn(text: string): string[];
}
const modules = await Promise.all(
  ['disk', 'firmware', 'guest', 'reading'].map(
    (name) => import(path.resolve(`scripts/flash/boot/${name}.mjs`)),
  ),
);
const { Disk, Firmware, Guest, settingsIn, findingsOf, listeningIn }: Scripts = Object.assign({}, ...modules);

const PATH = `${process.env.PATH}:/usr/sbin:/sbin`;
const isThere = (program: string) => {
  try {
    execFileSync('which', [program], { env: { ...process.env, PATH }, stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
};
const canMake = ['sfdisk', 'mformat', 'mcopy', 'mtype', 'mke2fs', 'e2fsck'].every(isThere);

const AUTOBOOT = '[all]\ntryboot_a_b=1\nboot_partition=2\n[tryboot]\nboot_partition=3\n';
const CONFIG = [
  ...[
    '[all]',
    'kernel=kernel8.img',
    'initramfs initramfs8 followkernel',
    '[pi4]',
    'kernel=kernel4.img',
    '[all]',
  ],
  ...[
    '[boot_partition=2]',
    'cmdline=cmdline-a.txt',
    '[boot_partition=3]',
    'cmdline=cmdline-b.txt',
    '[all]',
    '',
  ],
].join('\n');

/** Two slots, whose kernels are texts. */
function makeDisk(file: string): Disk {
  closeSync(openSync(file, 'w'));
  truncateSync(file, 24 * 2 ** 20);
  const names = ['config', 'boot-a', 'boot-b', 'data'];
  const table = ['label: gpt', ...names.map((name, i) => `start=${1 + 5 * i}MiB, size=4MiB, name=${name}`)];
  execFileSync('sfdisk', ['--quiet', file], { input: table.join('\n'), env: { ...process.env, PATH } });
  const disk = new Disk(file);
  const put = (partition: string, name: string, text: string) => {
    const from = path.join(path.dirname(file), 'laid');
    writeFileSync(from, text);
    disk.writeFat(partition, name, from);
  };
  for (const name of names.slice(0, 3)) {
    execFileSync('mformat', [
      '-i',
      `${file}@@${disk.partition(name).offset}`,
      '-T',
      String(4 * 2048),
      '-h',
      '16',
      '-s',
      '32',
      '::',
    ]);
  }
  put('config', 'autoboot.txt', AUTOBOOT);
  for (const slot of ['a', 'b']) {
    const files = {
      'config.txt': CONFIG,
      'kernel8.img': `kernel ${slot}`,
      initramfs8: `first program ${slot}`,
    };
    for (const [name, text] of Object.entries(files)) put(`boot-${slot}`, name, text);
    for (const each of ['a', 'b'])
      put(`boot-${slot}`, `cmdline-${each}.txt`, `quiet spikescope.slot=${each}\n`);
  }
  return disk;
}

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'harness-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe.skipIf(!canMake)('the firmware, with sfdisk and mtools', () => {
  const start = (disk: Disk, firmware: Firmware) => {
    const { partition, isOneShot, kernel, initramfs, commandLine } = firmware.start(
      disk,
      path.join(folder, 'started'),
    );
    const texts = [kernel, initramfs ?? ''].map((file) => readFileSync(file, 'utf8'));
    return { partition, isOneShot, commandLine, texts };
  };
  const ofSlot = (slot: 'a' | 'b', isOneShot: boolean) => ({
    ...{ partition: slot === 'a' ? 2 : 3, isOneShot, commandLine: `quiet spikescope.slot=${slot}` },
    texts: [`kernel ${slot}`, `first program ${slot}`],
  });

  it('starts the other slot once, and then the first again', () => {
    const disk = makeDisk(path.join(folder, 'disk.img'));
    const firmware = new Firmware();
    expect(start(disk, firmware)).toEqual(ofSlot('a', false));
    firmware.restarted('0 tryboot');
    expect(start(disk, firmware)).toEqual(ofSlot('b', true));
    expect(start(disk, firmware)).toEqual(ofSlot('a', false));
  });

  it('forgets the flag with a power cut, and sets none for another restart', () => {
    const disk = makeDisk(path.join(folder, 'disk.img'));
    const firmware = new Firmware();
    firmware.restarted('0 tryboot');
    firmware.powerCut();
    expect(start(disk, firmware)).toEqual(ofSlot('a', false));
    firmware.restarted('tryboot');
    expect(start(disk, firmware)).toEqual(ofSlot('a', false));
    firmware.restarted(null);
    expect(start(disk, firmware)).toEqual(ofSlot('a', false));
  });

  it('finds nothing to start where a slot has no config.txt or its kernel is gone', () => {
    const disk = makeDisk(path.join(folder, 'disk.img'));
    execFileSync('mdel', ['-i', `${disk.file}@@${disk.partition('boot-a').offset}`, '::kernel8.img']);
    expect(() => start(disk, new Firmware())).toThrow(/config.txt names/);
    execFileSync('mdel', ['-i', `${disk.file}@@${disk.partition('boot-a').offset}`, '::config.txt']);
    expect(() => start(disk, new Firmware())).toThrow(/nothing to start/);
  });

  it('tells a file system that is whole from one that is not', () => {
    const disk = makeDisk(path.join(folder, 'disk.img'));
    const { offset, size } = disk.partition('data');
    execFileSync('mke2fs', ['-q', '-t', 'ext4', '-E', `offset=${offset}`, disk.file, `${size / 1024}k`], {
      env: { ...process.env, PATH },
    });
    const scratch = path.join(folder, 'data.img');
    expect(disk.checkData(scratch)).toMatchObject({ isClean: true });
    // Of the bitmap of blocks.
    for (let at = 0; at < 1_024; at++) disk.flip('data', 20_480 + at, 0xff);
    for (let at = 0; at < 8_192; at++) disk.flip('data', 1_024 * 1_024 + at, 0x55);
    for (let at = 1_100; at < 1_200; at++) disk.flip('data', at, 0xff);
    expect(disk.checkData(scratch)).toMatchObject({ isClean: false });
  });

  it('looks at all of a partition that has grown since the disk was opened', () => {
    const disk = makeDisk(path.join(folder, 'growing.img'));
    const before = disk.partition('data');
    // As the device does at its first start: the table first, then the file system.
    const grown = before.size + 2 ** 21;
    execFileSync('sfdisk', ['--quiet', '--no-reread', '-N', '4', disk.file], {
      input: `${before.offset / 512}, ${grown / 512}`,
      env: { ...process.env, PATH },
    });
    execFileSync(
      'mke2fs',
      ['-q', '-t', 'ext4', '-E', `offset=${before.offset}`, disk.file, `${grown / 1024}k`],
      {
        env: { ...process.env, PATH },
      },
    );
    expect(disk.partition('data').size).toBe(grown);
    expect(disk.checkData(path.join(folder, 'data.img'))).toMatchObject({ isClean: true });
  });
});

it('reads autoboot.txt as the device does, whatever stands in it', () => {
  const line = fc.constantFrom(
    ...['[all]', '[none]', '[tryboot]', '[pi5]', 'boot_partition=2', 'boot_partition=3', 'boot_partition=0'],
    ...['tryboot_a_b=1', 'tryboot_a_b=0', '# boot_partition=1', '', 'boot_partition = 2 # a'],
  );
  fc.assert(
    fc.property(fc.array(line, { maxLength: 12 }), fc.boolean(), (lines, isOneShot) => {
      const text = lines.join('\n');
      const settings = settingsIn(text, (filter) => filter === 'tryboot' && isOneShot);
      const read = readAutoboot(text, isOneShot);
      expect(Number(settings.get('boot_partition') ?? 0) || null).toBe(read.partition);
      expect(settings.get('tryboot_a_b') === '1').toBe(read.isPartitionTried);
    }),
    { numRuns: 300 },
  );
});

describe('asking inside', () => {
  it('takes the words of a shell there and their answers and ends back, one after the other', {
    timeout: 60_000,
  }, async () => {
    const guest = new Guest(folder);
    guest.begin();
    const inside = spawn('sh', ['scripts/flash/boot/guest.sh', guest.mail], { stdio: 'ignore' });
    try {
      const machine = { isOver: false };
      const long = 'yes line | head -n 20000; printf "%s\\n" "it\'s quoted"; exit 3';
      const answer = await guest.ask(machine, long);
      expect(answer.code).toBe(3);
      expect(answer.text.split('\n')).toHaveLength(20_002);
      expect(answer.text).toContain("it's quoted");
      // A shorter one leaves nothing of what was said before.
      expect(await guest.ask(machine, 'echo one\necho two')).toEqual({ code: 0, text: 'one\ntwo\n' });
      expect(await guest.ask(machine, 'true')).toEqual({ code: 0, text: '' });
    } finally {
      inside.kill('SIGKILL');
    }
    await expect(guest.ask({ isOver: true }, 'true')).rejects.toMatchObject({ code: 'BOOT_GUEST' });
  });

  it('says it in words that fit a command line of 2,048 bytes', () => {
    expect(
      new Guest(folder, { 'spikescope.service': `[Service]\n${'x'.repeat(250)}\n` }).words.join(' ').length,
    ).toBeLessThan(1_000);
  });
});

describe('what is seen inside', () => {
  const SOCKETS = [
    'tcp   0: 0100007F:0016 00000000:0000 0A 00000000:00000000',
    'tcp   1: 00000000:0016 00000000:0000 0A 00000000:00000000',
    'tcp   2: 0F02000A:D431 0202000A:075B 01 00000000:00000000',
    'tcp6  0: 00000000000000000000000001000000:1F90 00000000000000000000000000000000:0000 0A 00000000:00000000',
    'tcp6  1: 00000000000000000000000000000000:1F90 00000000000000000000000000000000:0000 0A 00000000:00000000',
    'udp   0: 0F02000A:0044 00000000:0000 07 00000000:00000000',
    'udp   1: 3500007F:0035 00000000:0000 07 00000000:00000000',
  ].join('\n');
  const inOrder = {
    memory: 'MemTotal: 1000000 kB\nMemFree: 1 kB\nMemAvailable: 850000 kB',
    mounts: 'dev /dev devtmpfs rw 0 0\n/dev/mapper/system / erofs ro,relatime 0 0',
    writing: 'touch: cannot touch: Read-only file system',
    failed: '',
    ports: '',
  };

  it('names the sockets that others can reach', () => {
    expect(listeningIn(SOCKETS)).toEqual(['tcp 22', 'tcp6 8080', 'udp 68']);
  });

  it('is in order, or is not', () => {
    expect(findingsOf(inOrder)).toEqual([]);
    const wrong = [
      { memory: 'MemTotal: 1000000 kB\nMemAvailable: 700000 kB' },
      { mounts: '/dev/mapper/system / ext4 rw,relatime 0 0' },
      { writing: 'a file in /usr was made' },
      { failed: 'spikescope.service loaded failed failed' },
      { ports: SOCKETS },
    ];
    for (const each of wrong)
      expect(findingsOf({ ...inOrder, ...each }), JSON.stringify(each)).toHaveLength(1);
  });
});
