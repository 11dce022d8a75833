import { stat } from 'node:fs/promises';
import os from 'node:os';
import { Command } from 'commander';
import pLimit from 'p-limit';
import { z } from 'zod';
import { listImages } from '../../capture/images.ts';
import { EXIT, RefusedError, UsageError } from '../../errors.ts';
import { classTableOf } from '../../model/bundle/class-table.ts';
import { openModel } from '../../runtime/engine/open-model.ts';
import { type Classifier, createClassifier } from '../../runtime/inference/classifier.ts';
import { note, print, printJson, startProgress } from '../../ui/terminal/console.ts';
import { modelOption, modelSchema } from '../shared/options.ts';
import { lineOf } from './line.ts';
import { documentOf, isAccepted, type Outcome } from './outcome.ts';

const optionsSchema = z.object({
  model: modelSchema.optional(),
  crop: z.boolean().optional(),
  tiling: z.boolean().optional(),
  json: z.boolean().default(false),
  concurrency: z.coerce.number().int().min(1).max(256).optional(),
});
type Options = z.infer<typeof optionsSchema>;

/** `spikescope classify`: images or folders, one reading each. */
export function classifyCommand(): Command {
  return new Command('classify')
    .description('Read images, or every image of folders, and print one reading each')
    .argument('[paths...]', 'image files and folders')
    .addOption(modelOption())
    .option('--crop', 'crop to the salient square (default: as the bundle says)')
    .option('--no-crop', 'read the centred square')
    .option('--tiling', 'read uncertain images again in four tiles (default: as the bundle says)')
    .option('--no-tiling', 'read every image once')
    .option('--concurrency <images>', 'images at work at a time (default: twice the number of cores)')
    .option('--json', 'one JSON line per image on stdout')
    .action(async (paths: string[], rawOptions: unknown) => {
      const exitCode = await classify(paths, parseOptions(rawOptions));
      if (exitCode !== EXIT.done) process.exitCode = exitCode;
    });
}

function parseOptions(rawOptions: unknown): Options {
  const parsed = optionsSchema.safeParse(rawOptions);
  if (parsed.success) return parsed.data;
  throw new UsageError('OPTION_VALUE', 'An option has a value that it cannot have', {
    field: '--concurrency',
    expected: 'a whole number from 1 to 256',
  });
}

async function classify(paths: readonly string[], options: Options): Promise<number> {
  if (paths.length === 0) {
    throw new UsageError('NO_IMAGES', 'Nothing to classify', { expected: 'paths of images or folders' });
  }
  const items = (await Promise.all(paths.map(expand))).flat();
  if (items.length === 0) {
    throw new UsageError('NO_IMAGES', 'There are no images in the folders given', {
      received: paths.join(', '),
      expected: 'files that end in .jpg, .png, .webp, .tif, .bmp or .avif, at any depth',
    });
  }
  const { bundle, engine } = await openModel(options.model, { onRemark: note });
  try {
    const classifier = createClassifier(bundle, engine, {
      ...(options.crop !== undefined && { crop: options.crop }),
      ...(options.tiling !== undefined && { tiling: options.tiling }),
    });
    const table = classTableOf(bundle);
    const outcomes = readAll(items, classifier, options.concurrency ?? 2 * os.availableParallelism());
    return await show(items.length, outcomes, (outcome) => {
      if (options.json) printJson(documentOf(outcome, classifier, engine.backend));
      else print(lineOf(outcome, table));
    });
  } finally {
    await engine.close();
  }
}

/** An image to read, or a place that cannot be looked into. */
type Item = { readonly path: string; readonly refusal: RefusedError | null };

async function expand(given: string): Promise<Item[]> {
  const isFolder = await stat(given).then(
    (status) => status.isDirectory(),
    () => false,
  );
  if (!isFolder) return [{ path: given, refusal: null }];
  try {
    const { images, unreadable } = await listImages(given);
    return [
      ...unreadable.map((folder) => ({ path: folder, refusal: unreadableFolder(folder) })),
      ...images.map((image) => ({ path: image, refusal: null })),
    ];
  } catch (cause) {
    return [{ path: given, refusal: unreadableFolder(given, cause) }];
  }
}

function unreadableFolder(folder: string, cause?: unknown): RefusedError {
  return new RefusedError('FOLDER_UNREADABLE', 'The folder cannot be listed', { file: folder, cause });
}

/** What became of an item, or the error that ends the run. */
type Settled = { readonly outcome: Outcome } | { readonly failure: unknown };

/** Reads `concurrency` images at a time and yields them in the order given. */
async function* readAll(
  items: readonly Item[],
  classifier: Classifier,
  concurrency: number,
): AsyncGenerator<Outcome> {
  const limit = pLimit(concurrency);
  const pending = items.map((item) => limit(() => settle(item, classifier)));
  try {
    for (const settled of pending) {
      const result = await settled;
      if ('failure' in result) throw result.failure;
      yield result.outcome;
    }
  } finally {
    limit.clearQueue();
  }
}

async function settle({ path, refusal }: Item, classifier: Classifier): Promise<Settled> {
  try {
    if (refusal !== null) throw refusal;
    const { reading } = await classifier.classify(path);
    return { outcome: { path, reading } };
  } catch (error) {
    return error instanceof RefusedError ? { outcome: { path, refusal: error } } : { failure: error };
  }
}

/** Prints every outcome, shows progress, sums up. */
async function show(
  total: number,
  outcomes: AsyncIterable<Outcome>,
  printOutcome: (outcome: Outcome) => void,
): Promise<number> {
  const started = performance.now();
  const progress = total > 1 ? startProgress('classify', total) : null;
  let turnedBack = 0;
  try {
    for await (const outcome of outcomes) {
      if (!isAccepted(outcome)) turnedBack++;
      printOutcome(outcome);
      progress?.advance();
    }
  } finally {
    progress?.stop();
  }
  if (progress !== null) {
    const seconds = (performance.now() - started) / 1000;
    note(
      `${total} images in ${seconds.toFixed(1)} s (${(total / seconds).toFixed(1)} per second): ${total - turnedBack} read, ${turnedBack} to be retaken or refused`,
    );
  }
  return turnedBack === 0 ? EXIT.done : EXIT.refused;
}
