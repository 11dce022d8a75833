import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { Command, Option } from 'commander';
import { z } from 'zod';
import { loadDataset } from '../../dataset/dataset.ts';
import { readCheckpoint, writeCheckpoint } from '../../model/checkpoint/file.ts';
import { rebalanceRecipe } from '../../training/ablation/defaults.ts';
import { rarestClasses } from '../../training/ablation/document.ts';
import { useBackend } from '../../training/backend/backend.ts';
import { openTrainingData } from '../../training/data/open.ts';
import type { TrainingData, TrainingDataOptions } from '../../training/data/training-data.ts';
import { withQuantisation } from '../../training/rebalance/calibrated.ts';
import { type Compared, compareBalancing } from '../../training/rebalance/compare.ts';
import { comparisonMarkdown } from '../../training/rebalance/table.ts';
import { QANA_RECIPE } from '../../training/recipes/qana.ts';
import { SMOTE_DEFAULTS } from '../../training/smote/smote.ts';
import { datasetSource } from '../../training/trainer/dataset-source.ts';
import { TRAINING_FILES } from '../../training/trainer/files.ts';
import { note, print, printJson } from '../../ui/terminal/console.ts';
import { parseOptions, positiveInteger, positiveNumber } from '../shared/options.ts';
import { makeOutputFolder } from '../shared/output.ts';
import { stageProgress } from '../shared/stage-progress.ts';
import { cacheOption, classesOption, splitFileOption, trainingImagesSchema } from '../train/options.ts';
import { backendNote } from '../train/progress.ts';

const AFTER_HELP = `
The head is trained on real and synthetic embeddings of the training split (SMOTE in embedding space, QANA, equations 1
to 5) while everything before it stands still; then last block and head are tuned on real images. A control does the
same without synthetic embeddings. --out takes the balanced ${TRAINING_FILES.result}, balance.json and balance.md.

Exit codes: 0 done, 1 failed, 2 wrong usage, 3 refused.`;

/** For the scales of a network that was trained without rounding. */
const CALIBRATION_IMAGES = 128;

const optionsSchema = trainingImagesSchema.extend({
  from: z.string(),
  out: z.string(),
  ratio: z.number().lt(1),
  neighbours: z.number(),
  components: z.number(),
  epsilon: z.number(),
  measure: z.array(z.enum(['val', 'test'])).min(1),
  seed: z.number().max(2 ** 32 - 1),
  backend: z.enum(['torch', 'tfjs-node', 'cpu']).optional(),
  json: z.boolean().default(false),
});
type Options = z.infer<typeof optionsSchema>;

/** `spikescope balance`: a trained network's head on synthetic embeddings, and what that brings. */
export function balanceCommand(): Command {
  return new Command('balance')
    .description('Balance a trained network for its rare classes, and say what that brings')
    .requiredOption(
      '--from <checkpoint>',
      'a trained network; one that was trained in float is calibrated first',
    )
    .requiredOption(
      '--dataset <folder>',
      'images in any nesting, with a metadata CSV (image_id, dx, lesion_id)',
    )
    .requiredOption('--out <folder>', 'where the result goes')
    .addOption(splitFileOption())
    .addOption(cacheOption())
    .addOption(classesOption())
    .option(
      '--ratio <share>',
      'fill classes up to this share of the largest, below 1',
      positiveNumber,
      SMOTE_DEFAULTS.ratio,
    )
    .option('--neighbours <number>', 'of the same class', positiveInteger, SMOTE_DEFAULTS.neighbours)
    .option(
      '--components <number>',
      'principal directions of the whitening',
      positiveInteger,
      SMOTE_DEFAULTS.components,
    )
    .option(
      '--epsilon <size>',
      'size of the perturbation in the whitened space',
      positiveNumber,
      SMOTE_DEFAULTS.epsilon,
    )
    .addOption(
      new Option('--measure <splits...>', 'where to measure; test only once everything is chosen')
        .choices(['val', 'test'])
        .default(['val']),
    )
    .option('--seed <number>', 'everything random follows from it', positiveInteger, 1)
    .addOption(
      new Option('--backend <name>', 'what computes (default: the best that works here)').choices([
        'torch',
        'tfjs-node',
        'cpu',
      ]),
    )
    .option('--json', 'one JSON document on stdout')
    .addHelpText('after', AFTER_HELP)
    .action((raw: unknown) => run(parseOptions(optionsSchema, raw)));
}

async function run(options: Options): Promise<void> {
  const { out, measure } = options;
  makeOutputFolder(options.cache, '--cache');
  makeOutputFolder(out, '--out');
  note(backendNote(await useBackend(options.backend)));
  const progress = stageProgress();
  const { compared, rareClasses } = await compare(options, progress).finally(progress.stop);
  await writeCheckpoint(path.join(out, TRAINING_FILES.result), compared.checkpoint);
  const tables = measure.map((split) => {
    const { figures } = compared.splits[split];
    const title = `${split === 'val' ? 'Validation' : 'Test'} split, ${figures.smote.n} images:`;
    return `${title}\n\n${comparisonMarkdown(compared.splits[split], rareClasses)}\n`;
  });
  const document = { rareClasses, synthesis: compared.synthesis, splits: compared.splits };
  await writeFile(path.join(out, 'balance.json'), `${JSON.stringify(document, null, 2)}\n`);
  await writeFile(path.join(out, 'balance.md'), tables.join('\n'));
  if (options.json) printJson(document);
  else print(tables.join('\n'));
}

async function compare(
  options: Options,
  progress: ReturnType<typeof stageProgress>,
): Promise<{ compared: Compared; rareClasses: string[] }> {
  const { classes, seed, splitFile, components, neighbours, ratio, epsilon } = options;
  const trained = await readCheckpoint(options.from);
  const side = trained.architecture.inputShape[0];
  const dataset = await loadDataset(options.dataset, classes, splitFile);
  const images = {
    dataset: options.dataset,
    classes,
    cacheFolder: options.cache,
    seed,
    ...(splitFile && { splitFile }),
  };
  const source = datasetSource(images);
  const checkpoint = await withQuantisation(trained, () => source.calibration(side, CALIBRATION_IMAGES));
  const open = (choice: Pick<TrainingDataOptions, 'split' | 'rows'>): Promise<TrainingData> =>
    openTrainingData({ ...images, inputSizes: [side], batch: 64, augmentation: null, ...choice });
  const base = { ...QANA_RECIPE, network: { ...QANA_RECIPE.network, inputSize: side } };
  const recipe = { ...rebalanceRecipe(base), smote: { components, neighbours, ratio, epsilon } };
  const compared = await compareBalancing({
    folder: path.join(options.out, 'tuning'),
    checkpoint,
    recipe,
    seed,
    images: dataset.samples,
    open: (rows) => open({ split: 'all', rows }),
    data: source.stage(recipe.fineTune ?? base.float),
    measure: Object.fromEntries(options.measure.map((split) => [split, () => open({ split })])),
    onStep: progress.onStep,
    onHeadEpoch: (epoch, loss) => note(`head epoch ${epoch + 1}: loss ${loss.toFixed(4)}`),
    onEpoch: ({ epoch, loss, validation: { top1, macroF1 } }) =>
      note(
        `tuning epoch ${epoch}: loss ${loss.toFixed(4)}, validation top-1 ${(100 * top1).toFixed(1)} %, macro F1 ${(100 * macroF1).toFixed(1)} %`,
      ),
  });
  const training = dataset.samples.filter(({ split }) => split === 'train');
  const counts = classes.map((_, c) => training.filter(({ label }) => label === c).length);
  return { compared, rareClasses: rarestClasses(classes, counts) };
}
