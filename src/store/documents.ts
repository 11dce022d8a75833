import { Low } from 'lowdb';
import type { z } from 'zod';
import { SpikescopeError } from '../errors.ts';
import { firstIssue } from '../schema.ts';
import { DurableFile } from './durable-file.ts';

/**
 * A small JSON document on disk, checked against its schema when read and written so that it survives power loss.
 * lowdb holds the data and decides when to write; how it is written is `DurableFile`'s.
 */
export class StoredDocument<T> {
  readonly file: string;
  readonly #low: Low<T>;

  private constructor(file: string, low: Low<T>) {
    this.file = file;
    this.#low = low;
  }

  /**
   * Reads the document; where there is none, writes `initial()`.
   * @throws SpikescopeError `DOCUMENT_DAMAGED` when it is not JSON or not of the schema, `DOCUMENT_UNREADABLE`,
   *   `DOCUMENT_UNWRITABLE`
   */
  static async open<T>(file: string, schema: z.ZodType<T>, initial: () => T): Promise<StoredDocument<T>> {
    const text = new DurableFile(file);
    const stored = parse(await text.read(), schema, file);
    const adapter = {
      read: async () => parse(await text.read(), schema, file),
      write: (data: T) => text.write(`${JSON.stringify(data, null, 2)}\n`),
    };
    const low = new Low<T>(adapter, stored ?? initial());
    if (stored === null) await low.write();
    return new StoredDocument(file, low);
  }

  get data(): Readonly<T> {
    return this.#low.data;
  }

  /** Changes the data and writes it; resolved once it is on the medium. */
  async update(change: (data: T) => void): Promise<void> {
    await this.#low.update(change);
  }
}

function parse<T>(text: string | null, schema: z.ZodType<T>, file: string): T | null {
  if (text === null) return null;
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw damaged(file, 'the document itself', cause instanceof Error ? cause.message : 'no JSON', cause);
  }
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  const { field, problem } = firstIssue(parsed.error);
  throw damaged(file, field, problem);
}

function damaged(file: string, field: string, received: string, cause?: unknown): SpikescopeError {
  return new SpikescopeError('DOCUMENT_DAMAGED', 'A document of this device is damaged', {
    file,
    field,
    received,
    remedy: 'put back a copy of it, or move it away and start again: a new one is then made',
    cause,
  });
}
