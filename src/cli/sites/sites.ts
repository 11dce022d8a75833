import path from 'node:path';
import { Command, Option } from 'commander';
import { z } from 'zod';
import { loadDataset } from '../../dataset/dataset.ts';
import { readCheckpoint } from '../../model/checkpoint/file.ts';
import { markdownTable } from '../../report/table.ts';
import { useBackend } from '../../training/backend/backend.ts';
import { compareSites, SITES_FILES } from '../../training/sites/sites.ts';
import { sitesTable } from '../../training/sites/table.ts';
import { sitesOf } from '../../training/sites/without.ts';
import { note, print, printJson } from '../../ui/terminal/console.ts';
import { parseOptions, positiveInteger, positiveNumber } from '../shared/options.ts';
import { makeOutputFolder } from '../shared/output.ts';
import {
  cacheOption,
  classesOption,
  recipeFrom,
  splitFileOption,
  trainingImagesSchema,
} from '../train/options.ts';
import { backendNote, trainingProgress } from '../train/progress.ts';

const AFTER_HELP = `
Trains one network on all acquisition sites and one without each, calibrates each without that site too, triage included,
and reads the site's images with both: what a camera costs that nobody has seen. Sites are told apart by the metadata's
column dataset. The folder of --out takes a folder per network, and ${Object.values(SITES_FILES).join(' and ')}, rewritten after every site. A run
that was killed goes on with the same options.

Exit codes: 0 done, 1 failed, 2 wrong usage, 3 refused.`;

const optionsSchema = trainingImagesSchema.extend({
  out: z.string(),
  recipe: z.string().default('qana'),
  initial: z.string().optional(),
  epochs: z.number().optional(),
  batch: z.number().optional(),
  learningRate: z.number().optional(),
  measure: z.enum(['val', 'test']),
  sites: z.array(z.string()).optional(),
  seed: z.number().max(2 ** 32 - 1),
  backend: z.enum(['torch', 'tfjs-node', 'cpu']).optional(),
  json: z.boolean().default(false),
});
type Options = z.infer<typeof optionsSchema>;

/** `spikescope sites`: every acquisition site left out in turn. */
export function sitesCommand(): Command {
  return new Command('sites')
    .description(
      'Leave each acquisition site out of training, calibration and threshold, and say what that costs',
    )
    .requiredOption(
      '--dataset <folder>',
      'images in any nesting, with a metadata CSV (image_id, dx, lesion_id, dataset)',
    )
    .requiredOption('--out <folder>', 'where networks and tables go')
    .addOption(splitFileOption())
    .addOption(cacheOption())
    .addOption(classesOption())
    .option(
      '--recipe <file>',
      'recipe in JSON, or the name of one that ships; its float stage is what runs',
      'qana',
    )
    .option('--initial <checkpoint>', 'start from this float network; it must not have seen the sites')
    .option('--epochs <number>', 'epochs, all at the network’s own image size', positiveInteger)
    .option('--batch <images>', 'images per step', positiveInteger)
    .option('--learning-rate <rate>', 'peak learning rate', positiveNumber)
    .addOption(
      new Option('--measure <split>', 'images on which left out is compared with kept in')
        .choices(['val', 'test'])
        .default('val'),
    )
    .option('--sites <names...>', 'only these sites')
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
  const { dataset, splitFile, classes, cache, out, seed, measure, sites } = options;
  const recipe = await recipeFrom({ ...options, quantise: false });
  // Read again where it is needed: what is wrong with it is said before anything is set up.
  sitesOf(await loadDataset(dataset, classes, splitFile));
  makeOutputFolder(cache, '--cache');
  makeOutputFolder(out, '--out');
  const backend = await useBackend(options.backend);
  note(backendNote(backend));
  const initial = options.initial === undefined ? null : await readCheckpoint(options.initial);
  const progress = trainingProgress();
  try {
    const document = await compareSites({
      images: { dataset, classes, cacheFolder: cache, seed, ...(splitFile && { splitFile }) },
      folder: out,
      recipe,
      initial,
      measured: measure,
      ...(sites && { sites }),
      onNetwork: (site) => note(site === null ? 'With all sites' : `Without ${site}`),
      progress,
    });
    if (options.json) printJson(document);
    else print(markdownTable(sitesTable(document)));
    note(`Tables: ${path.join(out, SITES_FILES.markdown)}`);
  } finally {
    progress.stop();
  }
}
