import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { open } from 'node:fs/promises';
import { reasonOf } from '../../errors.ts';
import { readJsonFile } from '../../json-file.ts';
import type { Candidate, Proof, ProofItem } from '../install/contract.ts';
import { SLOTS } from '../install/contract.ts';
import { slotPath } from '../install/slots.ts';
import { type SystemDescription, systemSchema } from './archive.ts';
import { type Image, partitionOf, type SystemPlaces } from './places.ts';
import { parseSuperblock, SUPERBLOCK_BYTES, VerityHash } from './verity.ts';

const PIECE = 2 ** 20;

export interface ProvingSystem {
  readonly data: string;
  readonly places: SystemPlaces;
  readonly onStep: (done: number, of: number) => void;
}

/**
 * What can be said of a system before it is started: that its partitions, read back from the medium, hold the bytes
 * that were
 * signed, and that the hash tree of the root is that of its data. The rest its one-shot start shows.
 */
export async function proveSystem(
  { path }: Candidate,
  { data, places, onStep }: ProvingSystem,
): Promise<Proof> {
  const slot = SLOTS.find((each) => slotPath(data, 'system', each) === path);
  const description = await readJsonFile(path, systemSchema, (_, received) => new Error(received)).catch(
    () => null,
  );
  const items: ProofItem[] = [];
  if (slot === undefined || description === null) {
    return { passed: false, items: [item('system.json', false, 'a description of what lies in the slot')] };
  }
  const { boot, root } = description;
  const [read, of] = [{ bytes: 0 }, boot.size + root.size + root.hashOffset];
  const onBytes = (bytes: number): void => {
    read.bytes += bytes;
    onStep(read.bytes, of);
  };
  for (const image of ['boot', 'root'] as const) {
    items.push(await imageItem(partitionOf(places, image, slot), image, description, onBytes));
  }
  items.push(await verityItem(partitionOf(places, 'root', slot), description, onBytes));
  return { passed: items.every(({ passed }) => passed), items };
}

async function imageItem(
  file: string,
  image: Image,
  description: SystemDescription,
  onBytes: (bytes: number) => void,
): Promise<ProofItem> {
  const { size, sha256 } = description[image];
  const hash = createHash('sha256');
  try {
    for await (const piece of createReadStream(file, { end: size - 1, highWaterMark: PIECE })) {
      hash.update(piece);
      onBytes(piece.length);
    }
    return item(image, hash.digest('hex') === sha256, `SHA-256 ${sha256}`);
  } catch (error) {
    return item(image, false, `SHA-256 ${sha256}; ${reasonOf(error)}`);
  }
}

async function verityItem(
  file: string,
  { root: { verityRootHash, hashOffset } }: SystemDescription,
  onBytes: (bytes: number) => void,
): Promise<ProofItem> {
  const required = `root hash ${verityRootHash}`;
  try {
    const superblock = parseSuperblock(await bytesAt(file, hashOffset, SUPERBLOCK_BYTES));
    if (superblock === null) return item('verity', false, `${required}; no superblock of dm-verity`);
    const end = superblock.dataBlocks * superblock.dataBlock;
    if (end > hashOffset) return item('verity', false, `${required}; a tree over more than the data`);
    const hash = new VerityHash(superblock);
    for await (const piece of createReadStream(file, { end: end - 1, highWaterMark: PIECE })) {
      hash.take(piece);
      onBytes(piece.length);
    }
    return item('verity', hash.end() === verityRootHash, required);
  } catch (error) {
    return item('verity', false, `${required}; ${reasonOf(error)}`);
  }
}

async function bytesAt(file: string, at: number, length: number): Promise<Buffer> {
  const handle = await open(file, 'r');
  try {
    const buffer = Buffer.alloc(length);
    await handle.read(buffer, 0, length, at);
    return buffer;
  } finally {
    await handle.close();
  }
}

function item(name: string, passed: boolean, required: string): ProofItem {
  return { name, passed, measured: null, required };
}
