import path from 'node:path';
import { Command, Option } from 'commander';
import { z } from 'zod';
import { ABLATION_FILES, runAblation } from '../../training/ablation/ablation.ts';
import { ABLATION } from '../../training/ablation/rows.ts';
import { ablationMarkdown } from '../../training/ablation/table.ts';
import { useBackend } from '../../training/backend/backend.ts';
import { note, print, printJson } from '../../ui/terminal/console.ts';
import { parseOptions, positiveInteger } from '../shared/options.ts';
import { makeOutputFolder } from '../shared/output.ts';
import { cacheOption, classesOption, splitFileOption, trainingImagesSchema } from '../train/options.ts';
import { backendNote, trainingProgress } from '../train/progress.ts';

const AFTER_HELP = `
Trains QANA's Table IV row by row: baseline, + ghost blocks, + SA-ECA, + SE, + augmentation and quantised head, + SMOTE;
and, as a control, the last one without synthetic vectors. Every row has the same epochs, seed and images, and is
measured in integers. The folder of --out takes a folder per row, and ${Object.values(ABLATION_FILES).join(', ')}, rewritten after
every row. A run that was killed goes on with the same options.

Exit codes: 0 done, 1 failed, 2 wrong usage, 3 refused.`;

const optionsSchema = trainingImagesSchema.extend({
  out: z.string(),
  epochs: z.number().max(10_000),
  inputSize: z.number().multipleOf(16, 'give a multiple of 16').max(1024),
  seed: z.number().max(2 ** 32 - 1),
  rows: z.array(z.string()).default(ABLATION.map(({ id }) => id)),
  backend: z.enum(['torch', 'tfjs-node', 'cpu']).optional(),
  json: z.boolean().default(false),
});
type Options = z.infer<typeof optionsSchema>;

/** `spikescope ablation`: what each part of QANA brings. */
export function ablationCommand(): Command {
  return new Command('ablation')
    .description('Train QANA part by part with equal budgets, and say what each part brings')
    .requiredOption(
      '--dataset <folder>',
      'images in any nesting, with a metadata CSV (image_id, dx, lesion_id)',
    )
    .requiredOption('--out <folder>', 'where rows and reports go')
    .addOption(splitFileOption())
    .addOption(cacheOption())
    .addOption(classesOption())
    .option(
      '--epochs <number>',
      'epochs of every row in float, from small images to large',
      positiveInteger,
      12,
    )
    .option('--input-size <pixels>', 'side of the network’s images, a multiple of 16', positiveInteger, 64)
    .option('--seed <number>', 'everything random follows from it', positiveInteger, 1)
    .addOption(new Option('--rows <names...>', 'only these rows').choices(ABLATION.map(({ id }) => id)))
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

async function run({
  dataset,
  splitFile,
  classes,
  cache,
  out,
  epochs,
  inputSize,
  seed,
  rows,
  ...options
}: Options): Promise<void> {
  makeOutputFolder(cache, '--cache');
  makeOutputFolder(out, '--out');
  const backend = await useBackend(options.backend);
  note(backendNote(backend));
  const progress = trainingProgress();
  try {
    const images = { dataset, classes, cacheFolder: cache, seed, ...(splitFile && { splitFile }) };
    const document = await runAblation(
      { images, folder: out, epochs, inputSize, rows, backend },
      {
        onRow: ({ title }, state) => note(`${title}: ${state === 'kept' ? 'finished before' : 'done'}`),
        progress,
      },
    );
    if (options.json) printJson(document);
    else print(ablationMarkdown(document));
    note(`Report: ${path.join(out, ABLATION_FILES.page)}`);
  } finally {
    progress.stop();
  }
}
