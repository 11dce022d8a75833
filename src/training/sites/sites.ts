/** Every acquisition site left out in turn: what a camera costs that training, calibration and threshold never saw. */
import path from 'node:path';
import { type Dataset, loadDataset, type Sample } from '../../dataset/dataset.ts';
import { makeFolder } from '../../make-folder.ts';
import { classTableOf, isMalignantOrPremalignant } from '../../model/bundle/class-table.ts';
import { replaceFile } from '../../model/bundle/replace-file.ts';
import { markdownTable } from '../../report/table.ts';
import type { SiteAnswers } from './answers.ts';
import type { SitesDocument } from './document.ts';
import { comparisonOf, meansOf, type SiteComparison } from './figures.ts';
import { runWithout, type SiteJob } from './run.ts';
import { sitesTable } from './table.ts';
import { chosenSites, isOfSite } from './without.ts';

export interface SitesChoice extends Omit<SiteJob, 'dataset'> {
  readonly measured: 'val' | 'test';
  /** Only these; default all. */
  readonly sites?: readonly string[];
  /** Told before each network. */
  readonly onNetwork?: (site: string | null) => void;
}

export const SITES_FILES = { json: 'sites.json', markdown: 'sites.md' } as const;

/** The documents are rewritten after every site. @throws as `runWithout`, `chosenSites` and `loadDataset` */
export async function compareSites(choice: SitesChoice): Promise<SitesDocument> {
  const { images, folder, measured, onNetwork } = choice;
  const { classes } = images;
  const dataset = await loadDataset(images.dataset, classes, images.splitFile);
  const sites = chosenSites(dataset, choice.sites);
  makeFolder(folder);
  const job: SiteJob = { ...choice, dataset };
  const asked = sites.flatMap((site) => samplesAt(dataset, site, [measured]));
  onNetwork?.(null);
  const keptIn = byImage(await runWithout(job, null, asked));
  const table = classTableOf({ graph: { classes } });
  const malignant = classes.map((name) => isMalignantOrPremalignant(table, name));
  const comparisons: SiteComparison[] = [];
  for (const site of sites) {
    onNetwork?.(site);
    const unseen = samplesAt(dataset, site, ['train', 'val', ...(measured === 'test' ? ['test'] : [])]);
    const leftOut = byImage(await runWithout(job, site, unseen));
    const answered = (samples: readonly Sample[], answers: typeof leftOut) =>
      samples.flatMap(({ imageId }) => answers.get(imageId) ?? []);
    const compared = samplesAt(dataset, site, [measured]);
    comparisons.push(
      comparisonOf(classes, malignant, {
        site,
        unseen: answered(unseen, leftOut),
        leftOut: answered(compared, leftOut),
        keptIn: answered(compared, keptIn),
      }),
    );
    await writeDocuments(folder, documentOf(choice, dataset, comparisons));
  }
  return documentOf(choice, dataset, comparisons);
}

function samplesAt(dataset: Dataset, site: string, splits: readonly string[]): readonly Sample[] {
  return dataset.samples.filter(
    (sample) => isOfSite(sample, site) && sample.split !== null && splits.includes(sample.split),
  );
}

function byImage({ images, answers }: SiteAnswers): ReadonlyMap<string, SiteAnswers['answers'][number]> {
  return new Map(images.map((image, i) => [image, answers[i]]));
}

function documentOf(
  { images, measured, recipe }: SitesChoice,
  { name }: Dataset,
  sites: readonly SiteComparison[],
): SitesDocument {
  const { seed, classes } = images;
  return { seed, dataset: name, measured, classes, recipe: recipe.name, sites, means: meansOf(sites) };
}

async function writeDocuments(folder: string, document: SitesDocument): Promise<void> {
  const write = (name: string, text: string) => replaceFile(path.join(folder, name), Buffer.from(text));
  await write(SITES_FILES.json, `${JSON.stringify(document, null, 2)}\n`);
  await write(SITES_FILES.markdown, `${markdownTable(sitesTable(document))}\n`);
}
