/** One network of the comparison: trained, rounded, calibrated and asked without one acquisition site, or with all. */
import path from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { type Dataset, type Sample, samplesOf } from '../../dataset/dataset.ts';
import { RefusedError, UsageError } from '../../errors.ts';
import { applyCalibration, calibrate } from '../../evaluation/calibration/calibrate.ts';
import { fitLight, lightSamples } from '../../evaluation/calibration/light.ts';
import { readViews } from '../../evaluation/calibration/views.ts';
import { readSplit } from '../../evaluation/read-split.ts';
import { makeFolder } from '../../make-folder.ts';
import { replaceFile } from '../../model/bundle/replace-file.ts';
import { writeBundle } from '../../model/bundle/write.ts';
import type { Checkpoint } from '../../model/checkpoint/format.ts';
import { openModel } from '../../runtime/engine/open-model.ts';
import { integerModel } from '../measure/integer-model.ts';
import { keptDocument } from '../measure/kept-document.ts';
import type { Recipe } from '../recipes/recipe.ts';
import { type DatasetChoice, datasetSource } from '../trainer/dataset-source.ts';
import { type TrainingJob, train } from '../trainer/train.ts';
import { type SiteAnswers, siteAnswersSchema } from './answers.ts';
import { withSplits, writeSplitWithout } from './without.ts';

export interface SiteJob {
  /** A folder per network; made when missing. What is finished there is not made again. */
  readonly folder: string;
  readonly images: DatasetChoice;
  readonly dataset: Dataset;
  readonly recipe: Recipe;
  /** What every network starts from; null for random weights. */
  readonly initial: Checkpoint | null;
  readonly progress?: Pick<TrainingJob, 'onStage' | 'onStep' | 'onEpoch'>;
}

const FILES = { splits: 'split.csv', bundle: 'model.spikescope', answers: 'answers.json' } as const;
const CALIBRATION_IMAGES = 256;

/**
 * @param site what the network never sees; null for the network that sees all sites
 * @param asked images to read with it
 * @throws UsageError `SITES_FOLDER` where the folder holds a network of other settings; as `train`
 */
export async function runWithout(
  job: SiteJob,
  site: string | null,
  asked: readonly Sample[],
): Promise<SiteAnswers> {
  const folder = path.join(job.folder, site === null ? 'all' : `without-${site}`);
  const file = path.join(folder, FILES.answers);
  const settings: unknown = JSON.parse(JSON.stringify({ recipe: job.recipe, seed: job.images.seed }));
  const images = asked.map(({ imageId }) => imageId);
  const finished = await keptDocument(file, siteAnswersSchema);
  if (finished !== null) {
    if (isDeepStrictEqual(finished.settings, settings) && isDeepStrictEqual(finished.images, images)) {
      return finished;
    }
    throw new UsageError('SITES_FOLDER', 'The folder holds a comparison with other settings', {
      file,
      remedy: 'give the same options again, or another folder to --out',
    });
  }
  makeFolder(folder);
  const bundle = await calibratedBundle(job, site, folder);
  const answers: SiteAnswers = { format: 1, site, settings, images, ...(await answersOf(bundle, asked)) };
  await replaceFile(file, Buffer.from(JSON.stringify(answers)));
  return answers;
}

async function calibratedBundle(job: SiteJob, site: string | null, folder: string): Promise<string> {
  const { classes, seed } = job.images;
  const splitFile = path.join(folder, FILES.splits);
  await writeSplitWithout(splitFile, job.dataset, site);
  const source = datasetSource({ ...job.images, splitFile });
  const checkpoint = await train({
    folder,
    recipe: job.recipe,
    classes,
    seed,
    source,
    teachers: [],
    resume: true,
    from: null,
    ...(job.initial && { initial: job.initial }),
    ...job.progress,
  });
  const file = path.join(folder, FILES.bundle);
  const side = checkpoint.architecture.inputShape[0];
  await writeBundle(
    file,
    await integerModel(checkpoint, path.basename(folder), () => source.calibration(side, CALIBRATION_IMAGES)),
  );
  await calibrateBundle(file, await withSplits(job.dataset, classes, splitFile));
  return file;
}

async function calibrateBundle(file: string, dataset: Dataset): Promise<void> {
  const { bundle: converted, engine } = await openModel(file);
  try {
    const light = await fitLight(lightSamples(samplesOf(dataset, 'train')), converted.preprocessing.width);
    const bundle = { ...converted, light: light ?? undefined };
    const { views } = await readViews(samplesOf(dataset, 'val'), bundle, engine);
    const fittedOn = { dataset: dataset.name, split: 'val' as const, images: views.length };
    await writeBundle(file, applyCalibration(bundle, calibrate(bundle, views), fittedOn, null));
  } finally {
    await engine.close();
  }
}

async function answersOf(file: string, asked: readonly Sample[]): Promise<Pick<SiteAnswers, 'answers'>> {
  const { bundle, engine } = await openModel(file);
  const { classes } = bundle.graph;
  const { enabled: crop } = bundle.preprocessing.crop;
  const { enabled: tiling } = bundle.readout.tiling;
  try {
    const { outcomes, unreadable } = await readSplit(asked, bundle, engine, { crop, tiling });
    if (unreadable.length > 0) {
      const [{ file: image, message }] = unreadable;
      throw new RefusedError('SITES_IMAGE', 'An image cannot be read', { file: image, received: message });
    }
    return {
      answers: outcomes.map(({ sample, reading }) => ({
        label: sample.label,
        probabilities: classes.map((name) => reading.probabilities[name]),
        group: sample.lesionId,
        triage: reading.triage ?? null,
      })),
    };
  } finally {
    await engine.close();
  }
}
