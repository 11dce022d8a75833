import { createServer } from 'node:http';
import { Counter, Gauge, Registry } from 'prom-client';
import { listening } from './listening.ts';
import { collectProcessMetrics } from './process-metrics.ts';

/** What is measured of the appliance; the names are those of the metrics, without the prefix `spikescope_`. */
export interface ApplianceMetrics {
  readonly captures_total: number;
  readonly retakes_total: number;
  readonly updates_kept_total: number;
  readonly updates_rolled_back_total: number;
  readonly commands_accepted_total: number;
  readonly commands_refused_total: number;
  readonly outbox_depth: number;
  readonly storage_headroom_bytes: number;
  readonly frame_age_seconds: number | null;
  readonly temperature_celsius: number | null;
  readonly throttled: number | null;
  readonly card_faults_total: number | null;
  readonly card_serving: number | null;
  readonly card_link_errors: number | null;
}

const HELP: Readonly<Record<keyof ApplianceMetrics, string>> = {
  captures_total: 'Captures since the start',
  retakes_total: 'Captures that must be taken again',
  updates_kept_total: 'Updates of the learned head that passed the gate',
  updates_rolled_back_total: 'Updates of the learned head that the gate rolled back',
  commands_accepted_total: 'Commands that were admitted',
  commands_refused_total: 'Commands that were refused',
  outbox_depth: 'Messages that the broker has not acknowledged',
  storage_headroom_bytes: 'Bytes that results may still take',
  frame_age_seconds: 'Time since the camera gave a frame',
  temperature_celsius: 'Temperature of the processor',
  throttled: '1 while the board slows down for heat or a weak supply',
  card_faults_total: 'How often the card has failed',
  card_serving: '1 while the card reads, 0 while the processor does in its place',
  card_link_errors: 'Errors that the link of the card has counted since the start of the system',
};

export interface MetricsServer {
  readonly url: string;
  close(): Promise<void>;
}

/**
 * Serves Prometheus metrics on loopback, and nowhere else.
 * @param port 0 for any that is free
 * @param read asked at each scrape; null leaves a metric out
 * @throws SpikescopeError `METRICS_PORT` when the port is taken
 */
export async function serveMetrics(
  port: number,
  read: () => ApplianceMetrics | Promise<ApplianceMetrics>,
): Promise<MetricsServer> {
  const registry = new Registry();
  const processMetrics = collectProcessMetrics(registry);
  const set = Object.entries(HELP).map(([name, help]) => {
    return [name, setterOf({ name: `spikescope_${name}`, help, registers: [registry] })] as const;
  });
  const render = async (): Promise<string> => {
    const values: Readonly<Record<string, number | null>> = { ...(await read()) };
    for (const [name, setValue] of set) setValue(values[name]);
    return registry.metrics();
  };
  const server = createServer((request, response) => {
    if (request.method !== 'GET' || request.url !== '/metrics') {
      response.writeHead(404).end();
      return;
    }
    render().then(
      (text) => response.writeHead(200, { 'content-type': registry.contentType }).end(text),
      () => response.writeHead(500).end(),
    );
  });
  const actual = await listening(server, port, '127.0.0.1', {
    code: 'METRICS_PORT',
    message: 'The metrics cannot be served',
    field: '--metrics',
  });
  return {
    url: `http://127.0.0.1:${actual}/metrics`,
    close: () =>
      new Promise((resolve) => {
        processMetrics.stop();
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

/** Counts are kept by the appliance, so a counter here is set, not added to. */
function setterOf(options: {
  name: string;
  help: string;
  registers: Registry[];
}): (value: number | null) => void {
  if (options.name.endsWith('_total')) {
    const counter = new Counter(options);
    return (value) => {
      counter.reset();
      counter.inc(value ?? 0);
    };
  }
  const gauge = new Gauge(options);
  return (value) => (value === null ? gauge.remove() : gauge.set(value));
}
