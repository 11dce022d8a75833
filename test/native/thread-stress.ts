/**
 * Works the addon's threads hard, for the thread sanitizer; scripts/stress-threads.mjs builds the addon and runs this
 * file. With an argument it only loads that addon. Exits with 1 when a result is wrong.
 */
import { createRequire } from 'node:module';
import { setTimeout } from 'node:timers/promises';
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads';
import type { IntegerGraph } from '../../src/model/graph.ts';
import type { Inference } from '../../src/model/inference.ts';
import { interpret } from '../../src/model/interpreter/interpreter.ts';
import { nativeAddon } from '../../src/native/addon.ts';
import type { Engine } from '../../src/runtime/engine/contract.ts';
import { createCpuEngine } from '../../src/runtime/engine/cpu.ts';
import { instructionSetsOf } from '../support/differential.ts';
import { qanaShapedGraph, randomGraph } from '../support/graphs.ts';
import { Random } from '../support/random.ts';
import { hasEcho, seamFault } from './backend-seam.ts';

const IMAGES = 7;
const GRAPHS = 40;

/** A batch and what the interpreter says about it. */
class Case {
  readonly graph: IntegerGraph;
  readonly inputs: Uint8Array;
  readonly #potentials: Int32Array;
  readonly #embeddings: Uint8Array;

  constructor(graph: IntegerGraph, images: number) {
    this.graph = graph;
    const random = new Random(images);
    const [height, width, channels] = graph.input.shape;
    const batch = Array.from({ length: images }, () => random.bytes(height * width * channels));
    const expected = batch.map((image) => interpret(graph, image));
    this.inputs = Buffer.concat(batch);
    this.#potentials = Int32Array.from(expected.flatMap(({ potentials }) => [...potentials]));
    this.#embeddings = Buffer.concat(expected.map(({ embedding }) => embedding));
  }

  require({ potentials, embeddings }: Inference): void {
    const isRight =
      this.#potentials.every((potential, i) => potential === potentials[i]) &&
      Buffer.from(this.#embeddings).equals(embeddings);
    if (!isRight) throw new Error('a batch has a wrong result');
  }
}

async function inferTimes(engine: Engine, batch: Case, times: number): Promise<void> {
  const calls = Array.from({ length: times }, () => engine.infer(batch.inputs));
  for (const inference of await Promise.all(calls)) batch.require(inference);
}

/** Batches over pools of every size, several engines at once, each on its own instruction set. */
async function manyEngines(): Promise<void> {
  const batch = new Case(qanaShapedGraph(1), IMAGES);
  const sets = instructionSetsOf(nativeAddon());
  const engines = await Promise.all(
    [1, 2, 3, 4, 8].map((threads, i) =>
      createCpuEngine(batch.graph, { threads, instructionSet: sets[sets.length - 1 - (i % sets.length)] }),
    ),
  );
  await Promise.all(engines.map((engine) => inferTimes(engine, batch, 3)));
  await Promise.all(engines.map((engine) => engine.close()));
}

/** Engines that come and go while others work; every one is closed with calls under way, some twice. */
async function closedWhileBusy(): Promise<void> {
  await Promise.all(
    Array.from({ length: GRAPHS }, async (_, seed) => {
      const batch = new Case(randomGraph(seed, 8), 1 + (seed % IMAGES));
      const engine = await createCpuEngine(batch.graph, { threads: 1 + (seed % 5) });
      const calls = inferTimes(engine, batch, 4);
      if (seed % 3 === 0) await setTimeout(1);
      const closing = [engine.close(), ...(seed % 2 === 0 ? [engine.close()] : [])];
      const late = await engine.infer(batch.inputs).then(
        () => 'taken',
        (error: { code?: string }) => error.code,
      );
      if (late !== 'ENGINE_CLOSED') throw new Error(`a call after closing was ${late}`);
      await Promise.all([calls, ...closing]);
    }),
  );
}

/** Left without closing, for the collector to find while calls are under way. */
async function forgotten(): Promise<void> {
  const batch = new Case(randomGraph(5, 8), IMAGES);
  for (let i = 0; i < 30; i++) {
    const engine = await createCpuEngine(batch.graph, { threads: 3 });
    const call = inferTimes(engine, batch, 1);
    if (i % 2 === 0) await call;
    else call.catch(() => undefined);
  }
  await setTimeout(50);
}

/** Threads of Node with engines of their own; every second is ended while it works. */
async function workers(): Promise<void> {
  await Promise.all(
    [0, 1, 2, 3].map(async (seed) => {
      const worker = new Worker(new URL(import.meta.url), { workerData: seed });
      const ended = new Promise<void>((resolve, reject) => {
        worker.on('error', reject);
        worker.on('exit', () => resolve());
      });
      if (seed % 2 === 1)
        worker.once('message', () =>
          setTimeout(5).then(
            () => worker.terminate(),
            () => undefined,
          ),
        );
      await ended;
    }),
  );
}

/** Backends with threads of their own: batches, aborts, failures, closing. */
async function devices(): Promise<void> {
  if (!hasEcho(nativeAddon())) throw new Error('this build has no backend for tests');
  const faults = await Promise.all(Array.from({ length: 60 }, (_, seed) => seamFault(nativeAddon(), seed)));
  const fault = faults.find((each) => each !== null);
  if (fault) throw new Error(fault);
}

async function inWorker(seed: number): Promise<void> {
  const batch = new Case(randomGraph(100 + seed, 8), IMAGES);
  const engine = await createCpuEngine(batch.graph, { threads: 3 });
  parentPort?.postMessage('working');
  for (let i = 0; i < 20; i++) await inferTimes(engine, batch, 3);
  await engine.close();
}

if (!isMainThread) {
  await inWorker(Number(workerData));
} else if (process.argv[2] !== undefined) {
  createRequire(import.meta.url)(process.argv[2]);
} else {
  await Promise.all([manyEngines(), closedWhileBusy(), forgotten(), workers(), devices()]);
}
