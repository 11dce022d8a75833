/**
 * The file that keeps decoded pixels: 64 bytes of header, the images, an index (JSON). The header says where the index
 * lies and is written last, so that half a file has none.
 */
import { open } from 'node:fs/promises';
import { crc32 } from 'node:zlib';
import { z } from 'zod';

const MAGIC = 'SPIKESCOPE PIXELS 1\n';
export const HEADER_BYTES = 64;
/** Readable behind every image: the native renderer reads vectors of this length. */
export const PADDING_BYTES = 16;

const count = z.number().int().nonnegative();
const entrySchema = z.union([
  z.strictObject({
    offset: count,
    width: count.positive(),
    height: count.positive(),
    crc: count,
    /** Red, green, blue, each 0…255. */
    mean: z.tuple([z.number(), z.number(), z.number()]),
  }),
  /** An image that did not decode. */
  z.strictObject({ code: z.string(), message: z.string() }),
]);
const indexSchema = z.strictObject({ digest: z.string(), entries: z.array(entrySchema) });

export type Entry = z.infer<typeof entrySchema>;
export type Pixels = Extract<Entry, { offset: number }>;
/** Entries in the order of the data set's images. */
export type Index = z.infer<typeof indexSchema>;

export function headerOf(indexOffset: number, index: Uint8Array): Uint8Array {
  const header = Buffer.alloc(HEADER_BYTES);
  header.write(MAGIC, 'latin1');
  header.writeDoubleLE(indexOffset, 32);
  header.writeDoubleLE(index.length, 40);
  header.writeUInt32LE(crc32(index), 48);
  header.writeUInt32LE(crc32(header.subarray(0, HEADER_BYTES - 4)), HEADER_BYTES - 4);
  return header;
}

/** The index of a complete file, or what is wrong with it. */
export async function readIndex(file: string): Promise<Index | { readonly fault: string }> {
  const handle = await open(file, 'r');
  try {
    const header = Buffer.alloc(HEADER_BYTES);
    const { bytesRead } = await handle.read(header, 0, HEADER_BYTES, 0);
    if (bytesRead < HEADER_BYTES || header.toString('latin1', 0, MAGIC.length) !== MAGIC) {
      return { fault: 'it has no header' };
    }
    if (crc32(header.subarray(0, HEADER_BYTES - 4)) !== header.readUInt32LE(HEADER_BYTES - 4)) {
      return { fault: 'its header is damaged' };
    }
    const offset = header.readDoubleLE(32);
    const index = Buffer.alloc(header.readDoubleLE(40));
    const { size } = await handle.stat();
    if (size !== offset + index.length) return { fault: `it has ${size} bytes of ${offset + index.length}` };
    await handle.read(index, 0, index.length, offset);
    if (crc32(index) !== header.readUInt32LE(48)) return { fault: 'its index is damaged' };
    const parsed = indexSchema.safeParse(JSON.parse(index.toString()));
    return parsed.success ? parsed.data : { fault: 'its index is of another version' };
  } finally {
    await handle.close();
  }
}
