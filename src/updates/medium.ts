/** What fetching and installing ask of the medium alike. */
import { statfsSync } from 'node:fs';
import type { FileHandle } from 'node:fs/promises';

/** Bytes that a device keeps free for its journal. */
export const RESERVE = 64 * 2 ** 20;

/** Bytes that may still be written below a folder. */
export function freeBytes(folder: string): number {
  const { bavail, bsize } = statfsSync(folder);
  return bavail * bsize;
}

/** Writes all of a piece at a place of a file. @returns its bytes */
export async function writeAll(handle: FileHandle, piece: Uint8Array, at: number): Promise<number> {
  for (let done = 0; done < piece.length; ) {
    done += (await handle.write(piece, done, piece.length - done, at + done)).bytesWritten;
  }
  return piece.length;
}
