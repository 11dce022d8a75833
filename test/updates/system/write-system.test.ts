/** A system's archive into the partitions of a slot: what is written, what is not, and what is refused. */
import { execFileSync } from 'node:child_process';
import { appendFileSync, mkdtempSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openSystemArchive } from '../../../src/updates/system/archive.ts';
import { proveSystem } from '../../../src/updates/system/prove-system.ts';
import { parseSuperblock, VerityHash } from '../../../src/updates/system/verity.ts';
import { writeSystem } from '../../../src/updates/system/write-system.ts';
import { releaseOf } from '../../support/updates/office.ts';
import { fetchedRelease } from '../../support/updates/releases.ts';
import {
  DATA_BYTES,
  packSystem,
  SlotMachine,
  type SmallSystem,
  smallSystem,
  withVerity,
} from '../../support/updates/systems.ts';

const factory = smallSystem(0);
const next = smallSystem(1);

let folder: string;
let machine: SlotMachine;
beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'system-'));
  machine = new SlotMachine(folder, factory);
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const write = (system: SmallSystem, slot: 'a' | 'b' = 'b', name = 'one.system') => {
  const { data, places } = machine;
  return writeSystem({ data, places, slot, file: packSystem(folder, name, system) });
};

async function proof(file: string) {
  const { target } = fetchedRelease(folder, 1);
  const candidate = { target, release: releaseOf('1.0.1', { kind: 'system' }), path: file };
  return proveSystem(candidate, { data: machine.data, places: machine.places, onStep: () => {} });
}

const failedIn = ({ items }: Awaited<ReturnType<typeof proof>>) =>
  items.filter(({ passed }) => !passed).map(({ name }) => name);

describe('writing', () => {
  it('fills the slot beside the one that runs, which stays as it is', async () => {
    const { path: file, written } = await write(next);
    expect(machine.holds('b', next)).toBe(true);
    expect(machine.holds('a', factory)).toBe(true);
    expect(written).toBe(next.boot.length + next.root.length);
    expect(await proof(file)).toMatchObject({ passed: true });
  });

  it('writes nothing that is there already', async () => {
    await write(next);
    expect((await write(next)).written).toBe(0);
    machine.flip('root', 'b', 300_000);
    expect((await write(next)).written).toBe(65_536);
    expect(machine.holds('b', next)).toBe(true);
  });

  it('goes on behind what a write that was ended has left', async () => {
    machine.lay('b', { ...next, root: next.root.subarray(0, 327_680), boot: Buffer.alloc(0) });
    const { written } = await write(next);
    expect(written).toBe(next.root.length - 327_680 + next.boot.length);
    expect(machine.holds('b', next)).toBe(true);
  });

  it('never touches the slot that runs, nor the one that starts take', async () => {
    await expect(write(next, 'a')).rejects.toMatchObject({ code: 'SYSTEM_SLOT' });
    // Slot b runs on trial: neither may be written.
    machine.start('b');
    await expect(write(next, 'a')).rejects.toMatchObject({ code: 'SYSTEM_SLOT' });
    await expect(write(next, 'b')).rejects.toMatchObject({ code: 'SYSTEM_SLOT' });
    machine.start('a');
    writeFileSync(machine.autoboot, '');
    await expect(write(next, 'b')).rejects.toMatchObject({ code: 'SYSTEM_SLOT' });
    expect(machine.holds('a', factory)).toBe(true);
  });

  it('is refused before anything is written where a partition is too small', async () => {
    truncateSync(machine.partition('boot', 'b'), 65_536);
    const before = readFileSync(machine.partition('root', 'b'));
    await expect(write(next)).rejects.toMatchObject({ code: 'INSTALL_SPACE' });
    expect(readFileSync(machine.partition('root', 'b')).equals(before)).toBe(true);
  });
});

describe('proving', () => {
  it.each([
    ['boot', 100, ['boot']],
    ['root', 100, ['root', 'verity']],
    ['root', DATA_BYTES + 4096 + 7, ['root']],
  ] as const)('finds one flipped bit in %s at byte %i', async (image, at, expected) => {
    const { path: file } = await write(next);
    machine.flip(image, 'b', at);
    expect(failedIn(await proof(file))).toEqual(expected);
  });

  it('finds a root hash that is not that of the tree', async () => {
    const { path: file } = await write(smallSystem(2, { rootHash: 'f'.repeat(64) }));
    expect(failedIn(await proof(file))).toEqual(['verity']);
  });

  it('takes no description for one that is none', async () => {
    const { path: file } = await write(next);
    writeFileSync(file, '{}');
    expect(await proof(file)).toMatchObject({ passed: false });
  });
});

describe('an archive', () => {
  it.each([
    ['a member more', (file: string) => appendFileSync(file, 'x')],
    ['an end within an image', (file: string) => truncateSync(file, 200_000)],
    ['no tar', (file: string) => writeFileSync(file, 'no tar')],
  ])('is refused with %s', async (_, spoil) => {
    const file = packSystem(folder, 'one.system', next);
    if (_ === 'a member more') truncateSync(file, 3 * 512 + 1024 + next.boot.length + next.root.length - 512);
    spoil(file);
    await expect(openSystemArchive(file)).rejects.toMatchObject({ code: 'SYSTEM_ARCHIVE' });
  });

  it.each([
    ['another format', { format: 2 }],
    ['no board', { board: undefined }],
    ['a size that is not that of the image', { boot: { size: 4096, sha256: '0'.repeat(64) } }],
  ])('is refused with %s', async (_, change) => {
    const file = packSystem(folder, 'one.system', {
      ...next,
      description: { ...next.description, ...change },
    });
    await expect(openSystemArchive(file)).rejects.toMatchObject({ code: 'SYSTEM_ARCHIVE' });
  });
});

describe('the root hash of dm-verity', () => {
  it('is that of the whole tree, in pieces of any length', () => {
    const blocks = fc.integer({ min: 2, max: 300 });
    fc.assert(
      fc.property(
        blocks,
        fc.uint8Array({ maxLength: 64 }),
        fc.integer({ min: 1, max: 9_000 }),
        (count, salt, step) => {
          const data = Buffer.alloc(count * 4096, `data ${count} `);
          const { image, rootHash } = withVerity(data, Buffer.from(salt));
          const superblock = parseSuperblock(image.subarray(data.length, data.length + 512));
          if (superblock === null) throw new Error('no superblock');
          const hash = new VerityHash(superblock);
          for (let at = 0; at < data.length; at += step * 13) hash.take(data.subarray(at, at + step * 13));
          expect(hash.end()).toBe(rootHash);
        },
      ),
      { numRuns: 25 },
    );
  });

  it.skipIf(!hasVeritysetup())('is that of veritysetup', { timeout: 60_000 }, () => {
    for (const count of [2, 128, 129, 16_385]) {
      const data = Buffer.alloc(count * 4096, `data ${count} `);
      const file = path.join(folder, `verity-${count}`);
      writeFileSync(file, data);
      const offset = `--hash-offset=${data.length}`;
      const said = execFileSync('veritysetup', ['format', offset, file, file], { encoding: 'utf8' });
      const superblock = parseSuperblock(readFileSync(file).subarray(data.length, data.length + 512));
      if (superblock === null) throw new Error('no superblock');
      const hash = new VerityHash(superblock);
      hash.take(data);
      expect(hash.end()).toBe(/Root hash:\s+([0-9a-f]+)/.exec(said)?.[1]);
    }
  });
});

function hasVeritysetup(): boolean {
  try {
    execFileSync('veritysetup', ['--version'], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}
