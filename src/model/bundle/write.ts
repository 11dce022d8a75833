import { validateGraph } from '../validate/validate.ts';
import type { ModelBundle, ModelContents } from './bundle.ts';
import { packContainer } from './container.ts';
import { documentOf, formatOf } from './document.ts';
import { checkLateParts } from './late-parts.ts';
import { parseBundle } from './read.ts';
import { replaceFile } from './replace-file.ts';

/** The bytes of a bundle; equal contents give equal bytes. */
export function bundleBytes(contents: ModelContents): Uint8Array {
  validateGraph(contents.graph);
  const { document, data } = documentOf(contents);
  return packContainer(document, data, undefined, formatOf(contents));
}

/** Writes a bundle, whole or not at all. @returns the bundle as a reader will see it */
export async function writeBundle(file: string, contents: ModelContents): Promise<ModelBundle> {
  const bytes = bundleBytes(contents);
  const bundle = parseBundle(bytes, file);
  checkLateParts(bundle);
  await replaceFile(file, bytes);
  return bundle;
}
