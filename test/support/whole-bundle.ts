import type { ModelBundle } from '../../src/model/bundle/bundle.ts';
import { checkLateParts } from '../../src/model/bundle/late-parts.ts';
import { parseBundle } from '../../src/model/bundle/read.ts';

/** With the parts checked that wait until they are asked for. @throws RefusedError as `parseBundle` and they do */
export function wholeBundle(bytes: Uint8Array, file: string): ModelBundle {
  const bundle = parseBundle(bytes, file);
  checkLateParts(bundle);
  return bundle;
}
