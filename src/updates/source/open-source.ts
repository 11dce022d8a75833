import { FolderSource } from './folder.ts';
import { HttpSource } from './http.ts';
import type { Source } from './source.ts';

/**
 * @param from a folder, or an address of a web server. @throws RefusedError `SOURCE_FOLDER` @throws UsageError
 * `SOURCE_URL`
 */
export function openSource(from: string): Source {
  return isAddress(from) ? new HttpSource(from) : new FolderSource(from);
}

/** Whether this is an address, and no path. */
export function isAddress(from: string): boolean {
  return /^[a-z][a-z0-9+.-]*:\/\//i.test(from);
}
