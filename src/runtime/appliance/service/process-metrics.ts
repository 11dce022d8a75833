/** Metrics of the process itself, gathered so that an idle device sleeps. */
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { collectDefaultMetrics, Gauge, type Registry } from 'prom-client';

/**
 * Milliseconds between two looks at the event loop's delay: each is a wake-up of the processor. prom-client's own look
 * comes every ten milliseconds.
 */
const INTERVAL = 1_000;
/** Milliseconds, the longest that a timer takes: prom-client's look never comes. */
const NEVER = 2 ** 31 - 1;

/** What prom-client calls the figures of its own look. */
const DELAYS = {
  min: (histogram) => histogram.min,
  max: (histogram) => histogram.max,
  mean: (histogram) => histogram.mean,
  stddev: null,
  p50: (histogram) => histogram.percentile(50),
  p90: (histogram) => histogram.percentile(90),
  p99: (histogram) => histogram.percentile(99),
} as const satisfies Record<string, ((histogram: DelayHistogram) => number) | null>;

type DelayHistogram = ReturnType<typeof monitorEventLoopDelay>;

/**
 * Registers prom-client's metrics of the process, and the event loop's delay under prom-client's names, sampled once a
 * second: how late a timer of that period is, in seconds, since the last scrape.
 */
export function collectProcessMetrics(registry: Registry): { stop(): void } {
  collectDefaultMetrics({ register: registry, eventLoopMonitoringPrecision: NEVER });
  const histogram = monitorEventLoopDelay({ resolution: INTERVAL });
  histogram.enable();
  for (const [name, read] of Object.entries(DELAYS)) {
    const metric = `nodejs_eventloop_lag_${name}_seconds`;
    registry.removeSingleMetric(metric);
    new Gauge({
      name: metric,
      help: `Delay of the event loop, sampled once a second: ${name}`,
      registers: [registry],
      collect() {
        this.set(read === null ? histogram.stddev / 1e9 : lateness(read(histogram)));
        // Metrics are collected in the order of their registration; this is the last one that looks.
        if (name === 'p99') histogram.reset();
      },
    });
  }
  return { stop: () => histogram.disable() };
}

/** Seconds beyond the interval; 0 before the first sample. */
function lateness(nanoseconds: number): number {
  const late = nanoseconds / 1e9 - INTERVAL / 1e3;
  return late > 0 && late < NEVER ? late : 0;
}
