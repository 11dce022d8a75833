import { Argument, type Command, Option } from 'commander';
import { z } from 'zod';
import { type ClinicReport, LABELLERS, measureClinics } from '../../../bench/learning/clinic.ts';
import { measureOnChip } from '../../../bench/learning/on-chip.ts';
import { ARMS, measureStreams, prepareStreams, type StreamReport } from '../../../bench/learning/streams.ts';
import { compilerPython } from '../../../conversion/akida1/python.ts';
import { SpikescopeError, UsageError } from '../../../errors.ts';
import { openModel } from '../../../runtime/engine/open-model.ts';
import { note, print, printJson } from '../../../ui/terminal/console.ts';
import {
  defaultCache,
  modelOption,
  modelSchema,
  parseOptions,
  positiveInteger,
} from '../../shared/options.ts';
import { jsonSchema, suiteCommand } from './suite.ts';

const optionsSchema = jsonSchema.extend({
  dataset: z.string(),
  out: z.string().optional(),
  model: modelSchema.optional(),
  site: z.string(),
  class: z.string(),
  wrong: z.coerce.number('a share, 0 to 1').min(0).max(1),
  alternatives: z.boolean().default(false),
  base: z.number(),
});
type Options = z.infer<typeof optionsSchema>;

const stepSchema = z.enum(['prepare', ...ARMS, 'clinic', 'chip']);

/**
 * `prepare` writes data sets to train on; `site` and `class` measure a network that was trained on them, `clinic` any
 * network that has not seen the validation split; `chip` has a class taken from a head learned anew, also by the rule of the
 * chip in the vendor's simulator.
 */
export function learningCommand(): Command {
  return suiteCommand(
    'learning',
    'What a device learns of a new site or class, one labelled lesion at a time',
  )
    .addArgument(
      new Argument('<step>', 'prepare, then site or class; or clinic; or chip').choices(stepSchema.options),
    )
    .requiredOption('--dataset <folder>', 'HAM10000 with its metadata and split_lesion.csv')
    .option('--out <folder>', 'prepare: where the data sets without the site and the class go')
    .addOption(modelOption('site, class: a bundle trained without it; clinic: any'))
    .option('--site <name>', 'the acquisition site that is new', 'rosendahl')
    .option('--class <name>', 'the class that is new', 'vasc')
    .addOption(new Option('--wrong <share>', 'share of labels that are wrong').default(0))
    .option('--alternatives', 'other methods too, and the head fitted again on everything')
    .option('--base <images>', 'chip: training images that other methods learn first', positiveInteger, 1500)
    .action(async (rawStep: unknown, rawOptions: unknown) => {
      const options = parseOptions(optionsSchema, rawOptions);
      const step = stepSchema.parse(rawStep);
      if (step === 'prepare') prepare(options);
      else if (step === 'clinic') await clinic(options);
      else if (step === 'chip') await chip(options);
      else await measure(step, options);
    });
}

function prepare({ dataset, out, site, class: unseenClass }: Options): void {
  if (out === undefined) throw new UsageError('OPTION', 'Say where to', { field: '--out' });
  for (const line of prepareStreams(dataset, out, site, unseenClass)) print(line);
}

async function measure(arm: (typeof ARMS)[number], options: Options): Promise<void> {
  const { model: file, dataset, wrong, alternatives, json } = options;
  if (file === undefined) throw new UsageError('OPTION', 'Say which bundle', { field: '--model' });
  const model = await openModel(file);
  try {
    const unseen = options[arm];
    const report = await measureStreams(model, { dataset, arm, unseen, wrong, alternatives, note });
    if (json) printJson(report);
    else show(report);
  } finally {
    await model.engine.close();
  }
}

async function chip({ model: file, dataset, class: unseen, base, json }: Options): Promise<void> {
  const model = await openModel(file, { backend: 'cpu' });
  try {
    const python = await simulatorOrNull();
    const report = await measureOnChip(model, { dataset, unseen, base, python, note });
    if (json) printJson(report);
    else show(report, 'validation');
  } finally {
    await model.engine.close();
  }
}

/** The vendor's simulator; where it cannot be had, its arm is skipped, which is said. */
async function simulatorOrNull(): Promise<string | null> {
  try {
    return await compilerPython(defaultCache());
  } catch (error) {
    if (!(error instanceof SpikescopeError)) throw error;
    note(`skipped: AkidaUnsupervised, simulated (${error.describe()})`);
    return null;
  }
}

async function clinic({ model: file, dataset, json }: Options): Promise<void> {
  const model = await openModel(file);
  try {
    const report = await measureClinics(model, { dataset, note });
    if (json) printJson(report);
    else showClinics(report);
  } finally {
    await model.engine.close();
  }
}

function showClinics({ lesions, cases, clinics }: ClinicReport): void {
  print(
    `first ${cases} cases of a clinic, drawn from ${lesions} validation lesions that the bundle does not hold`,
  );
  for (const labeller of LABELLERS) {
    const runs = clinics[labeller];
    const kept = runs.map((run) => run.kept).join(', ');
    const longest = Math.max(...runs.map((run) => run.longestRefusal));
    const within = runs.every((run) => run.withinGate) ? 'yes' : 'NO';
    print(
      `labels ${labeller.padEnd(10)} kept ${kept}; at most ${longest} turned down in a row; always within the gate: ${within}`,
    );
  }
}

function show({ images, results, kept, withinGate }: StreamReport, split = 'test'): void {
  print(`balanced accuracy on ${images.new} new and ${images.others} other ${split} images`);
  for (const [method, rows] of Object.entries(results)) {
    for (const { cases, figures } of rows) {
      for (const [figure, { before, after, lowest, highest }] of Object.entries(figures)) {
        const change = `${after >= before ? '+' : '−'}${Math.abs(after - before).toFixed(1)}`;
        const cells = [
          method.padEnd(26),
          `${cases} cases`.padStart(10),
          figure.padEnd(10),
          `${before.toFixed(1).padStart(5)} → ${after.toFixed(1).padStart(5)} %`,
          `(${change}; ${lowest.toFixed(1)} … ${highest.toFixed(1)})`,
        ];
        print(cells.join('  '));
      }
    }
  }
  print(
    `updates kept: ${kept.join(', ')}; hold-out set always within the gate: ${withinGate ? 'yes' : 'NO'}`,
  );
}
