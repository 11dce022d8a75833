/**
 * Sticks whose file system itself is damaged: images with flipped bits and cut ends, mounted read-only by the kernel (ext4)
 * or by FUSE (FAT, exFAT), and read as an update. Needs root, loop devices, /dev/fuse and Debian's programs; what is not
 * here is skipped by name.
 */
import { execFileSync, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  closeSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  openSync,
  readFileSync,
  readSync,
  rmSync,
  truncateSync,
  writeSync,
} from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { FolderSource } from '../../src/updates/source/folder.ts';
import { Random } from '../support/random.ts';
import { TestDevice } from '../support/updates/device.ts';
import { Office } from '../support/updates/office.ts';

const IMAGES = Number(process.env.SPIKESCOPE_STICK_IMAGES ?? 20);
const NAME = 'stable/model-1.0.0.bin';
const SIZE = 8 * 2 ** 20;
const OPTIONS = 'ro,nodev,nosuid,noexec';

interface FileSystem {
  readonly label: string;
  readonly programs: readonly string[];
  /** What must be there: a device or a file system of the kernel. */
  readonly place: string;
  make(image: string, stick: string, mountPoint: string): void;
  mount(image: string, mountPoint: string): boolean;
}

const run = (command: string, ...args: string[]) =>
  execFileSync(command, args, { stdio: 'ignore', timeout: 60_000 });
const succeeds = (command: string, ...args: string[]) =>
  spawnSync(command, args, { stdio: 'ignore', timeout: 60_000 }).status === 0;

/** Frees the loop device of an image, where it has one. */
function detach(image: string): void {
  const devices = execFileSync('losetup', ['-n', '-O', 'NAME', '-j', image], { encoding: 'utf8' });
  for (const device of devices.split('\n').filter((name) => name !== ''))
    succeeds('losetup', '-d', device.trim());
}

const FILE_SYSTEMS: readonly FileSystem[] = [
  {
    label: 'ext4',
    programs: ['mke2fs', 'mount'],
    place: '/dev/loop-control',
    make: (image, stick) => run('mke2fs', '-q', '-t', 'ext4', '-d', stick, image, '8M'),
    mount: (image, mountPoint) =>
      succeeds('mount', '-o', `loop,noload,errors=continue,${OPTIONS}`, image, mountPoint),
  },
  {
    label: 'FAT',
    programs: ['mkfs.vfat', 'mcopy', 'fusefat', 'fusermount'],
    place: '/dev/fuse',
    make: (image, stick) => {
      run('truncate', '-s', String(SIZE), image);
      run('mkfs.vfat', image);
      run('mcopy', '-s', '-i', image, path.join(stick, 'metadata'), path.join(stick, 'targets'), '::');
    },
    mount: (image, mountPoint) => succeeds('fusefat', '-o', 'ro', image, mountPoint),
  },
  {
    label: 'exFAT',
    programs: ['mkfs.exfat', 'mount.exfat-fuse', 'losetup'],
    place: '/dev/fuse',
    make: (image, stick, mountPoint) => {
      run('truncate', '-s', String(SIZE), image);
      run('mkfs.exfat', image);
      // FUSE mounts block devices alone; some systems attach images for reading only.
      const device = execFileSync('losetup', ['-f', '--show', image], { encoding: 'utf8' }).trim();
      run('blockdev', '--setrw', device);
      run('mount.exfat-fuse', '-o', 'rw', device, mountPoint);
      run('cp', '-r', path.join(stick, 'metadata'), path.join(stick, 'targets'), mountPoint);
      run('umount', mountPoint);
      detach(image);
    },
    mount: (image, mountPoint) => {
      const device = execFileSync('losetup', ['-r', '-f', '--show', image], { encoding: 'utf8' }).trim();
      return succeeds('mount.exfat-fuse', '-o', OPTIONS, device, mountPoint);
    },
  },
];

function missingFor({ programs, place }: FileSystem): string | null {
  if (process.getuid?.() !== 0) return 'root';
  const folders = (process.env.PATH ?? '').split(':').concat('/usr/sbin', '/sbin');
  const program = programs.find((name) => !folders.some((folder) => existsSync(path.join(folder, name))));
  return program ?? (existsSync(place) ? null : place);
}

let office: Office;
let stick: string;
let content: Buffer;
beforeAll(async () => {
  office = await Office.open();
  content = Buffer.from(new Random(6).bytes(300_000));
  await office.add(content, '1.0.0');
  await office.publish();
  stick = await office.stick();
});
afterAll(() => office.end());

const digest = (file: string) => createHash('sha256').update(readFileSync(file)).digest('hex');

/** Bits are flipped where a file system keeps what it needs: half of them in its first 64 KiB. */
function damage(image: string, random: Random): void {
  if (random.integer(0, 4) === 0) {
    truncateSync(image, random.integer(4_096, SIZE - 1));
    return;
  }
  const handle = openSync(image, 'r+');
  const byte = Buffer.alloc(1);
  for (let flips = random.integer(1, 64); flips > 0; flips--) {
    const at = random.integer(0, random.integer(0, 1) === 0 ? 65_535 : SIZE / 4);
    if (readSync(handle, byte, 0, 1, at) === 0) continue;
    byte[0] ^= 1 << random.integer(0, 7);
    writeSync(handle, byte, 0, 1, at);
  }
  closeSync(handle);
}

describe.each(FILE_SYSTEMS)('$label on a stick', (system) => {
  const missing = missingFor(system);
  const place = (name: string) => path.join(office.folder, `${system.label}-${name}`);

  const read = async (device: TestDevice, image: string): Promise<Uint8Array | string> => {
    const point = place('mount');
    if (!system.mount(image, point)) {
      detach(image);
      return 'not mounted';
    }
    try {
      return await device.download(new FolderSource(point), NAME);
    } finally {
      if (!succeeds('umount', point)) run('umount', '-l', point);
      detach(image);
    }
  };

  it.skipIf(missing !== null)(
    `is read where it is whole, and ${IMAGES} damaged ones without a crash or a write, in 64 MB${
      missing === null ? '' : `: ${missing} is missing`
    }`,
    { timeout: 600_000 },
    async () => {
      const whole = place('whole.img');
      mkdirSync(place('mount'), { recursive: true });
      system.make(whole, stick, place('mount'));
      const device = new TestDevice(readFileSync(path.join(stick, 'metadata/1.root.json')));
      device.now = Date.now();
      expect(await read(device, whole)).toEqual(content);

      const random = new Random(31);
      const outcomes: string[] = [];
      const before = process.memoryUsage().rss;
      for (let i = 0; i < IMAGES; i++) {
        const image = place('damaged.img');
        copyFileSync(whole, image);
        damage(image, random);
        const state = digest(image);
        // What it has from before it would not need the stick for.
        rmSync(path.join(device.data, 'updates/staging'), { recursive: true, force: true });
        const got = await read(device, image);
        if (typeof got === 'string') expect(got).toMatch(/^(not mounted|(TRUST|TARGET|SOURCE)_)/);
        else expect(Buffer.from(got).equals(content)).toBe(true);
        outcomes.push(typeof got === 'string' ? got : 'whole');
        expect(digest(image)).toBe(state);
      }
      expect(process.memoryUsage().rss - before).toBeLessThan(64 * 2 ** 20);
      // Damage that nothing notices would be none.
      expect(outcomes.filter((each) => each !== 'whole').length).toBeGreaterThan(0);
      expect(device.journal.verify()).toMatchObject({ sound: true });
      expect(await read(device, whole)).toEqual(content);
      device.end();
    },
  );
});
