import { Command, InvalidArgumentError, Option } from 'commander';
import { z } from 'zod';
import type { Sample } from '../../dataset/dataset.ts';
import { loadDataset, samplesOf } from '../../dataset/dataset.ts';
import { RefusedError, SpikescopeError, UsageError } from '../../errors.ts';
import { applyCalibration, type Calibration, calibrate } from '../../evaluation/calibration/calibrate.ts';
import { type CalibrationDocument, documentOf } from '../../evaluation/calibration/document.ts';
import { learningSectionOf } from '../../evaluation/calibration/learning-set.ts';
import { fitLight, lightSamples } from '../../evaluation/calibration/light.ts';
import type { OperatingPoints } from '../../evaluation/calibration/thresholds.ts';
import { TRIAGE_SENSITIVITY } from '../../evaluation/calibration/triage.ts';
import { readViews } from '../../evaluation/calibration/views.ts';
import { limitSamples } from '../../evaluation/evaluate.ts';
import { calibrationPage } from '../../evaluation/report/calibration-report.ts';
import { calibrateScope, scopeSamples } from '../../evaluation/scope/calibrate.ts';
import type { ScopeFit } from '../../evaluation/scope/fit.ts';
import { measureSkinTones } from '../../evaluation/triage/skin-tone.ts';
import type { ModelBundle } from '../../model/bundle/bundle.ts';
import { classTableOf } from '../../model/bundle/class-table.ts';
import { writeBundle } from '../../model/bundle/write.ts';
import { loadCharts } from '../../report/charts.ts';
import { writePage } from '../../report/page.ts';
import type { Engine } from '../../runtime/engine/contract.ts';
import { openModel } from '../../runtime/engine/open-model.ts';
import { DEFAULT_MODEL } from '../../runtime/engine/shipped-models.ts';
import { note, print, printJson, startProgress } from '../../ui/terminal/console.ts';
import { masksFolder, masksOption } from '../shared/masks.ts';
import { modelOption, modelSchema, parseOptions, positiveInteger } from '../shared/options.ts';
import { reportFile, requireWritable } from '../shared/output.ts';
import { calibrationLines } from './text.ts';

/** Not `test`: nothing may be fitted on the images that measure the result. */
const SPLITS = ['val', 'train', 'all'] as const;

const optionsSchema = z.object({
  model: modelSchema.default(DEFAULT_MODEL),
  dataset: z.string(),
  split: z.enum(SPLITS),
  splitFile: z.string().optional(),
  out: z.string().optional(),
  crop: z.boolean().optional(),
  tiling: z.boolean().optional(),
  operatingPoint: z.record(z.string(), z.number()).default({}),
  triageSensitivity: z.number().optional(),
  scope: z.boolean().default(true),
  light: z.boolean().default(true),
  limit: z.number().optional(),
  masks: z.string().optional(),
  html: z.union([z.string(), z.literal(false)]).optional(),
  json: z.boolean().default(false),
});
type Options = z.infer<typeof optionsSchema>;

/** `spikescope calibrate`: fits a bundle's readout and decides its defaults on a validation split. */
export function calibrateCommand(): Command {
  return new Command('calibrate')
    .description(
      'Fit α, thresholds and τ on a validation split, decide crop and tiling, write them into the bundle',
    )
    .requiredOption('--dataset <folder>', 'images in any nesting, with a metadata CSV (image_id, dx)')
    .addOption(modelOption())
    .option('--out <bundle>', 'where the calibrated bundle goes (default: in place)')
    .addOption(new Option('--split <name>', 'images to fit on').choices(SPLITS).default('val'))
    .option(
      '--split-file <csv>',
      'which image belongs to which split (default: split_lesion.csv in the data set)',
    )
    .option('--crop', 'crop to the salient square (default: as the evidence says)')
    .option('--no-crop', 'read the centred square')
    .option('--tiling', 'read uncertain images again in four tiles (default: as the evidence says)')
    .option('--no-tiling', 'read every image once')
    .option(
      '--operating-point <class=sensitivity>',
      'threshold that keeps a sensitivity, for example mel=0.90; may be repeated',
      operatingPoint,
    )
    .option(
      '--triage-sensitivity <share>',
      `what triage keeps of malignant lesions, and of melanomas alone (default: ${TRIAGE_SENSITIVITY})`,
      triageSensitivity,
    )
    .addOption(masksOption())
    .option('--no-scope', 'do not fit what is no lesion on training and validation images')
    .option('--no-light', 'do not fit the light that training images were taken in')
    .option('--limit <images>', 'fit on this many images, drawn with a fixed seed', positiveInteger)
    .option('--html <file>', 'where the report goes (default: reports/calibrate-<split>.html)')
    .option('--no-html', 'write no report')
    .option('--json', 'one JSON document on stdout')
    .action((rawOptions: unknown) => run(parseOptions(optionsSchema, rawOptions)));
}

function operatingPoint(text: string, earlier: OperatingPoints = {}): OperatingPoints {
  const [, name, value] = /^(.+)=([0-9.]+)$/.exec(text) ?? [];
  const sensitivity = Number(value);
  if (name === undefined || !(sensitivity > 0 && sensitivity <= 1)) {
    throw new InvalidArgumentError('Give class=sensitivity, for example mel=0.90.');
  }
  return { ...earlier, [name]: sensitivity };
}

function triageSensitivity(text: string): number {
  const sensitivity = Number(text);
  if (!(sensitivity > 0 && sensitivity < 1)) {
    throw new InvalidArgumentError('Give a share above 0 and below 1, for example 0.95.');
  }
  return sensitivity;
}

async function run(options: Options): Promise<void> {
  requireWritable(options.out ?? options.model, '--out');
  if (options.html) requireWritable(options.html, '--html');
  const { bundle, engine } = await openModel(options.model, { onRemark: note });
  try {
    refuseUnknownClasses(bundle.graph.classes, options.operatingPoint);
    const { calibration, document } = await fitReadout(options, bundle, engine);
    if (options.json) printJson(document);
    else for (const line of calibrationLines(document)) print(line);
    await report(calibration, document, options);
  } finally {
    await engine.close();
  }
}

function refuseUnknownClasses(classes: readonly string[], points: OperatingPoints): void {
  const unknown = Object.keys(points).find((name) => !classes.includes(name));
  if (unknown === undefined) return;
  throw new UsageError('OPERATING_POINT', 'The model has no such class', {
    field: '--operating-point',
    expected: `one of ${classes.join(', ')}`,
    received: unknown,
  });
}

async function fitReadout(
  {
    dataset: folder,
    split,
    splitFile,
    limit,
    model,
    out = model,
    operatingPoint: operatingPoints,
    ...options
  }: Options,
  before: ModelBundle,
  engine: Engine,
): Promise<{ calibration: Calibration; document: CalibrationDocument }> {
  const masks = masksFolder(folder, options.masks);
  const dataset = await loadDataset(folder, before.graph.classes, splitFile);
  // All that follows is fitted on what the network will read.
  const bundle =
    options.light && split === 'val' ? await withLight(before, samplesOf(dataset, 'train')) : before;
  const samples = limitSamples(samplesOf(dataset, split), limit);
  const progress = startProgress('calibrate', samples.length);
  const { views, unreadable } = await readViews(samples, bundle, engine, () => progress.advance());
  progress.stop();
  if (views.length === 0) {
    throw new RefusedError('CALIBRATION_EMPTY', 'Not one image of the split could be read', {
      file: folder,
      received: unreadable[0]?.message ?? 'no image',
    });
  }
  const skinTones = await measureSkinTones(
    views.map(({ sample }) => sample),
    masks,
  );
  const calibration = calibrate(bundle, views, {
    ...{ operatingPoints, skinTones },
    ...(options.crop !== undefined && { crop: options.crop }),
    ...(options.tiling !== undefined && { tiling: options.tiling }),
    ...(options.triageSensitivity !== undefined && { triageSensitivity: options.triageSensitivity }),
  });
  const fittedOn = { dataset: dataset.name, split, images: views.length };
  const table = classTableOf(bundle);
  const learning = learningSectionOf(bundle.graph, views, calibration.crop.enabled, table);
  const scope =
    options.scope && split === 'val'
      ? await fitScopeOf(bundle, engine, { training: samplesOf(dataset, 'train'), validation: samples })
      : null;
  const after = await writeBundle(
    out,
    applyCalibration(bundle, calibration, fittedOn, learning, scope?.section ?? null),
  );
  const document = documentOf(calibration, {
    dataset,
    split,
    n: views.length,
    unreadable,
    before,
    after,
    file: out,
    operatingPoints,
    scope,
  });
  return { calibration, document };
}

/** As it was where there are too few images. */
async function withLight(bundle: ModelBundle, training: readonly Sample[]): Promise<ModelBundle> {
  const chosen = lightSamples(training);
  const progress = startProgress('light', chosen.length);
  try {
    const light = await fitLight(chosen, bundle.preprocessing.width, () => progress.advance());
    return light === null ? bundle : { ...bundle, light };
  } finally {
    progress.stop();
  }
}

/** Null where there are too few images, or the network does not suit. */
async function fitScopeOf(
  bundle: ModelBundle,
  engine: Engine,
  splits: { readonly training: readonly Sample[]; readonly validation: readonly Sample[] },
): Promise<ScopeFit | null> {
  const chosen = scopeSamples(bundle, splits);
  if (chosen === null) return null;
  const progress = startProgress('scope', chosen.frames);
  try {
    return await calibrateScope(bundle, engine, chosen, () => progress.advance());
  } finally {
    progress.stop();
  }
}

/** A report that nobody asked for by name is left out, with a note, where the packages that draw are absent. */
async function report(
  calibration: Calibration,
  document: CalibrationDocument,
  options: Options,
): Promise<void> {
  try {
    const file = reportFile(options.html, `reports/calibrate-${options.split}.html`);
    if (file === null) return;
    await writePage(
      file,
      calibrationPage(document, calibration, await loadCharts(), new Date().toISOString()),
    );
    note(`Report: ${file}`);
  } catch (error) {
    if (options.html !== undefined || !(error instanceof SpikescopeError)) throw error;
    note(`No report: ${error.describe()}`);
  }
}
