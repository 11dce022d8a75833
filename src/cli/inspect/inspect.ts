import { Command } from 'commander';
import { z } from 'zod';
import { UsageError } from '../../errors.ts';
import { cardReport } from '../../runtime/engine/card/report.ts';
import { openModel } from '../../runtime/engine/open-model.ts';
import { DEFAULT_MODEL } from '../../runtime/engine/shipped-models.ts';
import { note, print, printJson } from '../../ui/terminal/console.ts';
import {
  optionName,
  parseOptions,
  positiveInteger,
  positiveIntegers,
  shippedNames,
  splitOption,
  splitSchema,
} from '../shared/options.ts';
import { documentOf } from './document.ts';
import { printInspection } from './text.ts';

/** Of `--activity`, and of no other use. */
const activitySchema = z.object({
  images: z.string().optional(),
  dataset: z.string().optional(),
  split: splitSchema,
  splitFile: z.string().optional(),
  limit: z.number(),
  windows: z.array(z.number()),
  html: z.union([z.string(), z.literal(false)]).optional(),
});
const optionsSchema = activitySchema.extend({
  activity: z.boolean().default(false),
  json: z.boolean().default(false),
});

/** `spikescope inspect`: what is in a bundle, after its golden inputs were reproduced on this machine's engine. */
export function inspectCommand(): Command {
  return new Command('inspect')
    .description(
      'Show what is in a bundle: layers, placement, sizes, readout, card; with --activity how it spikes',
    )
    .argument('[bundle]', `model bundle, or one that ships: ${shippedNames()}`)
    .option('--activity', 'simulate it as spiking neurons: events per layer, and what fewer steps give')
    .option('--images <folder>', 'with --activity: images to simulate (default: generated phantoms)')
    .option('--dataset <folder>', 'with --activity: images with labels, in HAM10000’s layout')
    .addOption(splitOption('val'))
    .option(
      '--split-file <csv>',
      'which image belongs to which split (default: split_lesion.csv in the data set)',
    )
    .option('--limit <images>', 'with --activity: simulate this many images', positiveInteger, 12)
    .option(
      '--windows <steps>',
      'with --activity: numbers of steps, divisors of 255, between commas',
      positiveIntegers,
      [1, 3, 15, 255],
    )
    .option('--html <file>', 'with --activity: where the report goes (default: reports/activity.html)')
    .option('--no-html', 'write no report')
    .option('--json', 'one JSON document on stdout')
    .action(async (file: string = DEFAULT_MODEL, rawOptions: unknown, command: Command) => {
      const options = parseOptions(optionsSchema, rawOptions);
      if (!options.activity) requireNone(command);
      await inspect(file, options);
    });
}

async function inspect(file: string, options: z.infer<typeof optionsSchema>): Promise<void> {
  const { bundle, engine } = await openModel(file, { onRemark: note });
  try {
    const document = documentOf(file, bundle, engine, await cardReport());
    if (!options.activity) {
      if (options.json) printJson(document);
      else printInspection(document);
      return;
    }
    // Loaded on demand: a device that looks into a bundle simulates nothing.
    const { inspectActivity } = await import('./activity.ts');
    const { activityLines } = await import('./activity-text.ts');
    const activity = await inspectActivity(bundle, engine, options);
    if (options.json) printJson({ ...document, activity });
    else for (const line of activityLines(activity)) print(line);
  } finally {
    await engine.close();
  }
}

/** @throws UsageError `OPTION` for an option that only `--activity` heeds */
function requireNone(command: Command): void {
  const given = Object.keys(activitySchema.shape).find(
    (name) => command.getOptionValueSource(name) === 'cli',
  );
  if (given === undefined) return;
  throw new UsageError('OPTION', 'This option belongs to --activity', {
    field: optionName(given),
    remedy: 'add --activity',
  });
}
