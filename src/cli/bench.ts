import { existsSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { Command } from 'commander';
import { z } from 'zod';
import { listImages } from '../capture/images.ts';
import { exportQdq } from '../conversion/export/qdq.ts';
import { SpikescopeError, UsageError } from '../errors.ts';
import type { BenchDocument } from '../evaluation/bench/document.ts';
import {
  FLOAT_PEER,
  type GraphTiming,
  INTEGER_PEER,
  type Peers,
  timeGraph,
} from '../evaluation/bench/graph.ts';
import { thisMachine } from '../evaluation/bench/machine.ts';
import { imagesOf, phantomImages, type StageImages, timeStages } from '../evaluation/bench/stages.ts';
import { energyOfInference } from '../evaluation/energy/of-inference.ts';
import { loadOnnxruntime } from '../evaluation/float-model.ts';
import { identityOf, type ModelBundle } from '../model/bundle/bundle.ts';
import { openModel } from '../runtime/open-model.ts';
import { note, print, printJson, startProgress } from './console.ts';
import { benchLines } from './workstation/bench-text.ts';
import { parseOptions, positiveInteger, positiveIntegers } from './workstation/options.ts';

/** Where the project's own float model lies on a development machine. */
const USUAL_FLOAT = fileURLToPath(new URL('../../../shared/models/qana64-float.onnx', import.meta.url));
const STAGE_ROUNDS = 5;

const optionsSchema = z.object({
  model: z.string().optional(),
  float: z.string().optional(),
  batch: z.array(z.number()),
  threads: z.array(z.number()),
  iterations: z.number(),
  images: z.string().optional(),
  json: z.boolean().default(false),
});
type Options = z.infer<typeof optionsSchema>;

/** `spikescope bench`: the engine against its peers in one run, and the stages of classification. */
export function benchCommand(): Command {
  return new Command('bench')
    .description(
      'Time the engine against onnxruntime on the same graph, in int8 and in float, and the stages of classification',
    )
    .option('--model <bundle>', 'model bundle (default: the one that ships in models/)')
    .option(
      '--float <model>',
      'float model of the same graph, ONNX or checkpoint (default: the one of the shipped bundle, if it lies here)',
    )
    .option('--batch <sizes>', 'images per call, between commas', positiveIntegers, [1, 32])
    .option('--threads <numbers>', 'threads per call, between commas', positiveIntegers, [1, 2])
    .option('--iterations <calls>', 'timed calls of each contestant', positiveInteger, 300)
    .option('--images <folder>', 'images for the stages (default: generated phantoms)')
    .option('--json', 'one JSON document on stdout')
    .action((rawOptions: unknown) => run(parseOptions(optionsSchema, rawOptions)));
}

async function run(options: Options): Promise<void> {
  const { bundle, engine } = await openModel(options.model);
  try {
    const images = await stageImages(options.images);
    const { peers, absent } = await findPeers(options, bundle);
    const results = await timeGraphs(bundle, options, peers);
    const stages = await timeStages(bundle, engine, images, options.images === undefined ? STAGE_ROUNDS : 1);
    const document: BenchDocument = {
      machine: thisMachine(),
      model: identityOf(bundle),
      results,
      stages,
      energy: await energyOfInference(engine, bundle.golden[0].input),
      absent,
    };
    if (options.json) printJson(document);
    else for (const line of benchLines(document)) print(line);
  } finally {
    await engine.close();
  }
}

interface FoundPeers {
  readonly peers: Peers;
  /** Peers that cannot be timed, and why. */
  readonly absent: Readonly<Record<string, string>>;
}

/** The bundle's own integers as QDQ, and the float graph: as told, else the usual one for the shipped bundle. */
async function findPeers({ model, float }: Options, bundle: ModelBundle): Promise<FoundPeers> {
  const floatFile = float ?? (model === undefined ? USUAL_FLOAT : undefined);
  if (float !== undefined && !existsSync(float)) {
    throw new UsageError('FLOAT_MODEL', 'The float model is not there', { file: float, field: '--float' });
  }
  const peers = new Map<string, string | Uint8Array>();
  const absent: Record<string, string> = {};
  const leaveOut = (peer: string, reason: string) => {
    note(`${peer} is not timed: ${reason}`);
    absent[peer] = reason;
  };
  try {
    await loadOnnxruntime();
    peers.set(INTEGER_PEER, await exportQdq(bundle.graph));
    if (floatFile === undefined) leaveOut(FLOAT_PEER, 'no float model was given with --float');
    else if (existsSync(floatFile)) peers.set(FLOAT_PEER, floatFile);
    else leaveOut(FLOAT_PEER, 'no float model was given with --float, and none lies beside the project');
  } catch (error) {
    if (float !== undefined || !(error instanceof SpikescopeError)) throw error;
    for (const peer of [INTEGER_PEER, FLOAT_PEER]) leaveOut(peer, error.message);
  }
  return { peers, absent };
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

async function timeGraphs(
  bundle: ModelBundle,
  { batch: batches, threads: threadCounts, iterations }: Options,
  peers: Peers,
): Promise<GraphTiming[]> {
  const progress = startProgress('bench', batches.length * threadCounts.length);
  const results: GraphTiming[] = [];
  try {
    for (const threads of threadCounts) {
      for (const batch of batches) {
        const calls = Math.max(20, Math.ceil(iterations / batch));
        results.push(await timeGraph(bundle, { batch, threads, iterations: calls, peers }));
        progress.advance();
      }
    }
  } finally {
    progress.stop();
  }
  return results;
}
