import { reasonOf, SpikescopeError } from '../../errors.ts';
import type { ModelBundle, ModelContents } from '../../model/bundle/bundle.ts';
import { writeBundle } from '../../model/bundle/write.ts';

/** Writes the bundle that `--out` names. @throws SpikescopeError `OUT_UNWRITABLE` */
export async function writeModel(file: string, model: ModelContents): Promise<ModelBundle> {
  try {
    return await writeBundle(file, model);
  } catch (cause) {
    if (cause instanceof SpikescopeError) throw cause;
    throw new SpikescopeError('OUT_UNWRITABLE', 'The bundle cannot be written', {
      file,
      received: reasonOf(cause),
      remedy: 'give a file in an existing folder that you may write to with --out',
      cause,
    });
  }
}
