import { type FileHandle, open } from 'node:fs/promises';
import path from 'node:path';
import { RefusedError, reasonOf, SpikescopeError } from '../../errors.ts';
import { makeFolder } from '../../make-folder.ts';
import { DurableFile } from '../../store/durable-file.ts';
import type { Slot } from '../install/contract.ts';
import { slotPath } from '../install/slots.ts';
import { writeAll } from '../medium.ts';
import { openSystemArchive, type SystemArchive } from './archive.ts';
import {
  committedSlot,
  IMAGES,
  type Image,
  partitionBytes,
  partitionOf,
  runningSlot,
  type SystemPlaces,
} from './places.ts';

/** Bytes that are held at a time, twice. */
const PIECE = 2 ** 20;
/** Bytes that are compared at a time: what a card erases is larger, what it programs is not. */
const BLOCK = 65_536;

export interface WriteSystem {
  readonly data: string;
  readonly places: SystemPlaces;
  /** The archive. */
  readonly file: string;
  readonly slot: Slot;
  /** Told of bytes that are done. */
  readonly onProgress?: (bytes: number) => void;
}

export interface WrittenSystem {
  /** What the slot is held to: the archive's `system.json`. */
  readonly path: string;
  /** Bytes that were not there already. */
  readonly written: number;
}

/**
 * Writes the images of an archive over the partitions of a slot, and of each only what is not there already: what was
 * ended in
 * the middle goes on where it was. On the medium when resolved. The slot must be one that nothing starts from.
 * @throws RefusedError `SYSTEM_ARCHIVE`, `SYSTEM_SLOT`, `INSTALL_SPACE` @throws SpikescopeError `SLOT`
 */
export async function writeSystem({
  data,
  places,
  file,
  slot,
  onProgress = () => {},
}: WriteSystem): Promise<WrittenSystem> {
  await requireIdle(places, slot);
  const archive = await openSystemArchive(file);
  const target = slotPath(data, 'system', slot);
  let [written, done] = [0, 0];
  try {
    for (const image of IMAGES) await requireFit(places, image, slot, archive);
    const source = await open(file, 'r');
    try {
      for (const image of IMAGES) {
        written += await writeImage(source, { places, image, slot, archive }, (bytes) => {
          done += bytes;
          onProgress(done);
        });
      }
    } finally {
      await source.close();
    }
    makeFolder(path.dirname(target), 0o700);
    await new DurableFile(target).write(JSON.stringify(archive.description));
    return { path: target, written };
  } catch (cause) {
    if (cause instanceof SpikescopeError) throw cause;
    throw new SpikescopeError('SLOT', 'A release cannot be written into its slot', {
      file: places.partitions,
      received: reasonOf(cause),
      remedy: 'check the medium and the permissions of its partitions',
      cause,
    });
  }
}

/** Neither the slot that runs nor the one that an ordinary start would take. @throws RefusedError `SYSTEM_SLOT` */
async function requireIdle(places: SystemPlaces, slot: Slot): Promise<void> {
  const [running, committed] = [runningSlot(places), await committedSlot(places)];
  if (running !== null && committed === running && slot !== running) return;
  throw new RefusedError('SYSTEM_SLOT', 'This slot may not be written: the device starts from it, or may', {
    field: slot,
    expected: 'a slot beside the one that runs, which is also the one that starts take',
    received: `slot ${running ?? 'unknown'} runs, ${committed ?? 'none'} stands in autoboot.txt`,
    remedy: 'wait until the system on trial is confirmed or has fallen back; else restart the device',
  });
}

async function requireFit(
  places: SystemPlaces,
  image: Image,
  slot: Slot,
  { description }: SystemArchive,
): Promise<void> {
  const file = partitionOf(places, image, slot);
  const [needed, there] = [description[image].size, await partitionBytes(file)];
  if (there >= needed) return;
  throw new RefusedError('INSTALL_SPACE', 'There is no room to install this release', {
    file,
    expected: `a partition of ${needed} bytes`,
    received: `${there}`,
    remedy: 'write the card anew with an image whose partitions are larger',
  });
}

interface Images {
  readonly places: SystemPlaces;
  readonly image: Image;
  readonly slot: Slot;
  readonly archive: SystemArchive;
}

async function writeImage(
  source: FileHandle,
  { places, image, slot, archive }: Images,
  onBytes: (bytes: number) => void,
): Promise<number> {
  const partition = await open(partitionOf(places, image, slot), 'r+');
  const { size } = archive.description[image];
  const [fresh, there] = [Buffer.alloc(PIECE), Buffer.alloc(PIECE)];
  let written = 0;
  try {
    for (let at = 0; at < size; at += PIECE) {
      const length = Math.min(PIECE, size - at);
      await readWhole(source, fresh.subarray(0, length), archive.offsets[image] + at);
      await partition.read(there, 0, length, at);
      for (const [from, to] of differences(fresh, there, length)) {
        written += await writeAll(partition, fresh.subarray(from, to), at + from);
      }
      onBytes(length);
    }
    await partition.sync();
  } finally {
    await partition.close();
  }
  return written;
}

/** Stretches of blocks that are not the same, as [from, to). */
function differences(fresh: Buffer, there: Buffer, length: number): [number, number][] {
  const found: [number, number][] = [];
  for (let from = 0; from < length; from += BLOCK) {
    const to = Math.min(from + BLOCK, length);
    if (fresh.compare(there, from, to, from, to) === 0) continue;
    const last = found.at(-1);
    if (last !== undefined && last[1] === from) last[1] = to;
    else found.push([from, to]);
  }
  return found;
}

async function readWhole(source: FileHandle, into: Buffer, at: number): Promise<void> {
  for (let done = 0; done < into.length; ) {
    const { bytesRead } = await source.read(into, done, into.length - done, at + done);
    if (bytesRead === 0) throw new Error('the archive ended while it was read');
    done += bytesRead;
  }
}
