import type { Dataset } from '../../dataset/dataset.ts';
import { RefusedError } from '../../errors.ts';
import type { Announcer } from './announcer.ts';
import type { Entry, Pixels } from './cache/cache-file.ts';
import type { Selected } from './selection.ts';

/** Broken images named in full; more are counted. */
const NAMED = 10;

/**
 * The rows whose images decoded. Those that did not are refused, all of them at once, or skipped and named.
 * @throws RefusedError `TRAINING_UNREADABLE`, `TRAINING_EMPTY`
 */
export function readableRows(
  dataset: Dataset,
  rows: readonly Selected[],
  entries: readonly Entry[],
  unreadable: 'refuse' | 'skip',
  announcer: Announcer,
): readonly Selected[] {
  const readable = rows.filter(({ sample }) => 'offset' in entries[sample]);
  const broken = [...new Set(rows.map(({ sample }) => sample))].flatMap((sample) => {
    const entry = entries[sample];
    return 'code' in entry ? [`${dataset.samples[sample].imageId} (${entry.message})`] : [];
  });
  if (broken.length > 0) {
    const names = broken.slice(0, NAMED).join('; ') + (broken.length > NAMED ? '; …' : '');
    if (unreadable === 'refuse') {
      throw new RefusedError('TRAINING_UNREADABLE', `${broken.length} images do not decode`, {
        file: dataset.folder,
        received: names,
        remedy: 'mend or remove them, or train without them on purpose',
      });
    }
    announcer.note(`Without ${broken.length} images that do not decode: ${names}`);
  }
  if (readable.length === 0) {
    throw new RefusedError('TRAINING_EMPTY', 'There is no image to train on', {
      file: dataset.folder,
      remedy: 'check the split and the images',
    });
  }
  return readable;
}

/** The pixels of images that are known to have decoded. */
export function pixelsOf(entries: readonly Entry[], sample: number): Pixels {
  const entry = entries[sample];
  if ('offset' in entry) return entry;
  throw new RefusedError(entry.code, entry.message);
}
