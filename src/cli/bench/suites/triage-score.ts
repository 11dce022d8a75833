import type { Command } from 'commander';
import { z } from 'zod';
import { observe } from '../../../bench/triage/observe.ts';
import { compareScores, type Measured } from '../../../bench/triage/scores.ts';
import { loadDataset, samplesOf } from '../../../dataset/dataset.ts';
import { TRIAGE_SENSITIVITY } from '../../../evaluation/calibration/triage.ts';
import { identityOf } from '../../../model/bundle/bundle.ts';
import { fixed, percent } from '../../../report/page.ts';
import { openModel } from '../../../runtime/engine/open-model.ts';
import { printJson, startProgress } from '../../../ui/terminal/console.ts';
import { modelOption, modelSchema, parseOptions } from '../../shared/options.ts';
import { jsonSchema, printTable, suiteCommand } from './suite.ts';

const optionsSchema = jsonSchema.extend({ model: modelSchema.optional(), dataset: z.string() });

/** Reads no test image: the choice is made on validation. */
export function triageScoreCommand(): Command {
  return suiteCommand(
    'triage-score',
    'Scores of malignancy compared on validation: the sum of probabilities, and regressions on potentials',
  )
    .addOption(modelOption())
    .requiredOption('--dataset <folder>', 'HAM10000 with its metadata and split_lesion.csv')
    .action(async (rawOptions: unknown) => {
      const { model, dataset: folder, json } = parseOptions(optionsSchema, rawOptions);
      const { bundle, engine } = await openModel(model);
      try {
        const dataset = await loadDataset(folder, bundle.graph.classes);
        const images = (['train', 'val'] as const).flatMap((split) => samplesOf(dataset, split)).length;
        const progress = startProgress('triage-score', images);
        const read = (split: 'train' | 'val') =>
          observe(dataset, split, bundle, engine, () => progress.advance());
        const training = await read('train');
        const validation = await read('val');
        progress.stop();
        const scores = compareScores(training, validation, TRIAGE_SENSITIVITY);
        if (json) printJson({ model: identityOf(bundle), sensitivity: TRIAGE_SENSITIVITY, scores });
        else printTable(rowsOf(scores));
      } finally {
        await engine.close();
      }
    });
}

const share = (value: number | null) => percent(value);
const points = (value: number | null) =>
  value === null ? '–' : `${value < 0 ? '−' : '+'}${Math.abs(100 * value).toFixed(1)}`;
const area = (value: number | null) => fixed(value, 4);

function rowsOf(scores: ReturnType<typeof compareScores>): string[][] {
  const header = ['score', 'AUC', 'sensitivity', 'watched', 'specificity', 'specificity − sum’s, points'];
  const rows = scores.map(({ score, auc, sensitivity, watchedSensitivity, specificity, difference }) => [
    score,
    cell(auc, area),
    cell(sensitivity, share),
    cell(watchedSensitivity, share),
    cell(specificity, share),
    cell(difference.specificity, points),
  ]);
  return [header, ...rows];
}

function cell({ value, interval }: Measured, format: (value: number | null) => string): string {
  return interval === null ? format(value) : `${format(value)} [${interval.map(format).join(', ')}]`;
}
