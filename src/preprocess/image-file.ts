import { constants } from 'node:fs';
import { lstat, open, stat } from 'node:fs/promises';
import { RefusedError, reasonOf, systemCodeOf } from '../errors.ts';
import { MAXIMUM_FILE_BYTES } from './limits.ts';

/**
 * The bytes of an image file. Only regular files are opened: opening a pipe waits for its writer, and opening a
 * device can act on it.
 * @throws RefusedError `IMAGE_NOT_FOUND`, `IMAGE_DEAD_LINK`, `IMAGE_IS_DIRECTORY`, `IMAGE_NOT_A_FILE`,
 *   `IMAGE_UNREADABLE`, `IMAGE_EMPTY`, `IMAGE_FILE_TOO_LARGE`
 */
export async function readImageFile(file: string): Promise<Uint8Array> {
  try {
    refuseUnlessFile(await stat(file), file);
    // Should the file have been exchanged for a pipe since, this open returns at once instead of waiting.
    const handle = await open(file, constants.O_RDONLY | constants.O_NONBLOCK);
    try {
      const status = await handle.stat();
      refuseUnlessFile(status, file);
      refuseUnlessSized(status.size, file);
      return await handle.readFile();
    } finally {
      await handle.close();
    }
  } catch (cause) {
    if (cause instanceof RefusedError) throw cause;
    throw await refusalOf(cause, file);
  }
}

/** @throws RefusedError `IMAGE_EMPTY`, `IMAGE_FILE_TOO_LARGE` */
export function refuseUnlessSized(bytes: number, file: string | undefined): void {
  const place = file === undefined ? {} : { file };
  if (bytes === 0) {
    throw new RefusedError('IMAGE_EMPTY', 'The image file is empty', {
      ...place,
      remedy: 'take the image again; the write may have been cut off',
    });
  }
  if (bytes > MAXIMUM_FILE_BYTES) {
    throw new RefusedError('IMAGE_FILE_TOO_LARGE', 'The image file is too large', {
      ...place,
      expected: `at most ${MAXIMUM_FILE_BYTES} bytes`,
      received: `${bytes} bytes`,
    });
  }
}

interface Status {
  isFile(): boolean;
  isDirectory(): boolean;
}

function refuseUnlessFile(status: Status, file: string): void {
  if (status.isFile()) return;
  if (status.isDirectory()) {
    throw new RefusedError('IMAGE_IS_DIRECTORY', 'A folder stands where an image was expected', { file });
  }
  throw new RefusedError('IMAGE_NOT_A_FILE', 'Not a regular file', {
    file,
    expected: 'a file',
    received: 'a pipe, socket or device',
  });
}

async function refusalOf(cause: unknown, file: string): Promise<RefusedError> {
  const code = systemCodeOf(cause);
  if (code === 'ELOOP' || (code === 'ENOENT' && (await isLink(file)))) {
    return new RefusedError('IMAGE_DEAD_LINK', 'The link leads nowhere', { file, cause });
  }
  if (code === 'ENOENT' || code === 'ENOTDIR') {
    return new RefusedError('IMAGE_NOT_FOUND', 'There is no such file', { file, cause });
  }
  return new RefusedError('IMAGE_UNREADABLE', 'The image file cannot be read', {
    file,
    received: reasonOf(cause),
    remedy: 'check its permissions and the storage medium',
    cause,
  });
}

async function isLink(file: string): Promise<boolean> {
  try {
    return (await lstat(file)).isSymbolicLink();
  } catch {
    return false;
  }
}
