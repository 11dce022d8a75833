/** A data set without one of its acquisition sites: what a network may learn, be calibrated and be asked. */
import { writeFile } from 'node:fs/promises';
import { type Dataset, loadDataset, type Sample } from '../../dataset/dataset.ts';
import { RefusedError, UsageError } from '../../errors.ts';

/**
 * Acquisition sites of a data set's images, in the order of their names.
 * @throws RefusedError `SITES` where fewer than two are known
 */
export function sitesOf(dataset: Dataset): string[] {
  const sites = new Set(dataset.samples.flatMap(({ attributes }) => attributes?.acquisitionSite ?? []));
  if (sites.size >= 2) return [...sites].sort();
  throw new RefusedError('SITES', 'The metadata do not tell the acquisition sites apart', {
    file: dataset.metadataFile,
    field: 'dataset',
    expected: 'two or more names in this column',
    received: [...sites].join() || 'none',
    remedy: 'add the column to the metadata',
  });
}

/** @param chosen default: all @throws UsageError `SITES` where a name is none of a site; as `sitesOf` */
export function chosenSites(dataset: Dataset, chosen?: readonly string[]): string[] {
  const sites = sitesOf(dataset);
  const strange = (chosen ?? []).filter((name) => !sites.includes(name));
  if (strange.length > 0) {
    throw new UsageError('SITES', 'There is no acquisition site of this name', {
      file: dataset.metadataFile,
      field: '--sites',
      expected: sites.join(', '),
      received: strange.join(', '),
      remedy: 'name some of them, or leave the option out for all',
    });
  }
  return sites.filter((site) => chosen?.includes(site) ?? true);
}

export function isOfSite({ attributes }: Sample, site: string): boolean {
  return attributes?.acquisitionSite === site;
}

/**
 * Writes the splits with every image of the site, and all other images of its lesions, set aside as `test`.
 * @param site null leaves the splits as they are
 */
export async function writeSplitWithout(file: string, dataset: Dataset, site: string | null): Promise<void> {
  const lesions = new Set(
    dataset.samples.flatMap((sample) =>
      site !== null && isOfSite(sample, site) ? (sample.lesionId ?? []) : [],
    ),
  );
  const isAside = (sample: Sample) =>
    site !== null && (isOfSite(sample, site) || (sample.lesionId !== null && lesions.has(sample.lesionId)));
  const rows = dataset.samples.flatMap((sample) =>
    sample.split === null ? [] : [`${sample.imageId},${isAside(sample) ? 'test' : sample.split}`],
  );
  await writeFile(file, `image_id,split\n${rows.join('\n')}\n`);
}

/** The data set with other splits. */
export function withSplits(
  dataset: Dataset,
  classes: readonly string[],
  splitFile: string,
): Promise<Dataset> {
  return loadDataset(dataset.folder, classes, splitFile);
}
