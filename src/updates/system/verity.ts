/**
 * dm-verity's hash tree, format 1, as `veritysetup format` lays it out: a superblock, then the levels from the root down to
 * the one over the data. Computed again from the data, in memory that does not grow with it.
 */
import { createHash } from 'node:crypto';

const SIGNATURE = Buffer.from('verity\0\0', 'latin1');
export const SUPERBLOCK_BYTES = 512;
const SHA256_BYTES = 32;

export interface Verity {
  readonly salt: Buffer;
  /** Bytes. */
  readonly dataBlock: number;
  readonly hashBlock: number;
  readonly dataBlocks: number;
}

/** What a superblock says; null where it is none of SHA-256, format 1. */
export function parseSuperblock(bytes: Buffer): Verity | null {
  if (bytes.length < SUPERBLOCK_BYTES || !bytes.subarray(0, 8).equals(SIGNATURE)) return null;
  const [version, type] = [bytes.readUInt32LE(8), bytes.readUInt32LE(12)];
  const algorithm = bytes.toString('latin1', 32, 64).replace(/\0.*$/s, '');
  const [dataBlock, hashBlock] = [bytes.readUInt32LE(64), bytes.readUInt32LE(68)];
  const dataBlocks = Number(bytes.readBigUInt64LE(72));
  const saltBytes = bytes.readUInt16LE(80);
  const isKnown = version === 1 && type === 1 && algorithm === 'sha256' && saltBytes <= 256;
  if (!isKnown || !isBlock(dataBlock) || !isBlock(hashBlock) || !Number.isSafeInteger(dataBlocks))
    return null;
  return { salt: Buffer.from(bytes.subarray(88, 88 + saltBytes)), dataBlock, hashBlock, dataBlocks };
}

function isBlock(bytes: number): boolean {
  return bytes >= 512 && bytes <= 65_536 && (bytes & (bytes - 1)) === 0;
}

/** The root hash over data that comes in pieces of any length. */
export class VerityHash {
  readonly #verity: Verity;
  /** Of each level above the data, the block that is being filled. */
  readonly #levels: { readonly block: Buffer; filled: number; blocks: number; last: Buffer }[] = [];
  #rest = Buffer.alloc(0);
  #blocks = 0;

  constructor(verity: Verity) {
    this.#verity = verity;
  }

  take(piece: Buffer): void {
    const { dataBlock } = this.#verity;
    const bytes = this.#rest.length === 0 ? piece : Buffer.concat([this.#rest, piece]);
    let at = 0;
    for (; at + dataBlock <= bytes.length; at += dataBlock) {
      this.#blocks++;
      this.#put(0, this.#digest(bytes.subarray(at, at + dataBlock)));
    }
    this.#rest = Buffer.from(bytes.subarray(at));
  }

  /** Hexadecimal; null where it was not as much as the superblock says, or one block alone, which has no tree. */
  end(): string | null {
    if (this.#rest.length > 0 || this.#blocks !== this.#verity.dataBlocks || this.#blocks < 2) return null;
    for (let level = 0; ; level++) {
      const at = this.#levels[level];
      if (at.filled > 0) this.#close(level);
      // One block of hashes, and nothing beside it: what it hashes to is the root.
      if (at.blocks === 1) return at.last.toString('hex');
    }
  }

  #put(level: number, digest: Buffer): void {
    if (this.#levels.length === level) {
      const block = Buffer.alloc(this.#verity.hashBlock);
      this.#levels.push({ block, filled: 0, blocks: 0, last: digest });
    }
    const at = this.#levels[level];
    digest.copy(at.block, at.filled);
    at.filled += SHA256_BYTES;
    if (at.filled === this.#verity.hashBlock) this.#close(level);
  }

  /** A block's first digest is held back until there is a second: alone it is the root. */
  #close(level: number): void {
    const at = this.#levels[level];
    const digest = this.#digest(at.block);
    at.block.fill(0);
    at.filled = 0;
    at.blocks++;
    if (at.blocks === 2) this.#put(level + 1, at.last);
    at.last = digest;
    if (at.blocks >= 2) this.#put(level + 1, digest);
  }

  #digest(block: Buffer): Buffer {
    return createHash('sha256').update(this.#verity.salt).update(block).digest();
  }
}
