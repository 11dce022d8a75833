/** What a call from JavaScript costs beside the engine's own time, and what it leaves behind. */
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { z } from 'zod';
import type { IntegerGraph } from '../model/graph.ts';
import type { Engine } from '../runtime/engine/contract.ts';
import { createCpuEngine } from '../runtime/engine/cpu.ts';
import { type Latency, latencyOf } from './race.ts';

const TIMED_CALLS = 5000;
const COUNTED_CALLS = 100_000;
const WARM_UP = 2000;

export interface NodeSide {
  /** Milliseconds of a whole call, where the engine has three multiply-adds to do: nothing but what a call costs. */
  readonly call: Latency;
  readonly calls: number;
  /** Bytes by which V8's heap and the arrays outside it are larger after `calls` calls, garbage gone. */
  readonly heapGrowth: number;
  readonly arrayGrowth: number;
}

/** Takes some seconds. */
export async function measureNodeSide(): Promise<NodeSide> {
  const engine = await createCpuEngine(LEAST_GRAPH);
  try {
    const input = new Uint8Array(3);
    const into = { potentials: new Int32Array(1), embeddings: new Uint8Array(3) };
    const infer = () => engine.infer(input, 1, { into });
    await repeat(WARM_UP, infer);
    const times: number[] = [];
    await repeat(TIMED_CALLS, async () => {
      const started = performance.now();
      await infer();
      times.push(performance.now() - started);
    });
    return { call: latencyOf(times), calls: COUNTED_CALLS, ...(await growth(infer)) };
  } finally {
    await engine.close();
  }
}

async function growth(
  infer: () => ReturnType<Engine['infer']>,
): Promise<Pick<NodeSide, 'heapGrowth' | 'arrayGrowth'>> {
  const collect = collector();
  await repeat(WARM_UP, infer);
  const settled = () => {
    collect();
    collect();
    return process.memoryUsage();
  };
  const before = settled();
  await repeat(COUNTED_CALLS, infer);
  const after = settled();
  return {
    heapGrowth: after.heapUsed - before.heapUsed,
    arrayGrowth: after.arrayBuffers - before.arrayBuffers,
  };
}

async function repeat(calls: number, call: () => Promise<unknown>): Promise<void> {
  for (let i = 0; i < calls; i++) await call();
}

const collectorSchema = z.custom<() => void>((value) => typeof value === 'function');

/** V8's collector of all garbage. */
export function collector(): () => void {
  // V8 gives it only to contexts made while this flag is set.
  setFlagsFromString('--expose-gc');
  const collect = collectorSchema.parse(runInNewContext('globalThis.gc'));
  setFlagsFromString('--no-expose-gc');
  return collect;
}

/** One pixel, one class: there is no smaller one. */
const LEAST_GRAPH: IntegerGraph = {
  input: { shape: [1, 1, 3], quantisation: { scale: 1 / 255, zeroPoint: 0 } },
  classes: ['only'],
  nodes: [],
  head: { input: 'input', sources: [], weights: new Int8Array(3).fill(1), bias: new Int32Array(1), scale: 1 },
};
