/** The ablation of QANA's Table IV on one data set: rows, then tables, rewritten after every row. */
import path from 'node:path';
import { loadDataset } from '../../dataset/dataset.ts';
import { makeFolder } from '../../make-folder.ts';
import { replaceFile } from '../../model/bundle/replace-file.ts';
import { writePage } from '../../report/page.ts';
import { openTrainingData } from '../data/open.ts';
import type { TrainingData, TrainingDataOptions } from '../data/training-data.ts';
import { type DatasetChoice, datasetSource } from '../trainer/dataset-source.ts';
import { ablationRecipe, rebalanceRecipe } from './defaults.ts';
import { type AblationDocument, rarestClasses } from './document.ts';
import { measuredRow, type RowAnswers } from './figures.ts';
import { ablationPage } from './page.ts';
import { ABLATION, predecessor } from './rows.ts';
import { type AblationJob, type AblationSource, runRow } from './run.ts';
import { ablationMarkdown } from './table.ts';

export interface AblationChoice {
  readonly images: DatasetChoice;
  /** A folder per row, and the reports; made when missing. */
  readonly folder: string;
  /** Of every row, in float. */
  readonly epochs: number;
  /** Side of the network's images, pixels. */
  readonly inputSize: number;
  /** Identifiers of the rows to train. */
  readonly rows: readonly string[];
  /** Name of what computes, for the report. */
  readonly backend: string;
}

export const ABLATION_FILES = {
  json: 'ablation.json',
  page: 'ablation.html',
  markdown: 'ablation.md',
} as const;

/** @throws as `runRow` and `loadDataset` */
export async function runAblation(
  choice: AblationChoice,
  hooks: Pick<AblationJob, 'onRow' | 'progress'> = {},
): Promise<AblationDocument> {
  const { folder, backend, images } = choice;
  const { classes, seed } = images;
  makeFolder(folder);
  const dataset = await loadDataset(images.dataset, classes, images.splitFile);
  const base = ablationRecipe(choice.epochs, choice.inputSize);
  const source = ablationSource(images, base.network.inputSize, dataset.samples);
  const job: AblationJob = {
    folder,
    base,
    rebalance: rebalanceRecipe(base),
    classes,
    seed,
    source,
    ...hooks,
  };
  const counts = classes.map(
    (_, c) => dataset.samples.filter(({ split, label }) => split === 'train' && label === c).length,
  );
  const finished = new Map<string, RowAnswers>();
  const document = (): AblationDocument => ({
    seed,
    backend,
    recipe: base,
    dataset: { name: dataset.name, protocol: dataset.protocol },
    classes,
    rareClasses: rarestClasses(classes, counts),
    rows: measuredRows(finished),
  });
  for (const row of ABLATION.filter(({ id }) => choice.rows.includes(id))) {
    finished.set(row.id, await runRow(job, row));
    await writeReports(folder, document());
  }
  return document();
}

function measuredRows(finished: ReadonlyMap<string, RowAnswers>) {
  return ABLATION.flatMap((row) => {
    const answers = finished.get(row.id);
    const before = finished.get(predecessor(row)?.id ?? '') ?? null;
    return answers === undefined ? [] : [measuredRow(answers, before)];
  });
}

function ablationSource(
  choice: DatasetChoice,
  side: number,
  images: AblationSource['images'],
): AblationSource {
  const open = (options: Pick<TrainingDataOptions, 'split' | 'rows'>): Promise<TrainingData> =>
    openTrainingData({ ...choice, inputSizes: [side], batch: 64, augmentation: null, ...options });
  return {
    training: datasetSource(choice),
    images,
    open: (rows) => open({ split: 'all', rows }),
    split: (split) => open({ split }),
  };
}

async function writeReports(folder: string, document: AblationDocument): Promise<void> {
  const write = (name: string, text: string) => replaceFile(path.join(folder, name), Buffer.from(text));
  await write(ABLATION_FILES.json, `${JSON.stringify(document, null, 2)}\n`);
  await write(ABLATION_FILES.markdown, ablationMarkdown(document));
  await writePage(path.join(folder, ABLATION_FILES.page), ablationPage(document, new Date().toISOString()));
}
