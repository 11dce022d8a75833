/**
 * A broker that is away: results queue up during an outage in which the device is killed twice, and are then published,
 * beside a plain mqtt.js client that sends the same payloads to the same broker.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { connect as connectSocket, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { connectAsync } from 'mqtt';
import { SpikescopeError } from '../../errors.ts';
import { Journal } from '../../store/journal.ts';
import { freePort, startBroker } from './broker.ts';

const DEVICE = fileURLToPath(new URL('./outage-device.js', import.meta.url));
/** Lives of the device; all but the last end by SIGKILL. */
const RUNS = 3;
/** Messages that the plain client has in flight. */
const WINDOW = 16;
const POLL = 20;
/** Milliseconds without a result after which no more are expected; the device pauses for half a minute at most. */
const PATIENCE = 120_000;

export interface OutageReport {
  readonly results: number;
  readonly received: number;
  readonly repeats: number;
  readonly inOrder: boolean;
  readonly sound: boolean;
  readonly waiting: number;
  /** Megabytes, for each life of the device. */
  readonly memoryGrowth: readonly number[];
  readonly seconds: number;
  readonly plainSeconds: number;
  readonly perSecond: number;
}

/**
 * @param total results, 3 at least
 * @param note called with each line of progress
 * @throws SpikescopeError `BENCH_BROKER`, `BENCH_RESULTS` when results stay away
 */
export async function measureOutage(total: number, note: (line: string) => void): Promise<OutageReport> {
  const folder = mkdtempSync(path.join(tmpdir(), 'outage-'));
  try {
    const { payloads, seconds, grown } = await outage(folder, total, note);
    const journal = Journal.open(path.join(folder, 'journal.sqlite'));
    const recorded = [...journal.entries()].map(({ payload }) => payload);
    const { sound } = journal.verify();
    const waiting = journal.depth();
    journal.close();
    const distinct = [...new Set(payloads)];
    return {
      results: recorded.length,
      received: distinct.length,
      repeats: payloads.length - distinct.length,
      inOrder: distinct.every((payload, i) => payload === recorded[i]),
      sound,
      waiting,
      memoryGrowth: grown,
      seconds: Number(seconds.toFixed(2)),
      plainSeconds: Number((await plain(folder, recorded)).toFixed(2)),
      perSecond: Math.round(distinct.length / seconds),
    };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

async function outage(folder: string, total: number, note: (line: string) => void) {
  const [port, brokerPort] = [await freePort(), await freePort()];
  const url = `mqtt://127.0.0.1:${port}`;
  const stop = await startBroker(folder, brokerPort);
  const listener = await listen(`mqtt://127.0.0.1:${brokerPort}`);
  const each = Math.floor(total / RUNS);
  const grown: number[] = [];
  for (let run = 1; run < RUNS; run++) {
    const life = new DeviceLife(folder, url, each);
    await life.recorded;
    await life.end('SIGKILL');
    grown.push(life.memoryGrowth);
    note(`outage: run ${run} of ${RUNS} killed with its results in the journal`);
  }
  const last = new DeviceLife(folder, url, total - (RUNS - 1) * each);
  await last.recorded;
  const closeWay = await openWay(port, brokerPort);
  await listener.until(total);
  const seconds = listener.seconds();
  await last.settled;
  await last.end('SIGTERM');
  grown.push(last.memoryGrowth);
  closeWay();
  await listener.end();
  await stop();
  return { payloads: listener.payloads, seconds, grown };
}

/** One life of the device. */
class DeviceLife {
  readonly recorded: Promise<void>;
  readonly settled: Promise<void>;
  readonly #child: ChildProcess;
  readonly #memory: number[] = [];

  constructor(folder: string, url: string, count: number) {
    const child = spawn(process.execPath, [DEVICE, folder, url, String(count)], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    this.#child = child;
    const reached = new Map<string, () => void>();
    const wait = (what: string) => new Promise<void>((resolve) => reached.set(what, resolve));
    this.recorded = wait('recorded');
    this.settled = wait('settled');
    createInterface({ input: child.stdout }).on('line', (line) => {
      const [what, value] = line.split(' ');
      if (what === 'memory') this.#memory.push(Number(value));
      reached.get(what)?.();
    });
  }

  /** Megabytes. */
  get memoryGrowth(): number {
    const [first = 0] = this.#memory;
    return Number(((Math.max(first, ...this.#memory) - first) / 2 ** 20).toFixed(1));
  }

  async end(signal: NodeJS.Signals): Promise<void> {
    this.#child.kill(signal);
    await once(this.#child, 'close');
  }
}

/** The way to the broker, which can be away while the broker's subscribers are there already. @returns what closes it */
async function openWay(port: number, broker: number): Promise<() => void> {
  const server = createServer((near) => {
    const far = connectSocket(broker, '127.0.0.1');
    for (const [from, to] of [
      [near, far],
      [far, near],
    ]) {
      from.on('error', () => {});
      from.on('close', () => to.destroy());
      from.pipe(to);
    }
  }).listen(port, '127.0.0.1');
  await once(server, 'listening');
  return () => void server.close();
}

/** Everything that comes on the result topic, and how long it took from the first to the last. */
async function listen(url: string) {
  const client = await connectAsync(url, { protocolVersion: 5 });
  const payloads: string[] = [];
  let first = 0;
  client.on('message', (_, payload) => {
    if (payloads.length === 0) first = performance.now();
    payloads.push(payload.toString());
  });
  await client.subscribeAsync('spikescope/+/result', { qos: 1 });
  return {
    payloads,
    seconds: () => (performance.now() - first) / 1000,
    until: (count: number) => untilReceived(payloads, count),
    end: () => client.endAsync(true),
  };
}

async function untilReceived(payloads: readonly string[], count: number): Promise<void> {
  const distinct = new Set<string>();
  let seen = 0;
  let idle = 0;
  while (distinct.size < count) {
    idle = seen === payloads.length ? idle + 1 : 0;
    if (idle * POLL > PATIENCE) {
      throw new SpikescopeError('BENCH_RESULTS', 'Results stay away', {
        expected: `${count} of them`,
        received: `${distinct.size}, and then none for ${PATIENCE / 1000} s`,
      });
    }
    for (; seen < payloads.length; seen++) distinct.add(payloads[seen]);
    await delay(POLL);
  }
}

/** The same payloads by a client that remembers nothing: what the broker itself takes. @returns seconds */
async function plain(folder: string, payloads: readonly string[]): Promise<number> {
  const [port, brokerPort] = [await freePort(), await freePort()];
  const stop = await startBroker(folder, brokerPort);
  const listener = await listen(`mqtt://127.0.0.1:${brokerPort}`);
  const closeWay = await openWay(port, brokerPort);
  const client = await connectAsync(`mqtt://127.0.0.1:${port}`, { protocolVersion: 5 });
  for (let i = 0; i < payloads.length; i += WINDOW) {
    const window = payloads.slice(i, i + WINDOW);
    await Promise.all(
      window.map((payload) => client.publishAsync('spikescope/plain/result', payload, { qos: 1 })),
    );
  }
  await listener.until(payloads.length);
  const seconds = listener.seconds();
  await client.endAsync(true);
  closeWay();
  await listener.end();
  await stop();
  return seconds;
}
