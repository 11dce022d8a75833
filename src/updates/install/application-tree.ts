import { createHash } from 'node:crypto';
import { createReadStream, type Stats } from 'node:fs';
import { mkdir, open, readdir, stat } from 'node:fs/promises';
import path from 'node:path';
import { Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createBrotliDecompress } from 'node:zlib';
import pLimit from 'p-limit';
import { Parser, type ReadEntry } from 'tar';
import { RefusedError, reasonOf, SpikescopeError, systemCodeOf } from '../../errors.ts';
import { makeFolder } from '../../make-folder.ts';
import { flushFolder, writeFlushed } from '../../store/durable-file.ts';

/** Written last: a tree without it is not whole. The launcher starts no other. */
export const TREE_MARKER = '.spikescope-tree';
/** What the launcher starts. */
const PROGRAM = 'bin/spikescope.mjs';

/** What a tree may be made of, at most. */
export interface TreeLimits {
  readonly files: number;
  /** Bytes of all files together. */
  readonly bytes: number;
}
const LIMITS: TreeLimits = { files: 20_000, bytes: 512 * 2 ** 20 };
/** Bytes of names and other words about one file. */
const META = 65_536;
const NAME_BYTES = 255;
const PATH_BYTES = 1_024;
/** Files that are read again at a time. */
const AT_A_TIME = 4;

export interface UnpackOptions {
  readonly signal?: AbortSignal;
  /** Told of bytes of the archive that are done. */
  readonly onProgress?: (bytes: number) => void;
  readonly limits?: TreeLimits;
}

/**
 * Puts the tree of an application's archive (`.tar.br`) into an empty folder, in bounded memory. Regular files and folders
 * alone are taken. Everything is read again, and on the medium, when resolved.
 * @throws RefusedError `APPLICATION_ARCHIVE` where it holds anything else
 * @throws SpikescopeError `APPLICATION_UNWRITABLE`
 */
export async function unpack(file: string, folder: string, options: UnpackOptions = {}): Promise<void> {
  const { signal, onProgress, limits = LIMITS } = options;
  const tree = new Tree(file, folder, limits);
  try {
    await requireEmpty(folder);
    await pipeline(
      createReadStream(file),
      counting((bytes) => onProgress?.(bytes)),
      createBrotliDecompress(),
      (pieces: AsyncIterable<Buffer>) => tree.take(pieces),
      { ...(signal && { signal }) },
    );
    await tree.finish(signal);
  } catch (cause) {
    if (signal?.aborted === true) throw cause;
    throw faultOf(tree.failure ?? cause, file, folder);
  }
}

function faultOf(cause: unknown, file: string, folder: string): unknown {
  if (cause instanceof SpikescopeError) return cause;
  const code = systemCodeOf(cause) ?? '';
  // Of the decompression, of the archive, and of one part of the pipeline that ended another.
  if (/^(ERR_|Z_|TAR_|ABORT_ERR)/.test(code))
    return refusal(file, 'a whole archive', reasonOf(cause), undefined, cause);
  return new SpikescopeError('APPLICATION_UNWRITABLE', 'The application cannot be written', {
    file: folder,
    received: reasonOf(cause),
    remedy: code === 'ENOSPC' ? 'free space' : 'check the medium and the permissions of its folder',
    cause,
  });
}

function refusal(
  file: string,
  expected: string,
  received: string,
  field?: string,
  cause?: unknown,
): RefusedError {
  return new RefusedError('APPLICATION_ARCHIVE', 'This archive is none of an application', {
    file,
    ...(field !== undefined && { field }),
    expected,
    received,
    remedy: 'tell its publisher; `spikescope provision build --kind application` makes one',
    ...(cause !== undefined && { cause }),
  });
}

async function requireEmpty(folder: string): Promise<void> {
  makeFolder(folder, 0o700);
  const [first] = await readdir(folder);
  if (first !== undefined) throw new Error(`an empty folder is needed, and there is ${first}`);
}

function counting(told: (bytes: number) => void): Transform {
  let bytes = 0;
  return new Transform({
    transform(piece: Buffer, _encoding, done) {
      bytes += piece.length;
      told(bytes);
      done(null, piece);
    },
  });
}

/** A tree that grows file by file. */
class Tree {
  readonly #archive: string;
  readonly #folder: string;
  readonly #limits: TreeLimits;
  readonly #digests = new Map<string, string>();
  readonly #folders = new Set<string>(['']);
  #entries = 0;
  #bytes = 0;
  #writing: Promise<void> = Promise.resolve();
  #failure: unknown = null;

  constructor(archive: string, folder: string, limits: TreeLimits) {
    this.#archive = archive;
    this.#folder = folder;
    this.#limits = limits;
  }

  /** What went wrong first, whatever a pipeline makes of it. */
  get failure(): unknown {
    return this.#failure;
  }

  /** @param pieces of the archive, without compression */
  async take(pieces: AsyncIterable<Buffer>): Promise<void> {
    const parser = new Parser({ strict: true, maxMetaEntrySize: META, brotli: false });
    const ended = new Promise<void>((resolve) => parser.once('end', resolve));
    let wake = () => {};
    const fail = (error: unknown) => {
      this.#failure ??= error;
      wake();
    };
    parser.on('error', (error: unknown) =>
      fail(this.#refuse('a whole archive', reasonOf(error), undefined, error)),
    );
    parser.on('ignoredEntry', (entry: ReadEntry) =>
      fail(this.#refuse('files and folders alone', entry.type, entry.path)),
    );
    parser.on('entry', (entry: ReadEntry) => {
      this.#writing = this.#entry(entry).catch((error: unknown) => {
        entry.resume();
        fail(error);
      });
    });
    let read = 0;
    for await (const piece of pieces) {
      read += piece.length;
      // Headers and padding too: what holds nothing but names is bounded as well.
      if (read > this.#limits.bytes + this.#limits.files * 2048) {
        fail(this.#refuse(`at most ${this.#limits.bytes} bytes`, 'more'));
        throw this.#failure;
      }
      const woken = new Promise<void>((resolve) => {
        wake = resolve;
      });
      parser.once('drain', wake);
      if (!parser.write(piece) && this.#failure === null) await woken;
      parser.off('drain', wake);
      if (this.#failure !== null) throw this.#failure;
    }
    parser.end();
    const failed = new Promise<void>((resolve) => {
      wake = resolve;
    });
    if (this.#failure === null) await Promise.race([ended, failed]);
    await this.#writing;
    if (this.#failure !== null) throw this.#failure;
  }

  /** Reads all of it again, puts it on the medium, and says so in it. */
  async finish(signal?: AbortSignal): Promise<void> {
    for (const needed of [PROGRAM, 'package.json']) {
      if (!this.#digests.has(needed)) throw this.#refuse(needed, 'none');
    }
    const limit = pLimit(AT_A_TIME);
    await Promise.all(
      [...this.#digests].map(([name, digest]) =>
        limit(async () => {
          signal?.throwIfAborted();
          if ((await flushedDigest(path.join(this.#folder, name))) === digest) return;
          throw new Error(`${name} is read otherwise than it was written`);
        }),
      ),
    );
    for (const name of this.#folders) await flushFolder(path.join(this.#folder, name));
    const words = { files: this.#digests.size, bytes: this.#bytes };
    await writeFlushed(path.join(this.#folder, TREE_MARKER), `${JSON.stringify(words)}\n`);
    await flushFolder(this.#folder);
  }

  async #entry(entry: ReadEntry): Promise<void> {
    const isFolder = entry.type === 'Directory';
    if (!isFolder && entry.type !== 'File' && entry.type !== 'OldFile') {
      throw this.#refuse('files and folders alone', entry.type, entry.path);
    }
    const name = this.#plainName(isFolder ? entry.path.replace(/\/$/, '') : entry.path);
    const mode = entry.mode ?? 0;
    if ((mode & 0o7000) !== 0)
      throw this.#refuse('rights of reading, writing and running', mode.toString(8), name);
    this.#count(entry.size, name);
    try {
      await this.#makeFolders(isFolder ? name : path.posix.dirname(name));
      if (isFolder) entry.resume();
      else await this.#write(name, entry, (mode & 0o111) !== 0);
    } catch (error) {
      const code = systemCodeOf(error) ?? '';
      if (['EEXIST', 'ENOTDIR', 'EISDIR'].includes(code))
        throw this.#refuse('each name once', 'it twice', name);
      throw error;
    }
  }

  #count(bytes: number, name: string): void {
    this.#entries += 1;
    this.#bytes += bytes;
    const { files, bytes: most } = this.#limits;
    if (this.#entries > files) throw this.#refuse(`at most ${files} files`, 'more', name);
    if (this.#bytes > most) throw this.#refuse(`at most ${most} bytes`, 'more', name);
  }

  #plainName(name: string): string {
    const parts = name.split('/');
    const isPlain =
      !/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\\\ufffd]/u.test(name) &&
      Buffer.byteLength(name) <= PATH_BYTES &&
      parts.every((part) => !['', '.', '..'].includes(part) && Buffer.byteLength(part) <= NAME_BYTES) &&
      name !== TREE_MARKER;
    if (isPlain) return name;
    throw this.#refuse('names of files below the application', JSON.stringify(name).slice(0, 200));
  }

  async #makeFolders(name: string): Promise<void> {
    const parts = name === '.' ? [] : name.split('/');
    for (let depth = 1; depth <= parts.length; depth++) {
      const each = parts.slice(0, depth).join('/');
      if (this.#folders.has(each)) continue;
      await mkdir(path.join(this.#folder, each), { mode: 0o755 });
      this.#folders.add(each);
    }
  }

  async #write(name: string, entry: ReadEntry, isExecutable: boolean): Promise<void> {
    const hash = createHash('sha256');
    const handle = await open(path.join(this.#folder, name), 'wx', isExecutable ? 0o755 : 0o644);
    try {
      for await (const piece of entry) {
        hash.update(piece);
        for (let done = 0; done < piece.length; ) done += (await handle.write(piece, done)).bytesWritten;
      }
    } finally {
      await handle.close();
    }
    this.#digests.set(name, hash.digest('hex'));
  }

  #refuse(expected: string, received: string, field?: string, cause?: unknown): RefusedError {
    return refusal(this.#archive, expected, received, field, cause);
  }
}

async function flushedDigest(file: string): Promise<string> {
  const handle = await open(file, 'r');
  try {
    const hash = createHash('sha256');
    for await (const piece of handle.createReadStream({ autoClose: false })) hash.update(piece);
    await handle.sync();
    return hash.digest('hex');
  } finally {
    await handle.close();
  }
}

/** Whether a folder holds a tree that was unpacked to its end. */
export async function isTreeWhole(folder: string): Promise<boolean> {
  const isFile = (found: Stats | null) => found?.isFile() === true;
  const names = [TREE_MARKER, PROGRAM, 'package.json'];
  const found = await Promise.all(names.map((name) => stat(path.join(folder, name)).catch(() => null)));
  return found.every(isFile);
}
