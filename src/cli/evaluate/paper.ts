/** `evaluate --protocol paper`: a bundle on the test rows of the publication's own procedure. */
import { loadDataset } from '../../dataset/dataset.ts';
import type { Evaluation } from '../../evaluation/evaluate.ts';
import { sideBySide } from '../../evaluation/protocols/side-by-side.ts';
import { protocolFigures, type StoredFigures } from '../../evaluation/protocols/stored-figures.ts';
import { identityOf, type ModelBundle } from '../../model/bundle/bundle.ts';
import { INDETERMINATE } from '../../runtime/inference/head.ts';
import { decide } from '../../runtime/inference/readout.ts';
import { figuresOf } from '../../statistics/figures.ts';
import { openTrainingData } from '../../training/data/open.ts';
import { integerAnswers } from '../../training/measure/integer-model.ts';
import { PAPER_SPLIT, paperSplit } from '../../training/protocol/paper-split.ts';
import { note } from '../../ui/terminal/console.ts';
import { makeOutputFolder } from '../shared/output.ts';

export interface EvaluatePaperOptions {
  readonly dataset: string;
  readonly cache: string;
  /** Of the split and of the copies: that of the training. */
  readonly seed: number;
}

/** @throws as `loadDataset`, `paperSplit` and `openTrainingData` */
export async function evaluatePaper(
  { dataset: folder, cache, seed }: EvaluatePaperOptions,
  bundle: ModelBundle,
  stored: StoredFigures | null,
): Promise<Evaluation> {
  const { classes } = bundle.graph;
  if (!bundle.card.protocol.startsWith('paper')) {
    note('This bundle was not trained by the paper protocol; it may know these rows from elsewhere.');
  }
  makeOutputFolder(cache, '--cache');
  const dataset = await loadDataset(folder, classes);
  const { test } = paperSplit(dataset.samples, { ...PAPER_SPLIT, seed });
  const data = await openTrainingData({
    dataset: folder,
    classes,
    cacheFolder: cache,
    seed,
    split: 'all',
    rows: test,
    inputSizes: [bundle.preprocessing.width],
    batch: 64,
    augmentation: null,
  });
  const answers = await integerAnswers(bundle, data).finally(() => data.close());
  const { figures, metrics } = figuresOf(classes, answers);
  const indeterminate = answers.filter(
    ({ probabilities }) => decide(classes, probabilities, bundle.readout.thresholds) === INDETERMINATE,
  ).length;
  const measured = { protocol: 'paper', figures: protocolFigures(answers.length, figures) } as const;
  const document = {
    protocol: 'paper',
    split: 'test',
    n: answers.length,
    ...figures,
    classes,
    model: identityOf(bundle),
    backend: 'cpu',
    dataset: { name: dataset.name, splitFile: null, images: test.length, missing: [], unreadable: [] },
    settings: { crop: false, tiling: false, limit: null },
    tiledShare: 0,
    indeterminateShare: indeterminate / answers.length,
    unfamiliarShare: null,
    // Copies are made of decoded photographs; there is no capture to send back.
    retakes: { count: 0, share: 0, reasons: {} },
    triage: null,
    protocols: sideBySide(identityOf(bundle), measured, stored),
  } as const;
  return { document, reliability: metrics.reliability, wrong: [] };
}
