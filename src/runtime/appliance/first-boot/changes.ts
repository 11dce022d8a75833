/** Files that are changed together: all of them or, after a power cut, all of them at the next start. */
import { chmodSync, chownSync, existsSync, readFileSync } from 'node:fs';
import { open, rename, unlink } from 'node:fs/promises';
import path from 'node:path';
import { z } from 'zod';
import { SpikescopeError } from '../../../errors.ts';
import { DurableFile, flushFolder, replaceDurably, writeFlushed } from '../../../store/durable-file.ts';
import { sha256 } from '../../../updates/trust/floors.ts';

const changeSchema = z.strictObject({
  file: z.string(),
  /** base64. */
  content: z.base64(),
  mode: z.int(),
  /** User and group; null leaves them. */
  owner: z.strictObject({ uid: z.int(), gid: z.int() }).nullable(),
});
export type FileChange = z.infer<typeof changeSchema>;

const removalSchema = z.strictObject({ file: z.string(), sha256: z.string() });
const intentSchema = z.strictObject({
  schema: z.literal(1),
  changes: z.array(changeSchema),
  removals: z.array(removalSchema),
});
/** What is to be written, and what is to be gone after that. */
export type Intent = z.infer<typeof intentSchema>;

/** A file that was taken over, as it was then: another that came in its place later is left alone. */
export function removalOf(file: string): Intent['removals'][number] {
  return { file, sha256: sha256(readFileSync(file)) };
}

/**
 * Writes down what is about to be done, does it, and takes the note away; what a power cut left undone is done first.
 * Contents of files that are removed are written over where they lie. That reaches the medium's own copies of old blocks no
 * more than any other write does.
 */
export class Changes {
  readonly #note: DurableFile;

  /** @param note file that only root may read: it holds what it writes, passwords included */
  constructor(note: string) {
    this.#note = new DurableFile(note);
  }

  /** Whether something was left undone, which is done now. @throws SpikescopeError `SETUP_TAKE_OVER` */
  async resume(): Promise<boolean> {
    await this.#note.removeLeftovers();
    await forget(this.#note.file);
    const text = await this.#note.read();
    if (text === null) return false;
    await this.#perform(intentSchema.parse(JSON.parse(text)));
    return true;
  }

  /** On the medium when resolved. @throws SpikescopeError `SETUP_TAKE_OVER` */
  async apply(changes: Omit<Intent, 'schema'>): Promise<void> {
    const intent: Intent = { schema: 1, ...changes };
    await this.#note.write(JSON.stringify(intent));
    await this.#perform(intent);
  }

  async #perform({ changes, removals }: Intent): Promise<void> {
    try {
      for (const change of changes) await replaceFile(change);
      for (const { file, sha256 } of removals) await removeIf(file, sha256);
      await rename(this.#note.file, asideOf(this.#note.file));
      await forget(this.#note.file);
    } catch (cause) {
      throw new SpikescopeError(
        'SETUP_TAKE_OVER',
        'The setup was taken over in part, and will be at the next start',
        {
          received: cause instanceof Error ? cause.message : String(cause),
          remedy: 'start the device again; should that not help, its card is worn out',
          cause,
        },
      );
    }
  }
}

async function replaceFile({ file, content, mode, owner }: FileChange): Promise<void> {
  await replaceDurably(file, `${file}.new`, async (fresh) => {
    await writeFlushed(fresh, Buffer.from(content, 'base64'), mode);
    if (owner !== null) chownSync(fresh, owner.uid, owner.gid);
    // As asked, whatever the mask of the process has kept from it; not before it is its owner's.
    chmodSync(fresh, mode);
  });
}

async function removeIf(file: string, digest: string): Promise<void> {
  if (existsSync(file) && sha256(readFileSync(file)) === digest) await rename(file, asideOf(file));
  await forget(file);
}

/** Under this name nobody takes a file for what it was, however much of it is written over already. */
const asideOf = (file: string) => `${file}.taken`;

/** Writes over what was put aside, and removes it. */
async function forget(file: string): Promise<void> {
  await flushFolder(path.dirname(file));
  if (!existsSync(asideOf(file))) return;
  await overwrite(asideOf(file));
  await unlink(asideOf(file));
  await flushFolder(path.dirname(file));
}

/** With zeros, in place. */
async function overwrite(file: string): Promise<void> {
  const handle = await open(file, 'r+');
  try {
    const { size } = await handle.stat();
    await handle.write(Buffer.alloc(size), 0, size, 0);
    await handle.sync();
  } finally {
    await handle.close();
  }
}
