import { quantile } from '../metrics/resampling.ts';

/** Milliseconds per call. */
export interface Latency {
  readonly median: number;
  readonly p90: number;
  readonly p99: number;
}

export interface Contestant {
  readonly name: string;
  /** One call; `index` counts its calls, so that inputs can alternate. */
  run(index: number): Promise<unknown>;
}

/** Calls of one contestant before the next one's turn: few enough that all meet the same clock and neighbours. */
const CALLS_PER_TURN = 10;

/**
 * Times contestants against one another in one run: turn by turn, the order rotating each round, so that a change of
 * the processor's clock or of what else it does hits all alike.
 * @param iterations timed calls of each contestant
 * @param warmUp untimed calls of each before
 */
export async function race(
  contestants: readonly Contestant[],
  iterations: number,
  warmUp: number,
): Promise<Map<string, Latency>> {
  for (const { run } of contestants) for (let i = 0; i < warmUp; i++) await run(i);
  const times = new Map<string, number[]>(contestants.map(({ name }) => [name, []]));
  for (let done = 0, round = 0; done < iterations; done += CALLS_PER_TURN, round++) {
    const calls = Math.min(CALLS_PER_TURN, iterations - done);
    for (let turn = 0; turn < contestants.length; turn++) {
      const { name, run } = contestants[(turn + round) % contestants.length];
      for (let i = 0; i < calls; i++) {
        const started = performance.now();
        await run(done + i);
        times.get(name)?.push(performance.now() - started);
      }
    }
  }
  return new Map([...times].map(([name, values]) => [name, latencyOf(values)]));
}

export function latencyOf(milliseconds: readonly number[]): Latency {
  const sorted = milliseconds.toSorted((a, b) => a - b);
  return { median: quantile(sorted, 0.5), p90: quantile(sorted, 0.9), p99: quantile(sorted, 0.99) };
}
