import path from 'node:path';
import { Command, Option } from 'commander';
import { importOnnx } from '../../conversion/onnx/import.ts';
import { loadDataset } from '../../dataset/dataset.ts';
import { SpikescopeError, UsageError } from '../../errors.ts';
import { PROTOCOLS } from '../../evaluation/protocols/stored-figures.ts';
import { isCheckpoint, readCheckpoint } from '../../model/checkpoint/file.ts';
import type { Checkpoint } from '../../model/checkpoint/format.ts';
import { loadCharts } from '../../report/charts.ts';
import { writePage } from '../../report/page.ts';
import { openModel } from '../../runtime/engine/open-model.ts';
import { modelFile } from '../../runtime/engine/shipped-models.ts';
import { useBackend } from '../../training/backend/backend.ts';
import { openNetwork } from '../../training/network/open.ts';
import type { ForeignNetwork } from '../../training/network/starting-point.ts';
import { ARCHITECTURES } from '../../training/recipes/named.ts';
import { datasetSource } from '../../training/trainer/dataset-source.ts';
import { TRAINING_FILES } from '../../training/trainer/files.ts';
import { trainingPage } from '../../training/trainer/report.ts';
import { bundleTeacher, networkTeacher, type Teacher } from '../../training/trainer/teacher.ts';
import { train } from '../../training/trainer/train.ts';
import { note, print, printJson } from '../../ui/terminal/console.ts';
import { meanOption, normalisationOf, stdOption } from '../shared/normalisation.ts';
import { positiveInteger, positiveNumber } from '../shared/options.ts';
import { makeOutputFolder } from '../shared/output.ts';
import { readSource } from '../shared/read-source.ts';
import {
  cacheOption,
  classesOption,
  recipeFrom,
  splitFileOption,
  type TrainOptions,
  trainOptions,
} from './options.ts';
import { trainPaper } from './paper.ts';
import { backendNote, trainingProgress } from './progress.ts';
import { trainingDocument, trainingLines } from './text.ts';

const AFTER_HELP = `
The folder of --out takes float/ and quantised/, each with its last and best checkpoint and log.jsonl, then
${TRAINING_FILES.result} and ${TRAINING_FILES.report}. A training that was killed goes on with the same options and --resume, and
ends with the weights of an undisturbed one. Nothing reads the test split, but for --protocol paper, which is there to
show what reading it yields: copies first, a split by image, SMOTE on pixels, stopped by the test rows, rounded afterwards.

Then: spikescope convert --from DIR/${TRAINING_FILES.result} …, or spikescope evaluate.

Exit codes: 0 trained, 1 failed, 2 wrong usage, 3 refused.`;

/** `spikescope train`: data set → checkpoint. */
export function trainCommand(): Command {
  return new Command('train')
    .description('Train a network on a data set in HAM10000’s layout, quantisation-aware')
    .requiredOption(
      '--dataset <folder>',
      'images in any nesting, with a metadata CSV (image_id, dx, lesion_id)',
    )
    .requiredOption('--out <folder>', 'where checkpoints, logs and the report go')
    .addOption(splitFileOption())
    .addOption(cacheOption())
    .addOption(classesOption())
    .addOption(new Option('--architecture <name>', 'network to train').choices(ARCHITECTURES))
    .option(
      '--recipe <file>',
      'recipe in JSON, or the name of one that ships (default: that of the architecture)',
    )
    .option(
      '--epochs <number>',
      'epochs of the float stage, all at the network’s own image size',
      positiveInteger,
    )
    .option('--quantised-epochs <number>', 'epochs of the quantised stage', positiveInteger)
    .option('--batch <images>', 'images per step', positiveInteger)
    .option('--learning-rate <rate>', 'peak learning rate of the float stage', positiveNumber)
    .option('--seed <number>', 'everything random follows from it', positiveInteger, 1)
    .option('--teacher <networks...>', 'distil from these trained networks: checkpoints, or bundles')
    .option(
      '--initial <model>',
      'start the float stage from this float network: a checkpoint, or ONNX of any kind that convert takes',
    )
    .addOption(meanOption())
    .addOption(stdOption())
    .option('--from <checkpoint>', 'start the quantised stage from this float network')
    .addOption(new Option('--quantise', 'end with the quantised stage (default: as the recipe says)'))
    .option('--no-quantise', 'end with the float stage')
    .addOption(
      new Option(
        '--protocol <name>',
        'lesion: as the split says; paper: the publication’s leaky procedure, to show what it yields',
      )
        .choices([...PROTOCOLS])
        .default('lesion'),
    )
    .option(
      '--figures-for <bundle>',
      'with --protocol paper: store the figures beside this bundle, for evaluate',
    )
    .option('--resume', 'go on where the checkpoints in --out stand')
    .addOption(
      new Option('--backend <name>', 'what computes (default: the best that works here)').choices([
        'torch',
        'tfjs-node',
        'cpu',
      ]),
    )
    .option('--threads <number>', 'threads of the torch backend (default: all cores)', positiveInteger)
    .option('--json', 'one JSON document on stdout')
    .addHelpText('after', AFTER_HELP)
    .action((raw: unknown) => runTrain(trainOptions(raw)));
}

async function runTrain(options: TrainOptions): Promise<void> {
  const recipe = await recipeFrom(options);
  const { classes, seed, out, dataset, splitFile, cache, resume } = options;
  // Read again where it is needed: what is wrong with it is said before anything is set up.
  await loadDataset(dataset, classes, splitFile);
  makeOutputFolder(cache, '--cache');
  makeOutputFolder(out, '--out');
  const backend = await useBackend(
    options.backend,
    options.threads === undefined ? {} : { threads: options.threads },
  );
  note(`${backendNote(backend)}\nRecipe: ${recipe.name}.`);
  const teachers = await Promise.all((options.teacher ?? []).map((file) => openTeacher(file, classes)));
  const from = options.from === undefined ? null : await networkFor(options.from, classes);
  const initial =
    options.initial === undefined ? {} : { initial: await initialNetwork(options.initial, options) };
  const progress = trainingProgress();
  try {
    const images = { dataset, classes, cacheFolder: cache, seed, ...(splitFile && { splitFile }) };
    if (options.protocol === 'paper') {
      await trainPaper({ ...options, images, recipe }, progress);
      return;
    }
    const source = datasetSource(images);
    const result = await train({
      folder: out,
      recipe,
      classes,
      seed,
      source,
      teachers,
      resume,
      from,
      ...initial,
      ...progress,
    });
    const document = trainingDocument(result, { out, backend });
    if (options.json) printJson(document);
    else for (const line of trainingLines(document)) print(line);
    await report(out, result);
  } finally {
    progress.stop();
    for (const teacher of teachers) await teacher.close();
  }
}

/** A checkpoint, or a network from elsewhere. @throws UsageError `CLASSES`, `OPTION`; RefusedError `ONNX_*` */
async function initialNetwork(
  file: string,
  { classes, mean, std }: TrainOptions,
): Promise<Checkpoint | ForeignNetwork> {
  const normalisation = normalisationOf(mean, std);
  const contents = await readSource(file, '--initial');
  if (!isCheckpoint(contents)) {
    const { graph } = await importOnnx(contents, file);
    return normalisation === undefined ? { graph } : { graph, normalisation };
  }
  if (normalisation === undefined) return networkFor(file, classes);
  throw new UsageError('OPTION', 'A checkpoint was trained on images in 0…1', {
    field: '--mean, --std',
    remedy: 'leave them out',
  });
}

/** A checkpoint, or a bundle by its file or name. */
async function openTeacher(file: string, classes: readonly string[]): Promise<Teacher> {
  const bundle = modelFile(file);
  if (!bundle.endsWith('.spikescope')) return networkTeacher(openNetwork(await networkFor(file, classes)));
  const model = await openModel(bundle, { threads: 2, onRemark: note });
  if (model.bundle.graph.classes.join() === classes.join()) return bundleTeacher(model);
  await model.engine.close();
  throw otherClasses('bundle', file, classes, model.bundle.graph.classes);
}

async function networkFor(file: string, classes: readonly string[]): Promise<Checkpoint> {
  const checkpoint = await readCheckpoint(file);
  if (checkpoint.classes.join() === classes.join()) return checkpoint;
  throw otherClasses('checkpoint', file, classes, checkpoint.classes);
}

function otherClasses(
  what: string,
  file: string,
  expected: readonly string[],
  received: readonly string[],
): UsageError {
  return new UsageError('CLASSES', `The ${what} knows other classes`, {
    file,
    expected: expected.join(', '),
    received: received.join(', '),
  });
}

/** The report is left out, with a note, where the packages that draw are absent. */
async function report(out: string, result: Checkpoint): Promise<void> {
  const file = path.join(out, TRAINING_FILES.report);
  try {
    await writePage(file, await trainingPage(out, result, await loadCharts()));
    note(`Report: ${file}`);
  } catch (error) {
    if (!(error instanceof SpikescopeError)) throw error;
    note(`No report: ${error.describe()}`);
  }
}
