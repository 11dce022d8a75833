/** What `npm run flash` refuses. */
import { Failure } from '../failure.mjs';

/** Nothing was written, unless the code is one of `FLASH_WRITE`, `FLASH_VERIFY`, `FLASH_STOPPED`. */
export class FlashRefusal extends Failure {}

/** @param {unknown} error @returns {string | undefined} such as `ENOENT` */
export function systemCodeOf(error) {
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  return typeof code === 'string' ? code : undefined;
}

/** @param {unknown} error */
export function reasonOf(error) {
  return error instanceof Error ? error.message : String(error);
}

/** @param {number} bytes */
export function sizeWords(bytes) {
  if (bytes < 1e6) return `${bytes} bytes`;
  return bytes < 1e9 ? `${(bytes / 1e6).toFixed(0)} MB` : `${(bytes / 1e9).toFixed(1)} GB`;
}
