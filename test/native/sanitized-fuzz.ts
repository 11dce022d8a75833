/**
 * Fuzz of the native addon built with address and undefined-behaviour sanitizers; scripts/fuzz-sanitized.mjs builds
 * it and runs this file. A sanitizer's finding ends the process; a wrong number is counted. The last line on stdout
 * is `tests: N passed, N failed, N skipped`.
 *
 * SPIKESCOPE_FUZZ_GRAPHS, _INPUTS, _BUNDLES, _ANSWERS: how many random graphs, QANA inputs, mutated bundles and random
 * answers of a card (2,000, 1,000, 2,000, 10,000).
 * SPIKESCOPE_FUZZ_MINUTES: mutated bundles alone, for so long. SPIKESCOPE_FUZZ_WORKERS: threads (one per core).
 * SPIKESCOPE_FUZZ_TRACE: folder in which the bundle at hand lies when the process ends early.
 */
import { existsSync, rmSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import path from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads';
import { defaultCache } from '../../src/cli/shared/options.ts';
import type { Frame, Square } from '../../src/frame.ts';
import { readBundle } from '../../src/model/bundle/read.ts';
import { elementCount, type IntegerGraph } from '../../src/model/graph.ts';
import { interpret } from '../../src/model/interpreter/interpreter.ts';
import { fromNative, type NativeAddon, nativeAddon } from '../../src/native/addon.ts';
import { qualitySumsReference } from '../../src/preprocess/quality-reference.ts';
import { areaResampleReference } from '../../src/preprocess/resample-reference.ts';
import { centredSquare } from '../../src/preprocess/square.ts';
import { rgbOfYuv } from '../../src/preprocess/yuv-reference.ts';
import { pythonOrNull } from '../support/akida1-simulator.ts';
import { damaged } from '../support/damage.ts';
import { differenceOnAnySet, instructionSetsOf } from '../support/differential.ts';
import {
  choosingGraph,
  imageGraph,
  joinedGraph,
  qanaShapedGraph,
  randomGraph,
  randomInput,
  stridedGraph,
} from '../support/graphs.ts';
import { Random } from '../support/random.ts';
import { hasEcho, seamFault } from './backend-seam.ts';
import { BundleFuzz } from './bundle-fuzz.ts';
import { CardFuzz, hasCardEngine, writeSmallBundle } from './card-fuzz.ts';

/** One subject: `count` cases, each right (null) or said to be wrong. */
interface Subject {
  readonly name: string;
  readonly count: number;
  readonly run: (seed: number) => Promise<string | null>;
  /** What was reached, in words. */
  readonly reached?: () => string;
  readonly end?: () => Promise<void>;
}

const GRAPHS = Number(process.env.SPIKESCOPE_FUZZ_GRAPHS ?? 2000);
const INPUTS = Number(process.env.SPIKESCOPE_FUZZ_INPUTS ?? 1000);
const BUNDLES = Number(process.env.SPIKESCOPE_FUZZ_BUNDLES ?? 2000);
const ANSWERS = Number(process.env.SPIKESCOPE_FUZZ_ANSWERS ?? 10_000);
const CARD_MODEL = 'models/qana-akd1000.spikescope';
const MINUTES = process.env.SPIKESCOPE_FUZZ_MINUTES;
const WORKERS = Number(process.env.SPIKESCOPE_FUZZ_WORKERS ?? availableParallelism());
const TRACE = process.env.SPIKESCOPE_FUZZ_TRACE;
/** Seeds of their own, so that the unsanitized tests see other graphs. */
const FIRST_SEED = 1_000_000;
const IMAGES_PER_BATCH = 4;

/** Any layers, half of the time; else what vector kernels have paths of their own for. */
function graphOf(seed: number): IntegerGraph {
  if (seed % 2 === 0) return randomGraph(seed, 10);
  return [joinedGraph, stridedGraph, imageGraph, choosingGraph][((seed - 1) / 2) % 4](seed);
}

async function subjects(worker: number): Promise<Subject[]> {
  const bundles = bundleSubject(worker);
  if (MINUTES !== undefined) return [{ ...bundles, count: Number.POSITIVE_INFINITY }];
  const addon = nativeAddon();
  const sets = instructionSetsOf(addon);
  const bundle = process.env.SPIKESCOPE_FUZZ_MODEL ?? 'models/qana64.spikescope';
  const shipped = existsSync(bundle);
  const qana = shipped ? (await readBundle(bundle)).graph : qanaShapedGraph(1);
  const model = shipped ? bundle : 'a graph of QANA’s shape';
  const engines = sets.map((instructionSet) => addon.createEngine(qana, { instructionSet }));

  return [
    {
      name: `random graphs, every tensor, ${sets.join(' and ')}`,
      count: GRAPHS,
      run: (seed) => {
        const graph = graphOf(seed);
        const random = new Random(seed);
        const inputs = [randomInput(graph, random), randomInput(graph, random)];
        return differenceOnAnySet(addon, graph, inputs, 1 + (seed % 2));
      },
    },
    {
      name: `random inputs on ${model}, ${sets.join(' and ')}`,
      count: Math.ceil(INPUTS / IMAGES_PER_BATCH),
      run: async (seed) => {
        const random = new Random(seed);
        const inputs = Array.from({ length: IMAGES_PER_BATCH }, () => randomInput(qana, random));
        const expected = inputs.map((input) => interpret(qana, input));
        for (const engine of engines) {
          const { potentials, embeddings } = await engine.infer(Buffer.concat(inputs));
          const right =
            Buffer.concat(expected.map(({ embedding }) => embedding)).equals(embeddings) &&
            expected.flatMap((one) => [...one.potentials]).every((value, i) => value === potentials[i]);
          if (!right) return `${engine.instructionSet} differs`;
        }
        return null;
      },
    },
    {
      name: `every tensor of ${model}, ${sets.join(' and ')}`,
      count: Math.ceil(INPUTS / 100),
      run: (seed) => differenceOnAnySet(addon, qana, [randomInput(qana, new Random(seed))]),
    },
    { name: 'damaged graphs: refused with a code, or run alike', count: GRAPHS, run: runDamaged },
    bundles,
    ...(hasEcho(addon)
      ? [
          {
            name: 'a backend that is not the processor: answers, aborts, failures',
            count: 120,
            run: (seed: number) => seamFault(addon, seed),
          },
        ]
      : []),
    { name: 'resampling and quality of random images', count: 500, run: runImaging },
    ...(await cardSubjects(addon)),
  ];
}

/** None where the addon has no engine of the card, or its compiler cannot be had. */
async function cardSubjects(addon: NativeAddon): Promise<Subject[]> {
  const python = hasCardEngine(addon) ? await pythonOrNull(defaultCache()) : null;
  if (python === null) return [];
  const small = await writeSmallBundle();
  const shipped = await CardFuzz.of(addon, CARD_MODEL, python);
  const card = await CardFuzz.of(addon, small.file, python);
  return [
    {
      name: `the card: golden inputs of ${CARD_MODEL}, bit for bit`,
      count: 2 * WORKERS,
      run: () => shipped.goldenFault(),
      end: () => shipped.end(),
    },
    {
      name: 'the card: faults in the middle of a batch, each with its code',
      count: 18,
      run: (seed) => card.faultFault(seed),
    },
    {
      name: 'the card: random answers, taken as what they say or refused with a code',
      count: ANSWERS,
      run: (seed) => card.slotFault(seed),
      end: async () => {
        await card.end();
        rmSync(small.folder, { recursive: true, force: true });
      },
    },
  ];
}

function bundleSubject(worker: number): Subject {
  const fuzz = new BundleFuzz(
    TRACE === undefined ? undefined : path.join(TRACE, `bundle-${worker}.spikescope`),
  );
  return {
    name: 'mutated bundles: refused with a code, or run alike',
    count: BUNDLES,
    run: (seed) => fuzz.run(seed),
    reached: () => fuzz.reached(),
  };
}

async function runDamaged(seed: number): Promise<string | null> {
  const random = new Random(seed);
  const graph = damaged(randomGraph(seed, 4), random);
  const addon = nativeAddon();
  let reference: Buffer | undefined;
  for (const instructionSet of instructionSetsOf(addon)) {
    try {
      // The addon is what is tested here, so it is handed what no caller in TypeScript could hand it.
      const engine = addon.createEngine(graph as IntegerGraph, { instructionSet });
      const input = new Random(seed).bytes(elementCount((graph as IntegerGraph).input.shape));
      const { potentials, embeddings } = await engine.infer(input);
      const result = Buffer.concat([Buffer.from(potentials.buffer), embeddings]);
      await engine.close();
      if (reference !== undefined && !reference.equals(result)) return `${instructionSet} differs`;
      reference = result;
    } catch (error) {
      const known = fromNative(error);
      if (known === error) return `an error without a code: ${error}`;
      if (reference !== undefined) return `${instructionSet} refuses what another accepts`;
    }
  }
  return null;
}

async function runImaging(seed: number): Promise<string | null> {
  const random = new Random(seed);
  const addon = nativeAddon();
  const [width, height] = [random.integer(1, 150), random.integer(1, 150)];
  const rgb = random.bytes(width * height * 3);
  const side = random.integer(1, Math.min(width, height));
  const square = { x: random.integer(0, width - side), y: random.integer(0, height - side), side };
  const size = random.integer(1, 100);
  const expected = areaResampleReference({ rgb, width, height }, square, size);
  const resampled = addon.areaResample({ rgb, width, height }, square, size);
  if (!sameQuality(addon, { rgb, width, height }, square)) return 'the quality of an image differs';
  if (!Buffer.from(expected).equals(resampled)) return 'the resampled image differs';
  return yuvFault(addon, random);
}

function sameQuality(addon: NativeAddon, frame: Frame, square: Square): boolean {
  const expected = qualitySumsReference(frame, square);
  return isDeepStrictEqual({ ...expected }, { ...addon.measureQuality(frame, square) });
}

/** A camera's frame, against its conversion to RGB. */
function yuvFault(addon: NativeAddon, random: Random): string | null {
  const [width, height] = [2 * random.integer(1, 60), 2 * random.integer(1, 60)];
  const stride = width + 2 * random.integer(0, 20);
  const frame = { yuv420: random.bytes((stride * height * 3) / 2), width, height, stride };
  const square = centredSquare(width, height);
  const size = random.integer(1, 100);
  const expected = areaResampleReference(rgbOfYuv(frame), square, size);
  if (!sameQuality(addon, frame, square)) return 'the quality of a YUV frame differs';
  return Buffer.from(expected).equals(addon.areaResample(frame, square, size))
    ? null
    : 'the YUV frame differs';
}

interface Share {
  readonly worker: number;
  readonly workers: number;
}

interface Report {
  readonly name: string;
  readonly cases: number;
  readonly wrong: string[];
  readonly reached: string;
}

/** Every `workers`th case of every subject. */
async function runShare({ worker, workers }: Share): Promise<void> {
  const end = MINUTES === undefined ? Number.POSITIVE_INFINITY : performance.now() + 60_000 * Number(MINUTES);
  for (const { name, count, run, reached, end: leave } of await subjects(worker)) {
    const wrong: string[] = [];
    let cases = 0;
    for (let i = worker; i < count && performance.now() < end; i += workers, cases++) {
      const difference = await run(FIRST_SEED + i);
      if (difference !== null) wrong.push(`seed ${FIRST_SEED + i}: ${difference}`);
    }
    parentPort?.postMessage({ name, cases, wrong, reached: reached?.() ?? '' } satisfies Report);
    await leave?.();
  }
}

function runWorker(share: Share, onReport: (report: Report) => void): Promise<void> {
  return new Promise((resolve, reject) => {
    const worker = new Worker(new URL(import.meta.url), { workerData: share });
    worker.on('message', onReport);
    worker.on('error', reject);
    worker.on('exit', (code) => (code === 0 ? resolve() : reject(new Error(`a worker ended with ${code}`))));
  });
}

async function runAll(): Promise<void> {
  const started = performance.now();
  const total = new Map<string, { cases: number; wrong: string[] }>();
  const shares = Array.from({ length: WORKERS }, (_, worker) =>
    runWorker({ worker, workers: WORKERS }, ({ name, cases, wrong, reached }) => {
      if (reached !== '') process.stdout.write(`       thread ${worker}: ${reached}\n`);
      const entry = total.get(name) ?? { cases: 0, wrong: [] };
      total.set(name, { cases: entry.cases + cases, wrong: [...entry.wrong, ...wrong] });
    }),
  );
  await Promise.all(shares);
  let failed = 0;
  for (const [name, { cases, wrong }] of total) {
    if (wrong.length > 0) failed++;
    process.stdout.write(`${wrong.length === 0 ? 'ok    ' : 'FAILED'} ${name}: ${cases} cases\n`);
    for (const line of wrong.slice(0, 10)) process.stdout.write(`       ${line}\n`);
  }
  const hasCard = [...total.keys()].some((name) => name.startsWith('the card'));
  if (!hasCard) process.stdout.write('skipped the card: its engine could not be had\n');
  process.stdout.write(`sanitized fuzz: ${((performance.now() - started) / 1000).toFixed(0)} s\n`);
  process.stdout.write(
    `tests: ${total.size - failed} passed, ${failed} failed, ${hasCard ? 0 : 1} skipped\n`,
  );
  process.exitCode = failed === 0 && total.size > 0 ? 0 : 1;
}

if (isMainThread) await runAll();
else await runShare(workerData as Share);
