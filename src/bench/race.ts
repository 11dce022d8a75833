import { setTimeout as delay } from 'node:timers/promises';
import { quantile } from '../statistics/resampling.ts';

/** Milliseconds per call. */
export interface Latency {
  readonly median: number;
  readonly p90: number;
  readonly p99: number;
}

export interface Candidate {
  readonly name: string;
  /** One call; `index` counts its calls, so that inputs can alternate. */
  run(index: number): Promise<unknown>;
}

/**
 * Milliseconds of one candidate's turn: short enough that all meet the same clock and neighbours. Equal times and not equal
 * numbers of calls, or else most of a fast candidate's calls would go into filling the caches that a slow one took over.
 */
const TURN = 50;
/** Milliseconds before a turn: the threads of onnxruntime keep a core for some 35 ms after a call, looking for work. */
const REST = 50;

/**
 * Times candidates against one another in one run: turn by turn, the order rotating each round, so that a change of
 * the processor's clock or of what else it does hits all alike.
 * @param iterations timed calls of each candidate at least; a fast one makes more in its turns
 * @param warmUp untimed calls of each before
 */
export async function race(
  candidates: readonly Candidate[],
  iterations: number,
  warmUp: number,
): Promise<Map<string, Latency>> {
  for (const { run } of candidates) for (let i = 0; i < warmUp; i++) await run(i);
  const entries = candidates.map(({ name, run }) => ({ name, run, times: [] as number[] }));
  for (let round = 0; entries.some(({ times }) => times.length < iterations); round++) {
    for (let turn = 0; turn < entries.length; turn++)
      await takeTurn(entries[(turn + round) % entries.length]);
  }
  return new Map(entries.map(({ name, times }) => [name, latencyOf(times)]));
}

async function takeTurn({ run, times }: Pick<Candidate, 'run'> & { times: number[] }): Promise<void> {
  await delay(REST);
  const end = performance.now() + TURN;
  let now = end - TURN;
  while (now < end) {
    const started = now;
    await run(times.length);
    now = performance.now();
    times.push(now - started);
  }
}

export function latencyOf(milliseconds: readonly number[]): Latency {
  const sorted = milliseconds.toSorted((a, b) => a - b);
  return { median: quantile(sorted, 0.5), p90: quantile(sorted, 0.9), p99: quantile(sorted, 0.99) };
}
