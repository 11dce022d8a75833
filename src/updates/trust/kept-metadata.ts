import path from 'node:path';
import { z } from 'zod';
import { systemCodeOf } from '../../errors.ts';
import { DurableFile } from '../../store/durable-file.ts';
import type { ChainHead } from '../../store/verify.ts';
import { sha256 } from './floors.ts';

/** The document of each role, byte for byte as it was signed. */
export type RoleBytes = ReadonlyMap<string, Uint8Array>;

const contentSchema = z.object({
  schema: z.literal(1),
  /** Base64 by name of the role. */
  roles: z.record(z.string(), z.base64()),
  /** The end of the journal's chain when this was written. */
  journal: z.object({ sequence: z.int(), digest: z.string() }),
});
const fileSchema = z.object({ sha256: z.string(), content: z.string() });

export interface Kept {
  readonly roles: RoleBytes;
  readonly journal: ChainHead;
}

/** What a device finds of its metadata. */
export type Found = { readonly kept: Kept } | { readonly kept: null; readonly lost: string | null };

/**
 * The metadata that a device trusts, all of it in one file that is replaced as a whole: after a power cut it is what it was
 * before or after an update, never half. It names the end of the journal's chain at that time, so that each of the two tells
 * when the other was put back.
 */
export class KeptMetadata {
  readonly #file: DurableFile;

  constructor(folder: string) {
    this.#file = new DurableFile(path.join(folder, 'metadata.json'));
  }

  get file(): string {
    return this.#file.file;
  }

  /** Never throws for what stands in the file: what cannot be read is as good as lost, and the floors hold without it. */
  async read(): Promise<Found> {
    let text: string | null;
    try {
      text = await this.#file.read();
    } catch (error) {
      return { kept: null, lost: `it cannot be read (${systemCodeOf(error) ?? 'unknown'})` };
    }
    if (text === null) return { kept: null, lost: null };
    const kept = parsed(text);
    return kept === null ? { kept, lost: 'it is damaged' } : { kept };
  }

  /** Durable when resolved. @throws SpikescopeError `DOCUMENT_UNWRITABLE` */
  async write({ roles, journal }: Kept): Promise<void> {
    const encoded = [...roles].map(([name, bytes]) => [name, Buffer.from(bytes).toString('base64')] as const);
    const content = JSON.stringify({ schema: 1, roles: Object.fromEntries(encoded), journal });
    await this.#file.removeLeftovers();
    await this.#file.write(JSON.stringify({ sha256: sha256(Buffer.from(content)), content }));
  }
}

/** Where below a data folder it is kept what is trusted. */
export function updatesFolder(data: string): string {
  return path.join(data, 'updates');
}

/**
 * The end of the journal's chain when what is trusted was written last: it must still be in the chain. Null where nothing is
 * trusted yet, or what is kept cannot be read.
 */
export async function headBesideMetadata(data: string): Promise<ChainHead | null> {
  const { kept } = await new KeptMetadata(updatesFolder(data)).read();
  return kept?.journal ?? null;
}

function parsed(text: string): Kept | null {
  try {
    const file = fileSchema.parse(JSON.parse(text));
    if (sha256(Buffer.from(file.content)) !== file.sha256) return null;
    const { roles, journal } = contentSchema.parse(JSON.parse(file.content));
    const decoded = Object.entries(roles).map(
      ([name, bytes]) => [name, Buffer.from(bytes, 'base64')] as const,
    );
    return { roles: new Map(decoded), journal };
  } catch {
    return null;
  }
}
