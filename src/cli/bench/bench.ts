import { existsSync } from 'node:fs';
import path from 'node:path';
import { Command } from 'commander';
import { z } from 'zod';
import { BACKEND_NAMES, type BackendName } from '../../backend-names.ts';
import { timeBackend } from '../../bench/backend.ts';
import { measureColdStart } from '../../bench/cold-start.ts';
import type { BenchDocument } from '../../bench/document.ts';
import type { GraphTiming } from '../../bench/graph.ts';
import { measureLayers } from '../../bench/layers.ts';
import { measureLimits } from '../../bench/limits.ts';
import { thisMachine } from '../../bench/machine.ts';
import { measureNodeSide } from '../../bench/node-side.ts';
import { benchPage } from '../../bench/report/report.ts';
import { imagesOf, phantomImages, type StageImages, timeStages } from '../../bench/stages.ts';
import { listImages } from '../../capture/images.ts';
import { UsageError } from '../../errors.ts';
import { energyOfInference } from '../../evaluation/energy/of-inference.ts';
import { identityOf } from '../../model/bundle/bundle.ts';
import { readBundle } from '../../model/bundle/read.ts';
import { writePage } from '../../report/page.ts';
import { isPlayed } from '../../runtime/engine/card/played.ts';
import { openModel } from '../../runtime/engine/open-model.ts';
import { DEFAULT_MODEL, modelFile, shippedModels } from '../../runtime/engine/shipped-models.ts';
import { print, printJson } from '../../ui/terminal/console.ts';
import {
  modelOption,
  modelSchema,
  parseOptions,
  positiveInteger,
  positiveIntegers,
} from '../shared/options.ts';
import { requireWritable } from '../shared/output.ts';
import { Absences } from './absences.ts';
import { bundlePeers } from './peers.ts';
import { networksOption, raceBundle, raceNetworks } from './races.ts';
import { SUITES } from './suites/suites.ts';
import { backendLines, benchLines } from './text.ts';

const STAGE_ROUNDS = 5;

const optionsSchema = z.object({
  model: modelSchema.optional(),
  float: z.string().optional(),
  batch: z.array(z.number()),
  threads: z.array(z.number()),
  iterations: z.number(),
  networks: z.union([z.literal(true), z.string()]).optional(),
  backend: z.enum(BACKEND_NAMES).optional(),
  images: z.string().optional(),
  report: z.string().optional(),
  json: z.boolean().default(false),
});
type Options = z.infer<typeof optionsSchema>;

/** `spikescope bench`: the engine against its peers and against the machine's limits, in one run. */
export function benchCommand(): Command {
  const command = new Command('bench')
    .description(
      'Time the engine against other runtimes on the same graph, its layers against the machine’s limits, and the stages of classification',
    )
    .addOption(modelOption())
    .option(
      '--float <model>',
      'float model of the same graph, ONNX or checkpoint (default: the checkpoint beside the bundle, if there is one)',
    )
    .option('--batch <sizes>', 'images per call, between commas', positiveIntegers, [1, 32])
    .option('--threads <numbers>', 'threads per call, between commas', positiveIntegers, [1, 2])
    .option('--iterations <calls>', 'timed calls of each candidate', positiveInteger, 300)
    .option(
      '--networks [names]',
      'also networks with random weights: mobilenet-v2@64,resnet-18@224,… (default: all three at 64 and 224)',
    )
    .option(
      '--backend <name>',
      `time this backend alone, of ${BACKEND_NAMES.join(', ')}: latency as the appliance sees it`,
    )
    .option('--images <folder>', 'images for the stages (default: generated phantoms)')
    .option('--report <file>', 'HTML page with bars and a roofline')
    .option('--json', 'one JSON document on stdout')
    .allowExcessArguments()
    .action((rawOptions: unknown) => {
      const [unknownSuite] = command.args;
      if (unknownSuite !== undefined) throw noSuchSuite(unknownSuite, command);
      return run(parseOptions(optionsSchema, rawOptions));
    });
  // Else options that both have, such as --json, would be taken for the engine's own suite.
  command.enablePositionalOptions();
  for (const suite of SUITES) command.addCommand(suite());
  return command;
}

function noSuchSuite(name: string, command: Command): UsageError {
  return new UsageError('BENCH_SUITE', 'There is no such suite', {
    expected: command.commands.map((suite) => suite.name()).join(', '),
    received: name,
    remedy: 'name one of these, or none for the engine’s own',
  });
}

async function run(options: Options): Promise<void> {
  if (options.backend !== undefined) return runBackend(options, options.backend);
  const networks = networksOption(options.networks);
  const { model = DEFAULT_MODEL } = options;
  const float = floatModel(options.float, model);
  if (options.report !== undefined) requireWritable(options.report, '--report');
  const images = await stageImages(options.images);
  const absences = new Absences();
  const { bundle, engine } = await openModel(model, { backend: 'cpu' });
  try {
    const limits = measureLimits();
    const peers = await bundlePeers(bundle, float, absences);
    const results = await raceBundle(bundle, options, peers, absences);
    const { instructionSet } = engine;
    const others = options.model === undefined ? await raceOtherBundles(model, options, absences) : [];
    const raced = await raceNetworks(networks, limits, instructionSet, absences);
    const document: BenchDocument = {
      machine: thisMachine(),
      model: identityOf(bundle),
      results: [...results, ...others, ...raced.results],
      limits,
      layers: [await measureLayers(bundle.name, bundle.graph, limits, { instructionSet }), ...raced.layers],
      node: await measureNodeSide(),
      start: await absences.unless('start', () => measureColdStart(model)),
      stages: await timeStages(bundle, engine, images, options.images === undefined ? STAGE_ROUNDS : 1),
      energy: await energyOfInference(engine, bundle.golden[0].input),
      absent: absences.reasons,
    };
    if (options.report !== undefined) {
      await writePage(options.report, await benchPage(document, new Date().toISOString()));
    }
    if (options.json) printJson(document);
    else for (const line of benchLines(document)) print(line);
  } finally {
    await engine.close();
  }
}

async function runBackend(options: Options, backend: BackendName): Promise<void> {
  const { bundle, engine } = await openModel(options.model, { backend });
  try {
    const document = await timeBackend(bundle, engine, { ...options, isPlayed: isPlayed() });
    if (options.json) printJson(document);
    else for (const line of backendLines(document)) print(line);
  } finally {
    await engine.close();
  }
}

/** As told, else the one that lies beside the bundle. */
function floatModel(float: string | undefined, model: string): string | null {
  if (float !== undefined && !existsSync(float)) {
    throw new UsageError('FLOAT_MODEL', 'The float model is not there', { file: float, field: '--float' });
  }
  const beside = model.replace(/\.spikescope$/, '.checkpoint');
  return float ?? (beside !== model && existsSync(beside) ? beside : null);
}

/** The other bundles that ship, one image at a time on one thread: what a choice among them costs. */
async function raceOtherBundles(
  chosen: string,
  options: Options,
  absences: Absences,
): Promise<GraphTiming[]> {
  const results: GraphTiming[] = [];
  for (const file of shippedModels().map((name) => modelFile(name))) {
    if (file === chosen) continue;
    const bundle = await readBundle(file);
    const peers = await bundlePeers(bundle, floatModel(undefined, file), absences);
    results.push(...(await raceBundle(bundle, { ...options, batch: [1], threads: [1] }, peers, absences)));
  }
  return results;
}

async function stageImages(folder: string | undefined): Promise<StageImages> {
  if (folder === undefined) return phantomImages();
  const listing = await listImages(folder).catch((cause: unknown) => {
    throw new UsageError('FOLDER_UNREADABLE', 'The folder cannot be listed', {
      file: folder,
      field: '--images',
      cause,
    });
  });
  if (listing.images.length === 0) {
    throw new UsageError('NO_IMAGES', 'There are no images in the folder', {
      file: folder,
      field: '--images',
    });
  }
  return imagesOf(listing.images, path.basename(path.resolve(folder)));
}
