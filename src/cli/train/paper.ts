/** `train --protocol paper`: the publication's leaky procedure, and its figures for the reports. */
import path from 'node:path';
import {
  protocolFigures,
  storedFiguresFile,
  storeFigures,
} from '../../evaluation/protocols/stored-figures.ts';
import { readBundle } from '../../model/bundle/read.ts';
import { writeBundle } from '../../model/bundle/write.ts';
import { percent } from '../../report/page.ts';
import { figuresOf } from '../../statistics/figures.ts';
import { PAPER_SCHEDULE, trainByPaper } from '../../training/protocol/paper-training.ts';
import type { Recipe } from '../../training/recipes/recipe.ts';
import type { DatasetChoice } from '../../training/trainer/dataset-source.ts';
import type { TrainingJob } from '../../training/trainer/train.ts';
import { note, print, printJson } from '../../ui/terminal/console.ts';

/** The bundle in the folder of such a training; it serves no reading. */
const BUNDLE = 'paper.spikescope';

export interface TrainPaperOptions {
  readonly images: DatasetChoice;
  readonly recipe: Recipe;
  readonly out: string;
  /** Given: epochs as told; else a few, see `PAPER_SCHEDULE`. */
  readonly epochs?: number | undefined;
  readonly resume: boolean;
  /** Bundle beside which the figures are stored. */
  readonly figuresFor?: string | undefined;
  readonly json: boolean;
}

export async function trainPaper(
  { images, recipe, out, epochs, resume, figuresFor, json }: TrainPaperOptions,
  progress: Pick<TrainingJob, 'onStage' | 'onStep' | 'onEpoch'>,
): Promise<void> {
  note('The paper protocol leaks: its figures say nothing of lesions that the network has never seen.');
  const float = epochs === undefined ? { ...recipe.float, schedule: PAPER_SCHEDULE } : recipe.float;
  const { checkpoint, model, answers, leakage, syntheticImages } = await trainByPaper({
    images,
    folder: out,
    recipe: { ...recipe, float },
    resume,
    progress,
  });
  const bundle = path.join(out, BUNDLE);
  const card = {
    ...model.card,
    description: 'Trained by the publication’s leaky procedure, to show what it yields. Not for use.',
    protocol: 'paper: copies first, split by image, SMOTE on pixels, stopped by the test rows',
  };
  await writeBundle(bundle, { ...model, card });
  const figures = protocolFigures(answers.length, figuresOf(images.classes, answers).figures);
  const training = {
    network: checkpoint.architecture.name,
    inputSize: checkpoint.architecture.inputShape[0],
    epochs: checkpoint.progress.epochs,
    seed: images.seed,
    syntheticImages,
  };
  const entry = { training, leakage, figures };
  await storeFigures(storedFiguresFile(bundle), model, { paper: entry });
  if (figuresFor !== undefined) {
    await storeFigures(storedFiguresFile(figuresFor), await readBundle(figuresFor), { paper: entry });
  }
  if (json) printJson(entry);
  else {
    print(
      `Paper protocol: top-1 ${percent(figures.top1, 2)}, macro F1 ${percent(figures.macroF1, 2)} on ${figures.n} rows`,
    );
    print(
      `Test rows that are copies: ${percent(leakage.copies)}, that share a photograph with training: ${percent(leakage.sharedImage)}, a lesion: ${percent(leakage.sharedLesion)}`,
    );
  }
  note(`Bundle: ${bundle}`);
}
