/** Where the masks of a data set's lesions lie: skin tone is measured outside of them. */
import { existsSync } from 'node:fs';
import path from 'node:path';
import { Option } from 'commander';
import { UsageError } from '../../errors.ts';

export function masksOption(): Option {
  return new Option(
    '--masks <folder>',
    'masks of the lesions, outside of which skin tone is measured (default: masks in the data set)',
  );
}

/** Null where there are none. @throws UsageError `MASKS_FOLDER` for a folder that was named and is not there */
export function masksFolder(dataset: string, named: string | undefined): string | null {
  const folder = named ?? path.join(dataset, 'masks');
  if (existsSync(folder)) return folder;
  if (named === undefined) return null;
  throw new UsageError('MASKS_FOLDER', 'There is no such folder of masks', {
    field: '--masks',
    file: folder,
    expected: 'PNGs named by image_id, white where the lesion is',
  });
}
