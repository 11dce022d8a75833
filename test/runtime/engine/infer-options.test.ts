import { getEventListeners, once } from 'node:events';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { Worker } from 'node:worker_threads';
import { afterEach, describe, expect, it } from 'vitest';
import { SpikescopeError } from '../../../src/errors.ts';
import { elementCount } from '../../../src/model/graph.ts';
import type { Inference } from '../../../src/model/inference.ts';
import { addonFile } from '../../../src/native/addon.ts';
import type { Engine, EngineFactory } from '../../../src/runtime/engine/contract.ts';
import { createCpuEngine } from '../../../src/runtime/engine/cpu.ts';
import { createInterpreterEngine } from '../../../src/runtime/engine/interpreter.ts';
import { qanaShapedGraph, randomGraph, randomInput } from '../../support/graphs.ts';
import { Random } from '../../support/random.ts';

const large = qanaShapedGraph(21);
const small = randomGraph(7);
const opened: Engine[] = [];
afterEach(() => Promise.all(opened.splice(0).map((engine) => engine.close())));

async function open(graph = small, factory: EngineFactory = createCpuEngine): Promise<Engine> {
  const engine = await factory(graph);
  opened.push(engine);
  return engine;
}

function batchOf(graph: typeof small, count: number): Uint8Array {
  const random = new Random(count);
  return Buffer.concat(Array.from({ length: count }, () => randomInput(graph, random)));
}

function arraysFor({ potentials, embeddings }: Inference) {
  return {
    potentials: new Int32Array(potentials.length),
    embeddings: new Uint8Array(embeddings.length),
  };
}

async function codeOf(promise: Promise<unknown>): Promise<string> {
  return promise.then(
    () => 'none',
    (error: unknown) => (error instanceof SpikescopeError ? error.code : String(error)),
  );
}

describe.each<[string, EngineFactory]>([
  ['cpu', createCpuEngine],
  ['interpreter', createInterpreterEngine],
])('results into arrays of the caller’s (%s)', (_, factory) => {
  it('are those of a call without, and the arrays are the caller’s own', async () => {
    const engine = await open(small, factory);
    const batch = batchOf(small, 3);
    const expected = await engine.infer(batch, 3);
    const into = arraysFor(expected);
    const { potentials, embeddings } = into;
    expect(await engine.infer(batch, 3, { into })).toBe(into);
    expect(into.potentials).toBe(potentials);
    expect([potentials, embeddings]).toEqual([expected.potentials, expected.embeddings]);
  });

  it('are refused where the lengths do not fit: OUTPUT_SIZE', async () => {
    const engine = await open(small, factory);
    const batch = batchOf(small, 2);
    const one = arraysFor(await engine.infer(batch.subarray(0, batch.length / 2), 1));
    expect(await codeOf(engine.infer(batch, 2, { into: one }))).toBe('OUTPUT_SIZE');
  });

  it('are not begun when the signal has fired: ABORTED, with its reason as the cause', async () => {
    const engine = await open(small, factory);
    const reason = new Error('no longer wanted');
    await expect(
      engine.infer(batchOf(small, 1), 1, { signal: AbortSignal.abort(reason) }),
    ).rejects.toMatchObject({ code: 'ABORTED', cause: reason });
  });
});

describe('arrays that the caller gives away while the engine computes', () => {
  it('are not written to: OUTPUT_SIZE, and the engine goes on', async () => {
    const engine = await open(large);
    const batch = batchOf(large, 8);
    const expected = await engine.infer(batch);
    const into = arraysFor(expected);
    const call = engine.infer(batch, 8, { into });
    const taken = structuredClone(into.potentials, { transfer: [into.potentials.buffer] });
    expect(await codeOf(call)).toBe('OUTPUT_SIZE');
    expect(taken.every((value) => value === 0)).toBe(true);
    expect(await engine.infer(batch)).toEqual(expected);
  });

  it('may be changed for others in the object: the first ones are filled', async () => {
    const engine = await open(large);
    const batch = batchOf(large, 2);
    const expected = await engine.infer(batch);
    const first = arraysFor(expected);
    const holder: { potentials: Int32Array; embeddings: Uint8Array } = { ...first };
    const call = engine.infer(batch, 2, { into: holder });
    holder.potentials = new Int32Array(1);
    await call;
    expect(first.potentials).toEqual(expected.potentials);
    expect(holder.potentials).toEqual(new Int32Array(1));
  });
});

describe('a signal', () => {
  it('aborts a call that waits behind another, which finishes', async () => {
    const engine = await open(large);
    const batch = batchOf(large, 16);
    const controller = new AbortController();
    const first = engine.infer(batch);
    const second = engine.infer(batch, 16, { signal: controller.signal });
    controller.abort();
    expect(await codeOf(second)).toBe('ABORTED');
    expect((await first).potentials).toHaveLength(16 * 7);
  });

  it('stops a large batch between images, and the engine goes on', async () => {
    const engine = await open(large);
    const batch = batchOf(large, 400);
    const controller = new AbortController();
    const call = engine.infer(batch, 400, { signal: controller.signal });
    const next = engine.infer(batch.subarray(0, elementCount(large.input.shape)));
    controller.abort();
    expect(await codeOf(call)).toBe('ABORTED');
    expect((await next).potentials).toHaveLength(7);
  });

  it('that never fires changes nothing and keeps no listener', async () => {
    const engine = await open(large);
    const batch = batchOf(large, 40);
    const { signal } = new AbortController();
    expect(await engine.infer(batch, 40, { signal })).toEqual(await engine.infer(batch, 40));
    expect(getEventListeners(signal, 'abort')).toEqual([]);
  });
});

describe('closing while busy', () => {
  it('lets what was asked before finish, and refuses what comes after with ENGINE_CLOSED', async () => {
    const engine = await createCpuEngine(large, { threads: 2 });
    const batch = batchOf(large, 64);
    const calls = [engine.infer(batch), engine.infer(batch)];
    const closing = [engine.close(), engine.close()];
    expect(await codeOf(engine.infer(batch))).toBe('ENGINE_CLOSED');
    for (const { potentials } of await Promise.all(calls)) expect(potentials).toHaveLength(64 * 7);
    await Promise.all(closing);
    expect(await codeOf(engine.infer(batch))).toBe('ENGINE_CLOSED');
  });

  it('works while a call is being aborted', async () => {
    const engine = await createCpuEngine(large);
    const controller = new AbortController();
    const calls = [1, 2].map(() => engine.infer(batchOf(large, 200), 200, { signal: controller.signal }));
    const closing = engine.close();
    controller.abort();
    await Promise.all(calls.map(async (call) => expect(await codeOf(call)).toBe('ABORTED')));
    await closing;
  });
});

/** Bytes that stay on V8's heap and outside it when the garbage is gone. */
function settledBytes(): { heap: number; outside: number } {
  setFlagsFromString('--expose-gc');
  const collect: unknown = runInNewContext('globalThis.gc');
  setFlagsFromString('--no-expose-gc');
  if (typeof collect !== 'function') throw new TypeError('V8 gives no collector');
  collect();
  collect();
  const { heapUsed, arrayBuffers } = process.memoryUsage();
  return { heap: heapUsed, outside: arrayBuffers };
}

describe('a hundred thousand calls', () => {
  it('leave no array behind, and nothing on the heap that grows with their number', async () => {
    const engine = await open();
    const input = batchOf(small, 1);
    const into = arraysFor(await engine.infer(input));
    const run = async (calls: number) => {
      for (let i = 0; i < calls; i++) await engine.infer(input, 1, { into });
    };
    await run(2000);
    const before = settledBytes();
    await run(100_000);
    const after = settledBytes();
    // Less than five bytes a call: what V8 learns of the loop, but no object per call.
    expect(after.heap - before.heap).toBeLessThan(500_000);
    expect(after.outside - before.outside).toBeLessThan(10_000);
  }, 60_000);
});

describe('worker threads', () => {
  const script = `
    const { parentPort, workerData } = require('node:worker_threads');
    const engine = require(workerData.addon).createEngine(workerData.graph, { threads: workerData.threads });
    const length = workerData.expected.potentials.length;
    const into = { potentials: new Int32Array(length), embeddings: new Uint8Array(workerData.expected.embeddings.length) };
    (async () => {
      let same = true;
      for (let i = 0; i < 20; i++) {
        await engine.infer(workerData.batch, into);
        same &&= into.potentials.every((value, at) => value === workerData.expected.potentials[at]);
      }
      await engine.close();
      parentPort.postMessage(same);
    })();
  `;

  it('run engines of their own side by side, beside the main thread’s', async () => {
    const engine = await open(large);
    const batch = batchOf(large, 4);
    const expected = await engine.infer(batch);
    const answers = [1, 2, 1, 2].map(async (threads) => {
      const workerData = { addon: addonFile(), graph: large, threads, batch, expected };
      const worker = new Worker(script, { eval: true, workerData });
      const [same] = await once(worker, 'message');
      await once(worker, 'exit');
      return same;
    });
    for (let i = 0; i < 20; i++) expect(await engine.infer(batch)).toEqual(expected);
    expect(await Promise.all(answers)).toEqual([true, true, true, true]);
  });
});
