/** What a device tells of an update that is under way, or was the last: a file that anybody may read at any time. */
import { randomUUID } from 'node:crypto';
import { open, rename, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { z } from 'zod';
import { printable, SpikescopeError } from '../errors.ts';
import { makeFolder } from '../make-folder.ts';
import { STAGES, type StageProgress } from './install/contract.ts';
import type { Source } from './source/source.ts';
import { updatesFolder } from './trust/kept-metadata.ts';

export const UPDATE_SCHEMA = 'spikescope/update/1';

/** `refresh`: what is trusted is brought up to date. `fetch`: a release is brought here. The others are the installer's. */
export const UPDATE_STAGES = ['refresh', 'fetch', ...STAGES] as const;
export type UpdateStage = (typeof UPDATE_STAGES)[number];

/** What became of an update. */
export const UPDATE_OUTCOMES = [
  /** Nothing there that is newer than what is installed. */
  'up-to-date',
  /** Brought here and verified; nothing installs it. */
  'staged',
  /** Proven, and waits for the next start. */
  'pending',
  /** In use. */
  'active',
  /** The stick is older than what this device has seen. */
  'older',
  /** The hours in which the network may be used were over; the next pass goes on where it was. */
  'window-over',
  /** Ended by an error; the device is as it was. */
  'failed',
  /** The process that did it is gone without a word, as after a power cut. */
  'interrupted',
] as const;
export type UpdateOutcome = (typeof UPDATE_OUTCOMES)[number];

const time = z.iso.datetime();
const count = z.int().min(0);

export const operationSchema = z.strictObject({
  id: z.uuid(),
  source: z.enum(['stick', 'server']),
  stage: z.enum(UPDATE_STAGES),
  target: z.string().max(256).nullable().describe('The release that it is about; null before there is one'),
  done: count.describe('Of the stage: bytes where it moves bytes, steps otherwise'),
  of: count.describe('Of how many; 0 where that is not known'),
  outcome: z.enum(UPDATE_OUTCOMES).nullable().describe('Null while it is under way'),
  code: z
    .string()
    .regex(/^[A-Z][A-Z0-9_]{0,63}$/)
    .nullable()
    .describe('Of the error that ended it'),
  message: z.string().max(240).nullable().describe('The same in a sentence'),
  startedAt: time,
  at: time.describe('Of the last change'),
});
export type UpdateOperation = z.infer<typeof operationSchema>;

export const progressSchema = z.strictObject({
  schema: z.literal(UPDATE_SCHEMA),
  operation: operationSchema,
});

/** Bytes of the file at most. */
const MAXIMUM_BYTES = 16_384;
/** Milliseconds between two writes within a stage. */
const INTERVAL = 500;
const NAME = 'progress.json';

export function progressFile(data: string): string {
  return path.join(updatesFolder(data), NAME);
}

/** The update that is under way or was the last; null where there was none, or the file is none of this version's. */
export async function readProgress(data: string): Promise<UpdateOperation | null> {
  try {
    const handle = await open(progressFile(data), 'r');
    try {
      const { bytesRead, buffer } = await handle.read(
        Buffer.alloc(MAXIMUM_BYTES + 1),
        0,
        MAXIMUM_BYTES + 1,
        0,
      );
      const text = buffer.toString('utf8', 0, Math.min(bytesRead, MAXIMUM_BYTES));
      return progressSchema.safeParse(JSON.parse(text)).data?.operation ?? null;
    } finally {
      await handle.close();
    }
  } catch {
    return null;
  }
}

export interface ProgressOptions {
  readonly data: string;
  readonly source: Source['kind'];
  readonly now?: () => Date;
}

/**
 * Writes how an update goes on: at each change of its stage, and within one twice a second at most. Each content takes the
 * place of the one before as a whole. That it cannot be written ends no update.
 */
export class UpdateProgress {
  readonly #file: string;
  readonly #now: () => Date;
  #operation: UpdateOperation;
  #writing: Promise<void> = Promise.resolve();
  #writtenAt = -Infinity;

  constructor({ data, source, now = () => new Date() }: ProgressOptions) {
    const at = now().toISOString();
    this.#file = progressFile(data);
    this.#now = now;
    this.#operation = {
      id: randomUUID(),
      source: source === 'folder' ? 'stick' : 'server',
      stage: 'refresh',
      target: null,
      ...{ done: 0, of: 0, outcome: null, code: null, message: null },
      startedAt: at,
      at,
    };
    this.#write();
  }

  get operation(): UpdateOperation {
    return this.#operation;
  }

  tell({ stage, target, done, of }: Omit<StageProgress, 'stage'> & { readonly stage: UpdateStage }): void {
    const { stage: before, target: targetBefore } = this.#operation;
    this.#change({ stage, target: target.slice(0, 256), done, of });
    const isNew = stage !== before || target !== targetBefore;
    if (isNew || performance.now() - this.#writtenAt >= INTERVAL) this.#write();
  }

  /** Resolved when the last word is in the file. @param error of an update that has failed */
  async end(outcome: UpdateOutcome, error?: unknown): Promise<void> {
    this.#change({ outcome, ...(error !== undefined && faultOf(error)) });
    this.#write();
    await this.#writing;
  }

  #change(change: Partial<UpdateOperation>): void {
    this.#operation = { ...this.#operation, ...change, at: this.#now().toISOString() };
  }

  #write(): void {
    this.#writtenAt = performance.now();
    const text = `${JSON.stringify({ schema: UPDATE_SCHEMA, operation: this.#operation })}\n`;
    this.#writing = this.#writing.then(() => replace(this.#file, text)).catch(() => {});
  }
}

/** The sentence of an error names no file and no place: those are in its details. */
function faultOf(error: unknown): Pick<UpdateOperation, 'code' | 'message'> {
  const isOurs = error instanceof SpikescopeError;
  const message = printable(isOurs ? error.message : 'The program has failed').slice(0, 240);
  return { code: isOurs ? error.code : 'INTERNAL', message };
}

/** Without waiting for the medium: after a power cut nobody waits for this. */
async function replace(file: string, text: string): Promise<void> {
  makeFolder(path.dirname(file), 0o700);
  const fresh = `${file}.${process.pid}.tmp`;
  try {
    await writeFile(fresh, text, { mode: 0o600 });
    await rename(fresh, file);
  } catch (error) {
    await rm(fresh, { force: true });
    throw error;
  }
}
