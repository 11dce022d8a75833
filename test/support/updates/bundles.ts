import { readFileSync } from 'node:fs';
import { z } from 'zod';
import { packContainer, unpackContainer } from '../../../src/model/bundle/container.ts';
import { DEFAULT_MODEL } from '../../../src/runtime/engine/shipped-models.ts';

const documentSchema = z.looseObject({
  version: z.string(),
  golden: z.array(z.object({ potentials: z.object({ offset: z.int() }) })).min(1),
});

/** The bundle that ships, under another version. */
export function bundleOfVersion(version: string): Uint8Array {
  const { document, data } = unpackContainer(readFileSync(DEFAULT_MODEL), DEFAULT_MODEL);
  return packContainer({ ...z.record(z.string(), z.unknown()).parse(document), version }, data);
}

/** One whose golden potentials are not what it computes: whole, and bad. */
export function bundleOfWrongPotentials(version: string): Uint8Array {
  const { document, data } = unpackContainer(bundleOfVersion(version), version);
  const [{ potentials }] = documentSchema.parse(document).golden;
  const changed = Uint8Array.from(data);
  changed[potentials.offset] ^= 1;
  return packContainer(document, changed);
}
