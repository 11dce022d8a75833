/** Small systems as the build of an image packs them, and a machine with two slots for them whose firmware is played. */
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { create } from 'tar';
import type { SystemPlaces } from '../../../src/updates/system/places.ts';

export const BOOT_BYTES = 128 * 1024;
export const DATA_BYTES = 640 * 1024;
const BLOCK = 4096;

const sha256 = (...pieces: Uint8Array[]): Buffer => {
  const hash = createHash('sha256');
  for (const piece of pieces) hash.update(piece);
  return hash.digest();
};

/** A root with dm-verity's tree behind its data, level by level as the kernel's documentation has it. */
export function withVerity(data: Buffer, salt: Buffer): { image: Buffer; rootHash: string } {
  const levels: Buffer[] = [];
  let below = data;
  do {
    const digests = Array.from({ length: below.length / BLOCK }, (_, i) =>
      sha256(salt, below.subarray(i * BLOCK, (i + 1) * BLOCK)),
    );
    const level = Buffer.alloc(Math.ceil((digests.length * 32) / BLOCK) * BLOCK);
    Buffer.concat(digests).copy(level);
    levels.unshift(level);
    below = level;
  } while (below.length > BLOCK);
  const superblock = Buffer.alloc(BLOCK);
  superblock.write('verity\0\0', 'latin1');
  superblock.writeUInt32LE(1, 8);
  superblock.writeUInt32LE(1, 12);
  superblock.write('sha256', 32, 'latin1');
  superblock.writeUInt32LE(BLOCK, 64);
  superblock.writeUInt32LE(BLOCK, 68);
  superblock.writeBigUInt64LE(BigInt(data.length / BLOCK), 72);
  superblock.writeUInt16LE(salt.length, 80);
  salt.copy(superblock, 88);
  return {
    image: Buffer.concat([data, superblock, ...levels]),
    rootHash: sha256(salt, below).toString('hex'),
  };
}

export interface SmallSystem {
  readonly boot: Buffer;
  readonly root: Buffer;
  readonly rootHash: string;
  readonly description: object;
}

export interface SystemOptions {
  /** Another than that of the tree, for one that is wrong. */
  readonly rootHash?: string;
  readonly bootBytes?: number;
  readonly dataBytes?: number;
}

export function smallSystem(
  number: number,
  { rootHash, bootBytes = BOOT_BYTES, dataBytes = DATA_BYTES }: SystemOptions = {},
): SmallSystem {
  const boot = Buffer.alloc(bootBytes, `boot files of system ${number} `);
  const { image: root, rootHash: own } = withVerity(
    Buffer.alloc(dataBytes, `root of system ${number} `),
    Buffer.alloc(32, number),
  );
  const description = {
    format: 1,
    version: `1.0.${number}`,
    board: 'virt',
    boot: { size: boot.length, sha256: sha256(boot).toString('hex') },
    root: {
      size: root.length,
      sha256: sha256(root).toString('hex'),
      verityRootHash: rootHash ?? own,
      hashOffset: dataBytes,
    },
  };
  return { boot, root, rootHash: rootHash ?? own, description };
}

/** Packs a system as an archive. @returns its file */
export function packSystem(folder: string, name: string, { boot, root, description }: SmallSystem): string {
  const members = mkdtempSync(path.join(folder, 'members-'));
  writeFileSync(path.join(members, 'system.json'), JSON.stringify(description));
  writeFileSync(path.join(members, 'boot.img'), boot);
  writeFileSync(path.join(members, 'root.img'), root);
  const file = path.join(folder, name);
  create({ file, cwd: members, sync: true, portable: true }, ['system.json', 'boot.img', 'root.img']);
  rmSync(members, { recursive: true });
  return file;
}

export type Letter = 'a' | 'b';

/** Partitions as plain files, and what the firmware and the kernel make of them. */
export class SlotMachine {
  readonly places: SystemPlaces;
  readonly data: string;

  /** @param factory lies in slot a; b is empty @param kernel where lies what the kernel says, and no medium keeps */
  constructor(folder: string, factory: SmallSystem, kernel = folder) {
    this.data = path.join(folder, 'data');
    this.places = {
      partitions: path.join(folder, 'partitions'),
      config: path.join(folder, 'config'),
      commandLine: path.join(kernel, 'cmdline'),
      release: path.join(kernel, 'os-release'),
    };
    for (const each of [this.data, this.places.partitions, this.places.config])
      mkdirSync(each, { recursive: true });
    for (const slot of ['a', 'b'] as const) {
      writeFileSync(this.partition('boot', slot), Buffer.alloc(2 * factory.boot.length));
      writeFileSync(this.partition('root', slot), Buffer.alloc(2 * factory.root.length));
    }
    this.lay('a', factory);
    writeFileSync(this.autoboot, '[all]\ntryboot_a_b=1\nboot_partition=2\n[tryboot]\nboot_partition=3\n');
    this.start('a');
  }

  get autoboot(): string {
    return path.join(this.places.config, 'autoboot.txt');
  }

  partition(image: 'boot' | 'root', slot: Letter): string {
    return path.join(this.places.partitions, `${image}-${slot}`);
  }

  lay(slot: Letter, { boot, root }: SmallSystem): void {
    for (const [image, bytes] of [
      ['boot', boot],
      ['root', root],
    ] as const) {
      const there = readFileSync(this.partition(image, slot));
      bytes.copy(there);
      writeFileSync(this.partition(image, slot), there);
    }
  }

  holds(slot: Letter, { boot, root }: SmallSystem): boolean {
    return (
      [
        ['boot', boot],
        ['root', root],
      ] as const
    ).every(([image, bytes]) =>
      readFileSync(this.partition(image, slot)).subarray(0, bytes.length).equals(bytes),
    );
  }

  /** The kernel of a slot runs. */
  start(slot: Letter): void {
    writeFileSync(
      this.places.commandLine,
      `ro quiet spikescope.slot=${slot} spikescope.verity=${'1'.repeat(64)}:ab:160\n`,
    );
    if (!existsSync(this.places.release))
      writeFileSync(this.places.release, 'IMAGE_ID=spikescope-system\nIMAGE_VERSION=0.9.0\n');
  }

  get running(): Letter {
    return /slot=a/.test(readFileSync(this.places.commandLine, 'utf8')) ? 'a' : 'b';
  }

  /** The slot that the firmware takes; a file of exactly this form is all that it is ever given. */
  firmware(isOneShot: boolean): Letter {
    const text = readFileSync(this.autoboot, 'utf8');
    const found =
      /^\[all\]\ntryboot_a_b=1\nboot_partition=([23])\n\[tryboot\]\nboot_partition=([23])\n$/.exec(text);
    if (found === null) throw new Error(`the firmware cannot make anything of ${JSON.stringify(text)}`);
    return found[isOneShot ? 2 : 1] === '2' ? 'a' : 'b';
  }

  flip(image: 'boot' | 'root', slot: Letter, at: number): void {
    const bytes = readFileSync(this.partition(image, slot));
    bytes[at] ^= 1;
    writeFileSync(this.partition(image, slot), bytes);
  }
}
