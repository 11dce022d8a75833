/** `NAME.system`: an uncompressed tar of `system.json`, `boot.img` and `root.img`, in this order and nothing else. */
import { type FileHandle, open } from 'node:fs/promises';
import { Header } from 'tar';
import { z } from 'zod';
import { RefusedError, reasonOf } from '../../errors.ts';
import { firstIssue } from '../../schema.ts';
import { IMAGES, type Image } from './places.ts';

const BLOCK = 512;
/** Bytes of `system.json` at most. */
const DESCRIPTION_BYTES = 65_536;
/** Bytes of an image at most. */
const IMAGE_BYTES = 8 * 2 ** 30;

const sha256 = z.string().regex(/^[0-9a-f]{64}$/, 'a SHA-256 in hexadecimal');
const size = z
  .int()
  .min(4096)
  .max(IMAGE_BYTES)
  .refine((bytes) => bytes % BLOCK === 0, 'whole sectors');

/** What stands in `system.json`. */
export const systemSchema = z.object({
  format: z.literal(1),
  version: z.string().regex(/^[A-Za-z0-9][A-Za-z0-9._+-]{0,127}$/, 'a version'),
  /** `pi5`, `virt`. */
  board: z.string().regex(/^[a-z0-9][a-z0-9-]{0,63}$/, 'a board'),
  boot: z.object({ size, sha256 }),
  root: z.object({
    size,
    sha256,
    /** Of dm-verity over the bytes before `hashOffset`. */
    verityRootHash: sha256,
    /** Byte at which its superblock lies. */
    hashOffset: z.int().min(4096).max(IMAGE_BYTES),
  }),
});
export type SystemDescription = z.infer<typeof systemSchema>;

export interface SystemArchive {
  readonly description: SystemDescription;
  /** Byte of the archive at which each image begins. */
  readonly offsets: Readonly<Record<Image, number>>;
}

const MEMBERS = ['system.json', 'boot.img', 'root.img'];

/** Reads what an archive consists of, and none of its images. @throws RefusedError `SYSTEM_ARCHIVE` */
export async function openSystemArchive(file: string): Promise<SystemArchive> {
  const handle = await open(file, 'r').catch((cause: unknown) => {
    throw refusal(file, 'an archive that can be read', reasonOf(cause));
  });
  try {
    const members = await membersOf(handle, file);
    const text = await piece(handle, members[0].offset, members[0].size);
    const description = parseDescription(file, text.toString('utf8'));
    const [, boot, root] = members;
    const found = { boot: boot.size, root: root.size };
    for (const image of IMAGES) {
      const { size: expected } = description[image];
      if (found[image] !== expected)
        throw refusal(file, `${image}.img of ${expected} bytes`, `${found[image]}`);
    }
    return { description, offsets: { boot: boot.offset, root: root.offset } };
  } finally {
    await handle.close();
  }
}

interface Member {
  readonly offset: number;
  readonly size: number;
}

async function membersOf(handle: FileHandle, file: string): Promise<Member[]> {
  const { size: end } = await handle.stat();
  const members: Member[] = [];
  let at = 0;
  for (const name of MEMBERS) {
    const header = new Header(await piece(handle, at, BLOCK));
    const bytes = header.size ?? 0;
    const isThere = header.cksumValid && header.path === name && header.type === 'File';
    if (!isThere) throw refusal(file, `${MEMBERS.join(', ')} in this order`, header.path ?? 'no tar');
    const isDescription = name === MEMBERS[0];
    if (isDescription && bytes > DESCRIPTION_BYTES)
      throw refusal(file, `${name} of 64 KiB at most`, `${bytes} bytes`);
    members.push({ offset: at + BLOCK, size: bytes });
    at += BLOCK + Math.ceil(bytes / BLOCK) * BLOCK;
    if (at > end) throw refusal(file, `${name} of ${bytes} bytes`, `an end after ${end} bytes`);
  }
  const rest = await piece(handle, at, Math.min(BLOCK, end - at));
  if (rest.some((byte) => byte !== 0)) throw refusal(file, 'an end after root.img', 'more');
  return members;
}

function parseDescription(file: string, text: string): SystemDescription {
  try {
    const parsed = systemSchema.safeParse(JSON.parse(text));
    if (!parsed.success) {
      const { field, problem } = firstIssue(parsed.error);
      throw refusal(file, 'a system.json of format 1', `${field}: ${problem}`);
    }
    const { hashOffset, size: bytes } = parsed.data.root;
    if (hashOffset < bytes) return parsed.data;
    throw refusal(file, 'a hash tree within root.img', `one at byte ${hashOffset} of ${bytes}`);
  } catch (cause) {
    throw cause instanceof RefusedError ? cause : refusal(file, 'a system.json', reasonOf(cause));
  }
}

/** Zeros behind the end. */
async function piece(handle: FileHandle, at: number, length: number): Promise<Buffer> {
  const buffer = Buffer.alloc(length);
  await handle.read(buffer, 0, length, at);
  return buffer;
}

function refusal(file: string, expected: string, received: string): RefusedError {
  return new RefusedError('SYSTEM_ARCHIVE', 'This is no archive of a system', {
    file,
    ...{ expected, received },
    remedy: 'give the file NAME.system that the build of an image makes',
  });
}
