import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { open, rm, stat } from 'node:fs/promises';
import path from 'node:path';
import { RefusedError, reasonOf, SpikescopeError, systemCodeOf } from '../../errors.ts';
import { makeFolder } from '../../make-folder.ts';
import { flushFolder, replaceDurably } from '../../store/durable-file.ts';
import { freeBytes, RESERVE, writeAll } from '../medium.ts';
import { updatesFolder } from '../trust/kept-metadata.ts';
import type { Slot } from './contract.ts';
import { slotsFolder } from './installed.ts';
import type { Kind } from './state.ts';

/** Puts the tree of an application's package into an empty folder, every byte of it on the medium when resolved. */
export type Unpack = (file: string, folder: string) => Promise<void>;

/** What is to be in a slot. */
export interface SlotContent {
  /** SHA-256 or SHA-512, hexadecimal. */
  readonly hash: string;
  /** Bytes. */
  readonly length: number;
}

/** Room for the tree of a package, as a multiple of the package: compressed text is about a quarter of itself. */
const UNPACKED = 5;
const PIECE = 2 ** 20;

const FILES = {
  model: 'model.spikescope',
  configuration: 'configuration.yaml',
  system: 'system.json',
} as const;

export function slotFolder(data: string, kind: Kind, slot: Slot): string {
  return path.join(slotsFolder(data), `${kind}-${slot}`);
}

/**
 * Where the content of a slot lies: a file, or of an application its folder; of a system what its partitions are held
 * to.
 */
export function slotPath(data: string, kind: Kind, slot: Slot): string {
  const folder = slotFolder(data, kind, slot);
  return kind === 'application' ? folder : path.join(folder, FILES[kind]);
}

/** @throws RefusedError `INSTALL_SPACE` before anything is written that would not fit */
export function requireSlotSpace(data: string, kind: Kind, { length }: SlotContent): void {
  makeFolder(slotsFolder(data), 0o700);
  const free = freeBytes(slotsFolder(data));
  const needed = length * (kind === 'application' ? UNPACKED : 1) + RESERVE;
  if (free >= needed) return;
  throw noSpace(slotsFolder(data), `${needed} bytes free, ${RESERVE} of them for the journal`, `${free}`);
}

/**
 * Writes a file into a slot, held to its hash while it is written and again when it is read back; on the medium when
 * resolved. Until then what was there stays, or is half of a tree that nothing names.
 * @param onProgress told of bytes that are done, of as many again as are read back
 * @returns the path of the content
 * @throws RefusedError `TARGET_DAMAGED`, `INSTALL_SPACE` @throws SpikescopeError `SLOT`
 */
export async function writeSlot(
  { data, kind, slot, file }: { data: string; kind: Exclude<Kind, 'system'>; slot: Slot; file: string },
  content: SlotContent,
  { unpack, onProgress = () => {} }: { unpack?: Unpack; onProgress?: (bytes: number) => void } = {},
): Promise<string> {
  const target = slotPath(data, kind, slot);
  try {
    makeFolder(slotFolder(data, kind, slot), 0o700);
    if (kind !== 'application')
      await replaceDurably(target, `${target}.new`, (fresh) => copyHeld(file, fresh, content, onProgress));
    else {
      await requireHeld(file, content, onProgress);
      await unpackInto(target, file, unpack);
    }
    // The names of the folders too: any of them may be new.
    for (const folder of [slotsFolder(data), updatesFolder(data), data]) await flushFolder(folder);
    return target;
  } catch (cause) {
    if (cause instanceof SpikescopeError) throw cause;
    if (systemCodeOf(cause) === 'ENOSPC')
      throw noSpace(target, `room for ${content.length} bytes`, 'a full disk');
    throw new SpikescopeError('SLOT', 'A release cannot be written into its slot', {
      file: target,
      received: reasonOf(cause),
      remedy: 'check the medium and the permissions of its folder',
      cause,
    });
  }
}

/** Whether a slot's file is, byte for byte, what was installed. */
export async function isSlotWhole(file: string, { hash, length }: SlotContent): Promise<boolean> {
  try {
    const found = await stat(file);
    return found.isFile() && found.size === length && (await hashOf(file, hash)) === hash;
  } catch {
    return false;
  }
}

async function copyHeld(
  from: string,
  to: string,
  content: SlotContent,
  onProgress: (bytes: number) => void,
): Promise<void> {
  const hash = hasher(content.hash);
  const handle = await open(to, 'w', 0o600);
  let at = 0;
  try {
    for await (const piece of createReadStream(from, { highWaterMark: PIECE })) {
      hash.update(piece);
      at += await writeAll(handle, piece, at);
      if (at > content.length) break;
      onProgress(at);
    }
    await handle.sync();
  } finally {
    await handle.close();
  }
  if (at !== content.length || hash.digest('hex') !== content.hash) throw damaged(from);
  await requireHeld(to, content, (bytes) => onProgress(at + bytes));
}

/** Reads all of it from the medium, as far as the system does not hold it. @throws RefusedError `TARGET_DAMAGED` */
async function requireHeld(
  file: string,
  content: SlotContent,
  onProgress: (bytes: number) => void,
): Promise<void> {
  if ((await stat(file)).size !== content.length) throw damaged(file);
  if ((await hashOf(file, content.hash, onProgress)) !== content.hash) throw damaged(file);
}

async function hashOf(
  file: string,
  like: string,
  onProgress: (bytes: number) => void = () => {},
): Promise<string> {
  const hash = hasher(like);
  let done = 0;
  for await (const piece of createReadStream(file, { highWaterMark: PIECE })) {
    hash.update(piece);
    done += piece.length;
    onProgress(done);
  }
  return hash.digest('hex');
}

function hasher(like: string) {
  return createHash(like.length === 128 ? 'sha512' : 'sha256');
}

async function unpackInto(folder: string, file: string, unpack: Unpack | undefined): Promise<void> {
  if (unpack === undefined) {
    throw new RefusedError('INSTALL_KIND', 'Releases of this kind are not installed here', {
      file,
      expected: 'a model or a configuration',
      received: 'an application',
    });
  }
  await rm(folder, { recursive: true, force: true });
  makeFolder(folder, 0o700);
  await unpack(file, folder);
  await flushFolder(folder);
}

function noSpace(file: string, expected: string, received: string): RefusedError {
  return new RefusedError('INSTALL_SPACE', 'There is no room to install this release', {
    file,
    expected,
    received,
    remedy: 'free space on its disk',
  });
}

function damaged(file: string): RefusedError {
  return new RefusedError('TARGET_DAMAGED', 'What was fetched is not any more what was signed', {
    file,
    expected: 'the bytes of the signed hash',
    received: 'others',
    remedy: 'install it again; where that repeats, replace the medium',
  });
}
