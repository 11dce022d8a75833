import path from 'node:path';
import { Command, Option } from 'commander';
import { openActivations } from '../../conversion/calibration/activations.ts';
import type { Activations } from '../../conversion/calibration/contract.ts';
import { GHOST_POLICIES } from '../../conversion/compose/choose.ts';
import { type ConversionOptions, convert, PASSES } from '../../conversion/convert.ts';
import { type PreparedModel, prepareModel } from '../../conversion/prepare.ts';
import { type Agreement, LEAST_AGREEMENT, requireAgreement } from '../../conversion/scrutiny/agreement.ts';
import { requireDependence } from '../../conversion/scrutiny/dependence.ts';
import { fileScalesOf } from '../../conversion/scrutiny/file-scales.ts';
import { TARGETS } from '../../conversion/targets/check.ts';
import { printable, UsageError } from '../../errors.ts';
import { goldenOf, measureModelAgreement } from '../../evaluation/engine-trace.ts';
import type { ModelContents } from '../../model/bundle/bundle.ts';
import { note, printJson, startProgress } from '../../ui/terminal/console.ts';
import { meanOption, stdOption } from '../shared/normalisation.ts';
import { requireWritable } from '../shared/output.ts';
import { readSource } from '../shared/read-source.ts';
import { writeModel } from '../shared/write-model.ts';
import { refuseUnmappable } from './early-target.ts';
import { type LoadedImages, loadCalibration } from './images.ts';
import { lostProgramsOf } from './lost-programs.ts';
import { readCard, readClassTable } from './model-card.ts';
import { type ConvertOptions, parseConvertOptions } from './options.ts';
import { printSummary, summaryOf } from './summary.ts';
import { requireTarget } from './target.ts';

const AFTER_HELP = `
An ONNX network takes RGB, channels first, values uint8/255, unless --mean and --std say otherwise. A checkpoint that was
trained quantised keeps the scales of its training: no images, and no option that would quantise otherwise.

Targets: cpu runs every bundle. For a chip the converter checks every layer against its documented rules. When layers do not map it lists them and why, writes nothing and ends with exit code 3: a network that would
partly run on the host is never called deployable on the chip. --allow-host writes the bundle all the same; its
manifest and the summary then say "deployable: no" and name the layers that stay on the host.

Exit codes: 0 written, 1 failed, 2 wrong usage, 3 refused (not convertible, or not mappable on the target).`;

/** `spikescope convert`: float model or checkpoint → bundle. */
export function convertCommand(): Command {
  return new Command('convert')
    .description(
      'Convert a float model (ONNX, opset 9-24) or a checkpoint of a training into an integer bundle',
    )
    .requiredOption('--from <model>', 'float model: ONNX, its weights inline or beside it, or checkpoint')
    .option(
      '--calibration <folder>',
      'images of the kind the device will see, in any nesting; a checkpoint that was trained quantised needs none',
    )
    .requiredOption('--out <bundle>', 'file to write')
    .addOption(new Option('--target <target>', 'processor the bundle is for').choices(TARGETS).default('cpu'))
    .option('--allow-host', 'write the bundle even where layers do not map on the target')
    .addOption(
      new Option('--per-channel', 'one weight scale per output channel (default)').conflicts('perTensor'),
    )
    .option('--per-tensor', 'one weight scale per layer, as in the paper')
    .addOption(
      new Option(
        '--ghost <policy>',
        'ghost modules: compose into one convolution where that is cheaper (auto, the default), always, or never',
      ).choices(GHOST_POLICIES),
    )
    .addOption(
      new Option(
        '--weight-bits <bits>',
        'of all layers behind the first, which keeps eight (default: 4 for akd1000, else 8)',
      ).choices(['4', '8']),
    )
    .addOption(
      new Option('--activation-bits <bits>', 'of all tensors behind the image (default: likewise)').choices([
        '4',
        '8',
      ]),
    )
    .option('--no-averages', 'the checkpoint’s last weights, not their moving averages')
    .addOption(meanOption())
    .addOption(stdOption())
    .option('--size <pixels>', 'height and width of the image, where an ONNX file leaves them open')
    .option('--output <name>', 'tensor with the logits, where an ONNX network gives several answers')
    .option(
      '--accept-agreement <share>',
      'write the bundle although integer and float network agree on fewer images than 0.9, down to this share',
    )
    .option(
      '--images <count>',
      'calibrate on at most this many images, evenly spaced: each is computed twice in floating point, so time grows with them; 128 to 512 gave the same accuracy',
      '256',
    )
    .option('--split-file <csv>', 'calibrate only on images of one split: a CSV with image_id and split')
    .option('--split <name>', 'which split of --split-file', 'train')
    .option('--name <name>', 'name of the model (default: that of the file)')
    .option('--version-label <version>', 'version of the model', '1.0.0')
    .option('--classes <names>', 'class names in the order of the outputs, comma separated')
    .option('--card <json>', 'model card: description, data, protocol, licence, metrics, limitations')
    .option(
      '--classes-table <json>',
      'names, risks and codes of the classes (default: those of HAM10000’s, by their names)',
    )
    .option('--json', 'one JSON document on stdout')
    .addHelpText('after', AFTER_HELP)
    .action(async (raw: unknown) => runConvert(parseConvertOptions(raw)));
}

async function runConvert(options: ConvertOptions): Promise<void> {
  const contents = await readSource(options.from);
  requireWritable(options.out, '--out');
  const described = {
    ...(options.card !== undefined && { card: await readCard(options.card) }),
    ...(options.classesTable !== undefined && { classTable: await readClassTable(options.classesTable) }),
  };
  const prepared = await prepareModel(contents, options.from, {
    arrays: options.averages ? 'averages' : 'last',
    // The chips have a mean over all places, and no room for a head over them.
    exactMean: options.target === 'cpu',
    ...(options.ghost && { ghost: options.ghost }),
    ...(options.normalisation && { normalisation: options.normalisation }),
    ...(options.size && { side: options.size }),
    ...(options.output && { output: options.output }),
  });
  for (const remark of prepared.imported.notes) note(printable(remark));
  if (options.calibration !== undefined) await refuseUnmappable(prepared, options);
  const loaded = await calibrationOf(options, prepared);
  const activations = loaded && (await activationsFor(prepared, loaded));
  try {
    const observed = loaded && activations && { ...loaded, activations };
    const model = await converted(options, contents, prepared, observed, described);
    await judgeAndWrite(options, prepared, model, observed);
  } finally {
    await activations?.close();
  }
}

function activationsFor({ folded }: PreparedModel, { calibration: { images }, judged }: LoadedImages) {
  return openActivations(folded, images[0], PASSES * images.length + judged.images.length, note);
}

type Observed = LoadedImages & { readonly activations: Activations };

async function judgeAndWrite(
  options: ConvertOptions,
  prepared: PreparedModel,
  model: ModelContents,
  observed: Observed | null,
): Promise<void> {
  requireTarget(model.manifest, options.target, options.allowHost);
  const agreement = observed && (await judged(prepared, model, observed));
  if (agreement !== null) requireAgreement(agreement, options.acceptAgreement ?? LEAST_AGREEMENT);
  const lost = await lostProgramsOf(options.out);
  const bundle = await writeModel(options.out, model);
  if (lost !== null) note(lost);
  if (bundle.assumedClasses) note(assumed(bundle.graph.classes));
  const { folded, stated } = prepared;
  const fileScales = stated && fileScalesOf(folded, bundle.graph, stated);
  const summary = summaryOf(bundle, options, agreement, fileScales);
  if (options.json) printJson(summary);
  else printSummary(summary);
}

async function converted(
  options: ConvertOptions,
  contents: Uint8Array,
  prepared: PreparedModel,
  observed: Observed | null,
  described: Pick<ConversionOptions, 'card' | 'classTable'>,
): Promise<ModelContents> {
  const calibration = observed?.calibration ?? null;
  if (observed !== null) await requireDependence(prepared, observed.calibration.images, observed.activations);
  const progress = calibration && startProgress('Calibrating', PASSES * calibration.images.length);
  return convert(prepared, contents, calibration, {
    name: options.name,
    version: options.versionLabel,
    sourceName: path.basename(options.from),
    scheme: options.perTensor ? 'per-tensor' : 'per-channel',
    precision: options.precision,
    target: options.target,
    ...(options.classes && { classes: options.classes }),
    ...described,
    ...(observed && { activations: observed.activations }),
    golden: goldenOf,
    advance: () => progress?.advance(),
    tell: note,
  }).finally(() => progress?.stop());
}

/** Null where training settled every scale, and where none were given. @throws UsageError `TRAINED_QUANTISED` */
async function calibrationOf(
  { calibration: folder, quantising, ...options }: ConvertOptions,
  { imported, folded }: PreparedModel,
): Promise<LoadedImages | null> {
  if (imported.quantisation === null) {
    return folder === undefined ? null : loadCalibration(folder, options, folded.inputShape);
  }
  if (quantising.length > 0) {
    throw new UsageError('TRAINED_QUANTISED', 'This network is quantised already; its scales are settled', {
      file: options.from,
      field: quantising.join(', '),
      remedy: 'leave these options out',
    });
  }
  const origin =
    imported.format === 'checkpoint'
      ? 'the checkpoint brings the scales of its training'
      : 'the file brings its scales';
  if (folder !== undefined) note(`${folder} is not read: ${origin}`);
  return null;
}

async function judged(
  { folded }: PreparedModel,
  model: ModelContents,
  { judged: images, activations }: Observed,
): Promise<Agreement> {
  const progress = startProgress('Comparing with the float network', images.images.length);
  try {
    return await measureModelAgreement(folded, model, images, activations, () => progress.advance());
  } finally {
    progress.stop();
  }
}

function assumed(classes: readonly string[]): string {
  const names = printable(classes.join(', '));
  return `The names of the classes are assumed, in the order of the outputs: ${names}. Confirm or correct them with --classes.`;
}
