import { createHash, type Hash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { open, readdir, rename, rm, stat } from 'node:fs/promises';
import path from 'node:path';
import { RefusedError, reasonOf, SpikescopeError, systemCodeOf } from '../errors.ts';
import { makeFolder } from '../make-folder.ts';
import { flushFolder } from '../store/durable-file.ts';
import { freeBytes, RESERVE, writeAll } from './medium.ts';
import type { Source } from './source/source.ts';
import type { HashAlgorithm, Target } from './target.ts';

export interface FetchOptions {
  /** Told of each piece that has come: bytes of the target that are there. */
  readonly onProgress?: (bytes: number) => void;
}

/**
 * Reads a target from its source and holds every byte to its hashes; nothing is written.
 * @throws RefusedError `TARGET_DAMAGED`, `TARGET_MISSING`
 */
export async function verifyTarget(source: Source, target: Target): Promise<void> {
  const running = new Running(target);
  for await (const piece of await piecesOf(source, target, 0).then(({ pieces }) => pieces))
    running.take(piece);
  running.end();
}

/**
 * Brings a target into a folder, under the name of its hash. It is verified while it is written, and read again from the
 * medium before it gets its name: a file of that name is whole. What was ended in the middle goes on where it was.
 * @returns its file
 * @throws RefusedError `TARGET_DAMAGED`, `TARGET_MISSING`, `TARGET_SPACE` @throws SpikescopeError `SOURCE_*`, `STAGING`
 */
export async function fetchTarget(
  source: Source,
  target: Target,
  folder: string,
  { onProgress }: FetchOptions = {},
): Promise<string> {
  const [hash] = target.hashes.values();
  const file = path.join(folder, hash);
  const partial = `${file}.partial`;
  try {
    makeFolder(folder, 0o700);
    if (await isWhole(file, target)) return file;
    await removeOthers(folder, partial);
    const there = Math.min((await stat(partial).catch(() => null))?.size ?? 0, target.length);
    requireSpace(folder, target, there);
    if (!(await isWhole(partial, target))) await complete(source, target, partial, there, onProgress);
    await rename(partial, file);
    await flushFolder(folder);
    return file;
  } catch (cause) {
    // What is not the target would not become it by going on.
    if (isDamage(cause)) await rm(partial, { force: true });
    if (cause instanceof SpikescopeError) throw cause;
    throw new SpikescopeError('STAGING', 'What was fetched cannot be written', {
      file: partial,
      received: reasonOf(cause),
      remedy:
        systemCodeOf(cause) === 'ENOSPC'
          ? 'free space'
          : 'check the medium and the permissions of its folder',
      cause,
    });
  }
}

/** Goes on behind what is there. What a power cut left of it may be anything: then the source is asked for all, once. */
async function complete(
  source: Source,
  target: Target,
  partial: string,
  there: number,
  onProgress: FetchOptions['onProgress'],
): Promise<void> {
  const from = there < target.length ? there : 0;
  try {
    await writePieces(source, target, partial, from, onProgress);
  } catch (error) {
    if (from === 0 || !isDamage(error)) throw error;
    await writePieces(source, target, partial, 0, onProgress);
  }
  if (!(await isWhole(partial, target))) throw damaged(target, 'other bytes when it was read again');
}

function isDamage(error: unknown): boolean {
  return error instanceof RefusedError && error.code === 'TARGET_DAMAGED';
}

/** What was begun of other targets would lie there for ever. */
async function removeOthers(folder: string, own: string): Promise<void> {
  const names = (await readdir(folder)).filter((name) => name.endsWith('.partial'));
  const others = names.map((name) => path.join(folder, name)).filter((file) => file !== own);
  await Promise.all(others.map((file) => rm(file, { force: true })));
}

async function writePieces(
  source: Source,
  target: Target,
  partial: string,
  there: number,
  onProgress: FetchOptions['onProgress'],
): Promise<void> {
  const { from, pieces } = await piecesOf(source, target, there);
  const running = new Running(target);
  if (from > 0) for await (const piece of createReadStream(partial, { end: from - 1 })) running.take(piece);
  const handle = await open(partial, from > 0 ? 'r+' : 'w', 0o600);
  try {
    await handle.truncate(from);
    let at = from;
    onProgress?.(at);
    for await (const piece of pieces) {
      running.take(piece);
      at += await writeAll(handle, piece, at);
      onProgress?.(at);
    }
    running.end();
    await handle.sync();
  } finally {
    await handle.close();
  }
}

async function piecesOf(source: Source, target: Target, from: number) {
  const opened = await source.open(target.place, from);
  if (opened !== null) return opened;
  throw new RefusedError('TARGET_MISSING', 'The repository does not hold this target, though it is signed', {
    file: target.place.join('/'),
    remedy: 'copy the repository again as a whole',
  });
}

/** Whether a file holds the target. Whatever else is there is none of it. */
async function isWhole(file: string, target: Target): Promise<boolean> {
  const found = await stat(file).catch(() => null);
  if (found === null || !found.isFile() || found.size !== target.length) return false;
  const running = new Running(target);
  try {
    for await (const piece of createReadStream(file)) running.take(piece);
    running.end();
    return true;
  } catch (error) {
    if (error instanceof RefusedError) return false;
    throw error;
  }
}

/** @throws RefusedError `TARGET_SPACE` */
function requireSpace(folder: string, target: Target, there: number): void {
  const free = freeBytes(folder);
  const needed = target.length - there + RESERVE;
  if (free >= needed) return;
  throw new RefusedError('TARGET_SPACE', 'There is no room for this target', {
    file: folder,
    expected: `${needed} bytes free, ${RESERVE} of them for the journal`,
    received: `${free}`,
    remedy: 'free space on its disk',
  });
}

/** Bytes on their way, held to the length and the hashes of a target. */
class Running {
  readonly #target: Target;
  readonly #hashes: readonly (readonly [HashAlgorithm, Hash])[];
  #length = 0;

  constructor(target: Target) {
    this.#target = target;
    this.#hashes = [...target.hashes.keys()].map((algorithm) => [algorithm, createHash(algorithm)] as const);
  }

  take(piece: Uint8Array): void {
    this.#length += piece.length;
    if (this.#length > this.#target.length) throw damaged(this.#target, 'more bytes than are signed');
    for (const [, hash] of this.#hashes) hash.update(piece);
  }

  end(): void {
    if (this.#length < this.#target.length) {
      // Not damaged: the rest may come another time.
      throw new SpikescopeError('SOURCE_CUT_SHORT', 'The source ended in the middle of a target', {
        file: this.#target.place.join('/'),
        expected: `${this.#target.length} bytes`,
        received: `${this.#length}`,
        remedy: 'try again: it goes on where it was',
      });
    }
    for (const [algorithm, hash] of this.#hashes) {
      if (hash.digest('hex') !== this.#target.hashes.get(algorithm)) {
        throw damaged(this.#target, `another ${algorithm.toUpperCase()}`);
      }
    }
  }
}

function damaged(target: Target, received: string): RefusedError {
  return new RefusedError('TARGET_DAMAGED', 'What the source holds is not what was signed', {
    file: target.place.join('/'),
    expected: `${target.length} bytes of the signed hashes`,
    received,
    remedy: 'copy the repository again from its publisher',
  });
}
