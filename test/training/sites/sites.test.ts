import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { loadDataset } from '../../../src/dataset/dataset.ts';
import { useBackend } from '../../../src/training/backend/backend.ts';
import type { SiteAnswer } from '../../../src/training/sites/answers.ts';
import { comparisonOf, figuresOf, meansOf } from '../../../src/training/sites/figures.ts';
import { compareSites, type SitesChoice } from '../../../src/training/sites/sites.ts';
import { sitesTable } from '../../../src/training/sites/table.ts';
import { chosenSites, sitesOf, writeSplitWithout } from '../../../src/training/sites/without.ts';
import { TINY_RECIPE, TINY_STAGE } from '../../support/phantom-training.ts';
import { writeTinyDataset } from '../../support/tiny-dataset.ts';

const CLASSES = ['nv', 'mel'];
const MALIGNANT = [false, true];
const IMAGES = 36;

let folder: string;
let data: string;
beforeAll(async () => {
  await useBackend('cpu');
  folder = await mkdtemp(path.join(tmpdir(), 'spikescope-sites-'));
  data = path.join(folder, 'data');
  await writeTinyDataset(data, IMAGES);
  await addSites(path.join(data, 'HAM10000_metadata.csv'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

/** The tiny data set's classes become HAM10000's; its lesions come from two sites in turn, four of each. */
async function addSites(file: string): Promise<void> {
  const [header, ...rows] = (await readFile(file, 'utf8')).trim().split('\n');
  const changed = rows.map((row, i) => {
    const named = row.replace('benign', 'nv').replace('malign', 'mel');
    return `${named},${i % 16 < 8 ? 'north' : 'south'}`;
  });
  await writeFile(file, `${[`${header},dataset`, ...changed].join('\n')}\n`);
}

function choice(change: Partial<SitesChoice> = {}): SitesChoice {
  return {
    folder: path.join(folder, 'out'),
    images: { dataset: data, classes: CLASSES, cacheFolder: path.join(folder, 'cache'), seed: 3 },
    recipe: {
      ...TINY_RECIPE,
      quantisation: null,
      float: { ...TINY_STAGE, batch: 4, schedule: [{ inputSize: 16, epochs: 1 }] },
    },
    initial: null,
    measured: 'val',
    ...change,
  };
}

describe('the splits without a site', () => {
  it('set every image of its lesions aside, and leave all others where they were', async () => {
    const dataset = await loadDataset(data, CLASSES);
    const file = path.join(folder, 'without.csv');
    await writeSplitWithout(file, dataset, 'north');
    const without = await loadDataset(data, CLASSES, file);
    const before = new Map(dataset.samples.map(({ imageId, split }) => [imageId, split]));
    expect(without.protocol).toBe('lesion');
    for (const { imageId, split, attributes } of without.samples) {
      expect(split).toBe(attributes?.acquisitionSite === 'north' ? 'test' : before.get(imageId));
    }
  });

  it('take images of other sites along that show the same lesion', async () => {
    const dataset = await loadDataset(data, CLASSES);
    const [first, second] = dataset.samples;
    const moved = {
      ...second,
      attributes: { age: null, sex: null, bodySite: null, acquisitionSite: 'south' },
    };
    expect(moved.lesionId).toBe(first.lesionId);
    const file = path.join(folder, 'shared-lesion.csv');
    await writeSplitWithout(
      file,
      { ...dataset, samples: [first, moved, ...dataset.samples.slice(2)] },
      'north',
    );
    const rows = (await readFile(file, 'utf8')).split('\n');
    expect(rows).toContain(`${moved.imageId},test`);
  });

  it('cannot be made where the metadata do not tell sites apart', async () => {
    const dataset = await loadDataset(data, CLASSES);
    const alike = dataset.samples.map(({ attributes: _, ...sample }) => sample);
    expect(() => sitesOf({ ...dataset, samples: alike })).toThrow(expect.objectContaining({ code: 'SITES' }));
    expect(sitesOf(dataset)).toEqual(['north', 'south']);
  });

  it('are of sites that there are, before anything is trained', async () => {
    const dataset = await loadDataset(data, CLASSES);
    expect(chosenSites(dataset)).toEqual(['north', 'south']);
    expect(chosenSites(dataset, ['south'])).toEqual(['south']);
    const strange = { code: 'SITES', details: expect.objectContaining({ received: 'nowhere' }) };
    expect(() => chosenSites(dataset, ['south', 'nowhere'])).toThrow(expect.objectContaining(strange));
  });
});

describe('the figures of a site', () => {
  const answer = (label: number, mel: number, triage: SiteAnswer['triage'], lesion: string): SiteAnswer => ({
    label,
    probabilities: [1 - mel, mel],
    group: lesion,
    triage,
  });
  const leftOut = [
    answer(1, 0.1, 'routine', 'a'),
    answer(1, 0.9, 'refer', 'b'),
    answer(1, 0.4, 'indeterminate', 'c'),
    answer(0, 0.2, 'routine', 'd'),
    answer(0, 0.7, 'refer', 'e'),
  ];
  const keptIn = leftOut.map((one) => ({ ...one, probabilities: one.label === 1 ? [0, 1] : [1, 0] }));

  it('count what was called routine, apart for malignant and benign images', () => {
    const figures = figuresOf(CLASSES, MALIGNANT, leftOut);
    expect(figures.reassured).toMatchObject({ hits: 1, images: 3 });
    expect(figures.spared).toMatchObject({ hits: 1, images: 2 });
    expect(figures.balancedAccuracy).toBeCloseTo((1 / 3 + 1 / 2) / 2);
  });

  it('compare left out with kept in on the same images, and average over sites', () => {
    const one = comparisonOf(CLASSES, MALIGNANT, { site: 'north', unseen: leftOut, leftOut, keptIn });
    const other = comparisonOf(CLASSES, MALIGNANT, {
      ...{ site: 'south', unseen: leftOut.slice(3) },
      ...{ leftOut: keptIn, keptIn },
    });
    const lost = 1 - (1 / 3 + 1 / 2) / 2;
    expect(one.balancedAccuracy.value).toBeCloseTo(-lost);
    expect(other.unseen.reassured.value).toBeNull();
    expect(meansOf([one, other])).toEqual({
      reassured: 1 / 3,
      spared: 1 / 2,
      balancedAccuracyLost: expect.closeTo(lost / 2),
    });
  });
});

describe('the comparison', { timeout: 240_000 }, () => {
  it('trains, calibrates and reads without each site in turn, and makes nothing twice', async () => {
    const networks: (string | null)[] = [];
    const document = await compareSites(choice({ onNetwork: (site) => networks.push(site) }));
    expect(networks).toEqual([null, 'north', 'south']);
    const dataset = await loadDataset(data, CLASSES);
    for (const { site, unseen, leftOut, keptIn } of document.sites) {
      const own = dataset.samples.filter(({ attributes }) => attributes?.acquisitionSite === site);
      expect(unseen.images).toBe(own.filter(({ split }) => split !== 'test').length);
      expect(leftOut.images).toBe(own.filter(({ split }) => split === 'val').length);
      expect(keptIn.images).toBe(leftOut.images);
    }
    expect(JSON.parse(await readFile(path.join(folder, 'out/sites.json'), 'utf8'))).toEqual(
      JSON.parse(JSON.stringify(document)),
    );
    expect(sitesTable(document).rows.map(([site]) => site)).toEqual(['north', 'south', 'mean']);

    let steps = 0;
    const progress = { onStep: () => steps++ };
    expect(await compareSites(choice({ progress }))).toEqual(document);
    expect(steps).toBe(0);
    const other = choice({ images: { ...choice().images, seed: 4 } });
    await expect(compareSites(other)).rejects.toMatchObject({ code: 'SITES_FOLDER', exitCode: 2 });
  });
});
