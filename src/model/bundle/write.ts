import { randomBytes } from 'node:crypto';
import { open, rename, rm } from 'node:fs/promises';
import path from 'node:path';
import { validateGraph } from '../validate.ts';
import type { ModelBundle, ModelContents } from './bundle.ts';
import { packContainer } from './container.ts';
import { documentOf } from './document.ts';
import { parseBundle } from './read.ts';

/** The bytes of a bundle; equal contents give equal bytes. */
export function bundleBytes(contents: ModelContents): Uint8Array {
  validateGraph(contents.graph);
  const { document, data } = documentOf(contents);
  return packContainer(document, data);
}

/**
 * Writes a bundle so that a reader sees the old file or the new one, never a part, power loss included:
 * temporary file in the same folder → fsync → rename → fsync of the folder.
 * @returns the bundle as a reader will see it
 */
export async function writeBundle(file: string, contents: ModelContents): Promise<ModelBundle> {
  const bytes = bundleBytes(contents);
  const bundle = parseBundle(bytes, file);
  const folder = path.dirname(path.resolve(file));
  const temporary = path.join(folder, `.${path.basename(file)}.${randomBytes(6).toString('hex')}`);
  try {
    const handle = await open(temporary, 'wx', 0o644);
    try {
      await handle.writeFile(bytes);
      await handle.sync();
    } finally {
      await handle.close();
    }
    await rename(temporary, file);
  } catch (cause) {
    await rm(temporary, { force: true });
    throw cause;
  }
  const directory = await open(folder, 'r');
  try {
    await directory.sync();
  } finally {
    await directory.close();
  }
  return bundle;
}
