/** `npm run flash`: what it refuses to write over, and that what it writes is there. */
import { execFileSync, spawnSync } from 'node:child_process';
import {
  closeSync,
  constants,
  existsSync,
  linkSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readFileSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { attachLoop, hasLoopDevices, type LoopDevice } from '../support/loop-device.ts';
import { Random } from '../support/random.ts';
import { runScript } from '../support/run-script.ts';

const SCRIPT = 'scripts/flash/write.mjs';
const MIB = 2 ** 20;
const SIZE = 9 * MIB + 512;

const lsblk = z.object({ blockdevices: z.array(z.looseObject({ path: z.string() })) });

const [targets, images]: unknown[] = await Promise.all(
  ['target', 'image'].map((name) => import(path.resolve(`scripts/flash/write/${name}.mjs`))),
);
const wantedSchema = z.object({ image: z.string(), size: z.number().nullable(), alsoFixed: z.boolean() });
const { examineTarget } = z
  .object({ examineTarget: z.function({ input: [z.string(), wantedSchema], output: z.unknown() }) })
  .parse(targets);
const { openImage } = z
  .object({ openImage: z.function({ input: [z.string()], output: z.unknown() }) })
  .parse(images);
const faultSchema = z.looseObject({ code: z.string(), details: z.looseObject({ remedy: z.string() }) });

let folder: string;
let image: string;
let content: Buffer;
let loops: LoopDevice[];
const at = (name: string) => path.join(folder, name);

beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'spikescope-flash-'));
  image = at('device.img');
  // Of a disk the program knows its two marks; all else is anything.
  content = Buffer.from(new Random(7).bytes(SIZE));
  content.writeUInt16LE(0xaa55, 510);
  content.write('EFI PART', 512, 'latin1');
  writeFileSync(image, content);
  loops = [];
});

afterEach(() => {
  for (const loop of loops) loop.detach();
  rmSync(folder, { recursive: true, force: true });
});

function loop(size = SIZE, ...options: string[]): string {
  const file = at(`disk-${loops.length}`);
  if (!existsSync(file)) writeFileSync(file, '');
  truncateSync(file, size);
  const device = attachLoop(file, ...options);
  loops.push(device);
  return device.path;
}

const flash = (...args: string[]) => runScript(SCRIPT, '--image', image, ...args);

/** The code of a refusal, which says what to do. */
function codeOf(work: () => unknown): string {
  try {
    work();
  } catch (error) {
    return faultSchema.parse(error).code;
  }
  throw new Error('it was taken');
}

/** What comes of a target for the image. */
const refusal = (target: string, alsoFixed = true) =>
  codeOf(() => examineTarget(target, { image, size: SIZE, alsoFixed }));

describe('what is no card is refused', () => {
  it('a disk that is not there', () => {
    expect(refusal('/dev/no-such-disk')).toBe('FLASH_TARGET_MISSING');
  });

  it('a folder', () => {
    expect(refusal(folder)).toBe('FLASH_TARGET_FOLDER');
  });

  it('a device that is no disk', () => {
    expect(refusal('/dev/null')).toBe('FLASH_TARGET_KIND');
  });

  it('the image itself, under whatever name', () => {
    linkSync(image, at('another-name.img'));
    symlinkSync(image, at('link.img'));
    expect(refusal(at('another-name.img'))).toBe('FLASH_TARGET_IMAGE');
    expect(refusal(at('link.img'))).toBe('FLASH_TARGET_IMAGE');
    expect(readFileSync(image).equals(content)).toBe(true);
  });

  it('a file that holds something else', () => {
    writeFileSync(at('letter.txt'), 'Dear doctor');
    expect(refusal(at('letter.txt'))).toBe('FLASH_TARGET_FILE');
    expect(readFileSync(at('letter.txt'), 'utf8')).toBe('Dear doctor');
  });

  it('the disk from which this machine runs', ({ skip }) => {
    const { blockdevices } = lsblk.parse(
      JSON.parse(execFileSync('lsblk', ['--json', '--output', 'PATH,MOUNTPOINTS'], { encoding: 'utf8' })),
    );
    const system = blockdevices.find((each) => JSON.stringify(each).includes('"/"'));
    if (system === undefined) skip('no disk of this machine holds its root');
    else expect(refusal(system.path)).toBe('FLASH_TARGET_SYSTEM');
  });

  it.skipIf(!hasLoopDevices)('a disk that cannot be taken out, unless that is meant', () => {
    expect(refusal(loop(), false)).toBe('FLASH_TARGET_FIXED');
  });

  it.skipIf(!hasLoopDevices)('a disk that is mounted', () => {
    const device = loop(8 * MIB);
    execFileSync('mke2fs', ['-q', '-t', 'ext4', device]);
    mkdirSync(at('mounted'));
    execFileSync('mount', [device, at('mounted')]);
    try {
      expect(refusal(device)).toBe('FLASH_TARGET_MOUNTED');
    } finally {
      execFileSync('umount', [at('mounted')]);
    }
  });

  it.skipIf(!hasLoopDevices)('a part of a disk', () => {
    const device = loop(4 * MIB);
    // Such a part outlives the loop device: one of an earlier run that was ended may still be there.
    spawnSync('delpart', [device, '1']);
    execFileSync('addpart', [device, '1', '2048', '2048']);
    try {
      expect(refusal(`${device}p1`)).toBe('FLASH_TARGET_PARTITION');
    } finally {
      execFileSync('delpart', [device, '1']);
    }
  });

  it.skipIf(!hasLoopDevices)('a card whose lock is on', () => {
    expect(refusal(loop(SIZE, '--read-only'))).toBe('FLASH_TARGET_READ_ONLY');
  });

  it.skipIf(!hasLoopDevices)('a card that is too small', () => {
    expect(refusal(loop(8 * MIB))).toBe('FLASH_TARGET_SMALL');
  });

  it.skipIf(!hasLoopDevices)('a disk that a program has taken for itself', async () => {
    const device = loop();
    const held = openSync(device, constants.O_RDONLY | constants.O_EXCL);
    try {
      const { status, stderr } = await flash('--yes', '--also-fixed', device);
      expect(stderr).toMatch(/^.+ To mend it: .+ \[FLASH_TARGET_IN_USE\]\n$/);
      expect(status).toBe(3);
    } finally {
      closeSync(held);
    }
  });

  it('anything that holds something, where nobody can be asked', async () => {
    const earlier = at('earlier.img');
    writeFileSync(earlier, content.subarray(0, 4 * MIB));
    const { status, stdout, stderr } = await flash(earlier);
    expect(stdout).toContain('All that is there will be lost:\n    a file of 4 MB');
    expect([status, stderr]).toEqual([3, expect.stringContaining('[FLASH_UNASKED]')]);
    expect(readFileSync(earlier)).toHaveLength(4 * MIB);
  });
});

describe('what is no image is refused', () => {
  it.each([
    ['a file that is not there', (file: string) => rmSync(file), 'FLASH_IMAGE_MISSING'],
    [
      'a file without a table of partitions',
      (file: string) => writeFileSync(file, 'x'.repeat(4096)),
      'FLASH_IMAGE_FOREIGN',
    ],
    [
      'one that is shorter than its manifest says',
      (file: string) => truncateSync(file, MIB),
      'FLASH_IMAGE_CUT',
    ],
    [
      'a manifest that is none',
      (file: string) => writeFileSync(`${file}.manifest.json`, '{"image":{"size":"large"}}'),
      'FLASH_IMAGE_MANIFEST',
    ],
  ])('%s', async (_, damage, code) => {
    writeFileSync(
      `${image}.manifest.json`,
      JSON.stringify({ image: { size: SIZE, sha256: '0'.repeat(64) } }),
    );
    damage(image);
    expect(codeOf(() => openImage(image))).toBe(code);
  });
});

describe('what is written', () => {
  it('is the image, in a new file, and read back', async () => {
    const { status, stdout, stderr } = await flash(at('new.img'));
    expect([status, stdout]).toEqual([0, expect.stringContaining('9 MB written and read back')]);
    expect(stderr).toContain('verifying 100 %');
    expect(readFileSync(at('new.img')).equals(content)).toBe(true);
  });

  it.skipIf(!hasLoopDevices)('is the image, on a disk that had something else', async () => {
    const device = loop(10 * MIB);
    execFileSync('mke2fs', ['-q', '-t', 'ext4', '-L', 'holiday', device]);
    const { status, stdout, stderr } = await flash('--yes', '--also-fixed', device);
    expect({ status, stderr }).toMatchObject({ status: 0 });
    expect(stdout).toContain('All that is there will be lost');
    expect(readFileSync(device).subarray(0, SIZE).equals(content)).toBe(true);
  });

  it.skipIf(spawnSync('zstd', ['--version']).status !== 0)('may come out of a compressed image', async () => {
    execFileSync('zstd', ['--quiet', '-1', image]);
    image = `${image}.zst`;
    const { status } = await flash(at('new.img'));
    expect(status).toBe(0);
    expect(readFileSync(at('new.img')).equals(content)).toBe(true);
    truncateSync(image, 5 * MIB);
    const cut = await flash(at('cut.img'));
    expect([cut.status, cut.stderr]).toEqual([1, expect.stringContaining('[FLASH_ZSTD]')]);
    expect(existsSync(at('cut.img'))).toBe(false);
  });

  it.skipIf(!hasLoopDevices)('starts nothing when it was not written to its end', async () => {
    const device = loop();
    const manifest = { image: { size: SIZE, sha256: '0'.repeat(64) } };
    writeFileSync(`${image}.manifest.json`, JSON.stringify(manifest));
    expect((await flash('--yes', '--also-fixed', device)).status).toBe(1);
    expect(
      readFileSync(device)
        .subarray(0, MIB)
        .every((byte) => byte === 0),
    ).toBe(true);
  });
});

describe('a person', () => {
  it('is shown only disks that can be taken out', async () => {
    const { status, stdout } = await runScript(SCRIPT, '--list');
    expect(status).toBe(0);
    expect(stdout).not.toMatch(/loop\d/);
  });

  it('finds the commands for Windows and macOS in the help', async () => {
    const { status, stdout } = await runScript(SCRIPT, '--help');
    expect(status).toBe(0);
    for (const word of ['PhysicalDrive', '/dev/rdisk', 'Get-FileHash', 'shasum -a 256', 'were not run']) {
      expect(stdout).toContain(word);
    }
  });
});
