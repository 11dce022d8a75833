import { Command, Option } from 'commander';
import { z } from 'zod';
import { type Dataset, loadDataset, samplesOf } from '../../dataset/dataset.ts';
import { RefusedError, SpikescopeError, UsageError } from '../../errors.ts';
import { CORRUPTIONS } from '../../evaluation/corruption/corruptions.ts';
import type { EvaluationDocument } from '../../evaluation/document.ts';
import { type Evaluation, evaluate, limitSamples } from '../../evaluation/evaluate.ts';
import { type FloatModel, openFloatModel } from '../../evaluation/float-model.ts';
import {
  PROTOCOLS,
  readStoredFigures,
  type StoredFigures,
  storedFiguresFile,
  storeFigures,
} from '../../evaluation/protocols/stored-figures.ts';
import { evaluationPage } from '../../evaluation/report/evaluation-report.ts';
import { measureNothing, NOTHING_FRAMES, picturesIn } from '../../evaluation/scope/evaluate.ts';
import type { ModelBundle } from '../../model/bundle/bundle.ts';
import { storeChoiceFigures } from '../../model/bundle/choice-figures.ts';
import { loadCharts } from '../../report/charts.ts';
import { writePage } from '../../report/page.ts';
import { thumbnailOf } from '../../report/thumbnails.ts';
import { loadTriageCharts } from '../../report/triage-charts.ts';
import type { Engine } from '../../runtime/engine/contract.ts';
import { openModel } from '../../runtime/engine/open-model.ts';
import { DEFAULT_MODEL } from '../../runtime/engine/shipped-models.ts';
import { note, print, printJson, startProgress } from '../../ui/terminal/console.ts';
import { masksFolder, masksOption } from '../shared/masks.ts';
import {
  defaultCache,
  modelOption,
  modelSchema,
  parseOptions,
  positiveInteger,
  splitOption,
  splitSchema,
} from '../shared/options.ts';
import { reportFile, requireWritable } from '../shared/output.ts';
import { evaluationLines } from './text.ts';

/** Wrong answers shown as pictures in the report. */
const SHOWN_MISTAKES = 24;

const optionsSchema = z.object({
  model: modelSchema.optional(),
  dataset: z.string(),
  protocol: z.enum(PROTOCOLS).optional(),
  split: splitSchema,
  splitFile: z.string().optional(),
  seed: z.number().max(2 ** 32 - 1),
  cache: z.string().default(defaultCache),
  record: z.boolean().default(false),
  nothing: z.union([z.string(), z.boolean()]).default(false),
  float: z.string().optional(),
  crop: z.boolean().optional(),
  tiling: z.boolean().optional(),
  limit: z.number().optional(),
  corruptions: z.boolean().default(false),
  masks: z.string().optional(),
  html: z.union([z.string(), z.literal(false)]).optional(),
  json: z.boolean().default(false),
});
type Options = z.infer<typeof optionsSchema>;

/** `spikescope evaluate`: what a model is worth on a data set, through the device's own path. */
export function evaluateCommand(): Command {
  return new Command('evaluate')
    .description('Measure a model on a data set in HAM10000’s layout, through the device’s own path')
    .requiredOption('--dataset <folder>', 'images in any nesting, with a metadata CSV (image_id, dx)')
    .addOption(modelOption())
    .addOption(
      new Option(
        '--protocol <name>',
        'lesion: no lesion in two splits, refused otherwise; paper: the test rows of the publication’s own procedure, which leaks (default: as the data set is split)',
      ).choices([...PROTOCOLS]),
    )
    .addOption(splitOption('test'))
    .option(
      '--split-file <csv>',
      'which image belongs to which split (default: split_lesion.csv in the data set)',
    )
    .option('--float <model>', 'float model (ONNX or checkpoint) to run on exactly the same inputs')
    .option('--crop', 'crop to the salient square (default: as the bundle says)')
    .option('--no-crop', 'read the centred square')
    .option('--tiling', 'read uncertain images again in four tiles (default: as the bundle says)')
    .option('--no-tiling', 'read every image once')
    .option(
      '--corruptions',
      'read every image eight times more: blurred, noisy, compressed, darker, brighter, in warm and in cold light, turned',
    )
    .option('--limit <images>', 'read this many images, drawn with a fixed seed', positiveInteger)
    .addOption(masksOption())
    .option('--seed <number>', 'with --protocol paper: that of the training', positiveInteger, 1)
    .option(
      '--cache <folder>',
      'with --protocol paper: where decoded images are kept (default: as for train)',
    )
    .option(
      '--record',
      'keep the lesion protocol’s figures beside the bundle: of test for later reports, of val for those who choose one',
    )
    .option(
      '--nothing [folder]',
      'also how many drawn frames without a lesion are refused, and how many pictures of a folder of such',
    )
    .option('--html <file>', 'where the report goes (default: reports/evaluate-<split>.html)')
    .option('--no-html', 'write no report')
    .option('--json', 'one JSON document on stdout')
    .action((rawOptions: unknown) => run(parseOptions(optionsSchema, rawOptions)));
}

async function run(options: Options): Promise<void> {
  if (options.corruptions && options.protocol === 'paper') {
    throw new UsageError('OPTION', 'The paper’s test rows are not corrupted', {
      field: '--corruptions',
      received: '--protocol paper',
      remedy: 'leave one of the two out',
    });
  }
  if (options.html) requireWritable(options.html, '--html');
  const pictures = typeof options.nothing === 'string' ? await picturesIn(options.nothing) : null;
  const { model = DEFAULT_MODEL } = options;
  const { bundle, engine } = await openModel(model, { onRemark: note });
  try {
    const stored = await readStoredFigures(storedFiguresFile(model));
    const float =
      options.float === undefined ? null : await openFloatModel(options.float, bundle.preprocessing.width);
    try {
      const measured =
        options.protocol === 'paper'
          ? // Loaded on demand: it reads images as training does.
            await (await import('./paper.ts')).evaluatePaper(options, bundle, stored)
          : await measureSplit(options, bundle, engine, float, stored);
      const nothing = await measureNothingIfAsked(options, pictures, bundle, engine);
      const evaluation = { ...measured, document: { ...measured.document, ...nothing } };
      if (options.record) await record(model, evaluation.document);
      if (options.json) printJson(evaluation.document);
      else for (const line of evaluationLines(evaluation.document)) print(line);
      await report(evaluation, bundle.graph.classes, options);
    } finally {
      await float?.close();
    }
  } finally {
    await engine.close();
  }
}

async function measureNothingIfAsked(
  { nothing }: Options,
  pictures: readonly string[] | null,
  bundle: ModelBundle,
  engine: Engine,
): Promise<Pick<EvaluationDocument, 'nothing'>> {
  if (nothing === false) return {};
  const progress = startProgress('frames without a lesion', NOTHING_FRAMES);
  try {
    const onFrame = () => progress.advance();
    return { nothing: await measureNothing(bundle, engine, { pictures, onFrame }) };
  } finally {
    progress.stop();
  }
}

async function measureSplit(
  { dataset: folder, split, splitFile, limit, protocol, corruptions, masks, ...options }: Options,
  bundle: ModelBundle,
  engine: Engine,
  float: FloatModel | null,
  stored: StoredFigures | null,
): Promise<Evaluation> {
  const dataset = await loadDataset(folder, bundle.graph.classes, splitFile);
  if (protocol === 'lesion') requireLesionProtocol(dataset);
  const samples = limitSamples(samplesOf(dataset, split), limit);
  const progress = startProgress('evaluate', samples.length * (corruptions ? 1 + CORRUPTIONS.length : 1));
  try {
    return await evaluate(dataset, samples, bundle, engine, {
      split,
      crop: options.crop ?? bundle.preprocessing.crop.enabled,
      tiling: options.tiling ?? bundle.readout.tiling.enabled,
      ...(float !== null && { float }),
      ...(limit !== undefined && { limit }),
      masks: masksFolder(folder, masks),
      stored,
      corruptions,
      onImage: () => progress.advance(),
    });
  } finally {
    progress.stop();
  }
}

/** @throws RefusedError `EVALUATION_PROTOCOL` */
function requireLesionProtocol({ protocol, splitFile, folder }: Dataset): void {
  if (protocol === 'lesion') return;
  throw new RefusedError('EVALUATION_PROTOCOL', 'This split is not grouped by lesion', {
    file: splitFile ?? folder,
    expected: 'a lesion identifier for every image, and no lesion in two splits',
    received: 'lesions that are unknown or lie in more than one split',
    remedy: 'name a lesion-grouped split with --split-file, or leave --protocol out',
  });
}

/**
 * Whole splits by lesion alone: other figures must not pass for them. Test goes to the protocols, validation to what one
 * chooses a bundle by. @throws UsageError `RECORD`
 */
async function record(model: string, document: EvaluationDocument): Promise<void> {
  const { protocol, split, n, model: identity, settings, protocols, triage, corruption } = document;
  const { figures } = protocols.lesion;
  const isWhole = protocol === 'lesion' && settings.limit === null && figures !== null;
  if (!isWhole || (split !== 'test' && split !== 'val')) {
    throw new UsageError('RECORD', 'Only figures of a whole split by the lesion protocol are kept', {
      field: '--record',
      expected: '--split test or val, without --limit',
      received: `${n} images, split ${split}, protocol ${protocol}`,
    });
  }
  const { digest } = identity;
  if (split === 'test') {
    const file = storedFiguresFile(model);
    await storeFigures(file, identity, { lesion: { digest, split, figures } });
    note(`Kept beside the bundle: ${file}`);
    return;
  }
  const { top1, macroF1 } = document;
  const validation = { images: n, top1, macroF1, malignancyAuc: triage?.auc.value ?? null };
  const lost = corruption === undefined ? {} : { corruption: { top1Lost: corruption.meanLost.value } };
  note(`Kept beside the bundle: ${await storeChoiceFigures(model, digest, { validation, ...lost })}`);
}

/** A report that nobody asked for by name is left out, with a note, where the packages that draw are absent. */
async function report(evaluation: Evaluation, classes: readonly string[], options: Options): Promise<void> {
  try {
    const file = reportFile(options.html, `reports/evaluate-${options.split}.html`);
    if (file === null) return;
    const charts = { ...(await loadCharts()), ...(await loadTriageCharts()) };
    const mistakes = await Promise.all(
      evaluation.wrong.slice(0, SHOWN_MISTAKES).map(async ({ sample, named, confidence }) => ({
        imageId: sample.imageId,
        truth: classes[sample.label],
        named,
        confidence,
        thumbnail: await thumbnailOf(sample.file),
      })),
    );
    const { document, reliability } = evaluation;
    await writePage(
      file,
      evaluationPage({ document, reliability, mistakes, madeAt: new Date().toISOString() }, charts),
    );
    note(`Report: ${file} (holds patient images; keep it on this machine)`);
  } catch (error) {
    if (options.html !== undefined || !(error instanceof SpikescopeError)) throw error;
    note(`No report: ${error.describe()}`);
  }
}
