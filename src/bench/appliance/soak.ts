/**
 * A soak: the appliance as it is shipped captures drawn phantoms at full speed and publishes to mosquitto, for many more
 * captures than a device makes in a month.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { loadavg, tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { connectAsync } from 'mqtt';
import sharp from 'sharp';
import { z } from 'zod';
import { PhantomPainter } from '../../capture/phantom/draw.ts';
import { SpikescopeError } from '../../errors.ts';
import { quantile } from '../../statistics/resampling.ts';
import { Journal } from '../../store/journal.ts';
import { freePort, startBroker } from './broker.ts';

const PROGRAM = fileURLToPath(new URL('../../../bin/spikescope.mjs', import.meta.url));
const PHANTOMS = 50;
/** Milliseconds from one look at the process to the next. */
const LOOK = 1000;
/** Milliseconds between prom-client's looks at the event loop. */
const LAG_INTERVAL = 10;

/** What a look at the process sees: megabytes, open files, milliseconds, messages. */
interface Look {
  readonly rss: number;
  readonly handles: number;
  readonly loop: number;
  readonly waiting: number;
  readonly captures: number;
}

/** Medians of the first and of the last fifth after the start, and the largest after it. */
export interface Drift {
  readonly first: number;
  readonly last: number;
  readonly largest: number;
}

/** Milliseconds from capture to received. */
export interface SoakLatency {
  readonly median: number;
  readonly p99: number;
  /** p99 / median. */
  readonly ratio: number;
}

export interface SoakReport {
  readonly results: number;
  readonly received: number;
  readonly sound: boolean;
  readonly waiting: number;
  readonly perSecond: number;
  readonly load: number;
  /** Megabytes. */
  readonly rss: Drift;
  readonly handles: Drift;
  /** Milliseconds. */
  readonly loopP99: Drift;
  readonly outbox: Drift;
  readonly latency: SoakLatency;
  readonly latencyFirst: SoakLatency;
  readonly latencyLast: SoakLatency;
  readonly journalBytesPerResult: number;
}

const capturedSchema = z.object({ capturedAt: z.string() });

/**
 * @param total captures
 * @param note called with each line of progress
 * @throws SpikescopeError `BENCH_BROKER`, `BENCH_PROCESS`
 */
export async function measureSoak(total: number, note: (line: string) => void): Promise<SoakReport> {
  const folder = mkdtempSync(path.join(tmpdir(), 'soak-'));
  const warm = Math.ceil(total / 20);
  try {
    await drawPhantoms(path.join(folder, 'phantoms'));
    const port = await freePort();
    const stop = await startBroker(folder, port);
    const started = performance.now();
    const { times, looks } = await soak(folder, `mqtt://127.0.0.1:${port}`, { total, warm, note });
    const seconds = (performance.now() - started) / 1000;
    await stop();
    const after = looks.filter(({ captures }) => captures >= warm);
    return {
      ...journalOf(path.join(folder, 'data/journal.sqlite')),
      received: times.length,
      perSecond: rounded(total / seconds),
      load: rounded(loadavg()[1]),
      rss: drift(after.map(({ rss }) => rss)),
      handles: drift(after.map(({ handles }) => handles)),
      loopP99: drift(after.map(({ loop }) => loop)),
      outbox: drift(after.map(({ waiting }) => waiting)),
      latency: latency(times.slice(warm)),
      latencyFirst: latency(times.slice(warm, 5 * warm)),
      latencyLast: latency(times.slice(-4 * warm)),
    };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

async function drawPhantoms(folder: string): Promise<void> {
  mkdirSync(folder);
  const painter = new PhantomPainter();
  for (let i = 0; i < PHANTOMS; i++) {
    const { rgb, width, height } = painter.draw(i).frame;
    await sharp(rgb, { raw: { width, height, channels: 3 } })
      .jpeg()
      .toFile(path.join(folder, `${i}.jpg`));
  }
}

interface Plan {
  readonly total: number;
  /** Captures after which memory counts. */
  readonly warm: number;
  readonly note: (line: string) => void;
}

async function soak(folder: string, url: string, { total, warm, note }: Plan) {
  const times: number[] = [];
  const looks: Look[] = [];
  const subscriber = await connectAsync(url, { protocolVersion: 5 });
  subscriber.on('message', (_, payload) => {
    const now = performance.timeOrigin + performance.now();
    times.push(now - Date.parse(capturedSchema.parse(JSON.parse(payload.toString())).capturedAt));
  });
  await subscriber.subscribeAsync('spikescope/+/result', { qos: 1 });
  const appliance = startAppliance(folder, url, total);
  const metricsUrl = await appliance.metricsUrl();
  for (let next = warm; appliance.isRunning() && times.length < total; await delay(LOOK)) {
    const seen = await lookAt(appliance.pid, metricsUrl).catch(() => null);
    if (seen !== null) looks.push({ ...seen, captures: times.length });
    for (; times.length >= next; next += warm) note(`soak: ${times.length} of ${total} results received`);
  }
  await appliance.ended();
  while (times.length < total) await delay(50);
  await subscriber.endAsync(true);
  return { times, looks };
}

function startAppliance(folder: string, url: string, total: number) {
  const source = ['--source', `replay:${path.join(folder, 'phantoms')}`, '--count', String(total)];
  const rest = ['--broker', url, '--metrics', '0', '--json', '--data', path.join(folder, 'data')];
  const child = spawn(process.execPath, [PROGRAM, 'run', ...source, ...rest], {
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  process.once('exit', () => child.kill());
  const exited = once(child, 'exit');
  let said = '';
  child.stderr.on('data', (chunk: Buffer) => {
    said += chunk.toString();
  });
  const isRunning = () => child.exitCode === null && child.signalCode === null;
  const fault = () =>
    new SpikescopeError('BENCH_PROCESS', 'The appliance failed', {
      received: said.trim().split('\n').at(-1) ?? '',
    });
  return {
    pid: child.pid ?? 0,
    isRunning,
    async metricsUrl(): Promise<string> {
      for (;;) {
        const [, found] = /metrics {2}(\S+)/.exec(said) ?? [];
        if (found !== undefined) return found;
        if (!isRunning()) throw fault();
        await delay(50);
      }
    },
    async ended(): Promise<void> {
      const [exitCode] = await exited;
      if (exitCode !== 0) throw fault();
    },
  };
}

/** What the system and the process itself say of it. */
async function lookAt(pid: number, url: string): Promise<Omit<Look, 'captures'>> {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8');
  const metrics = await (await fetch(url)).text();
  const numberIn = (text: string, pattern: RegExp) => Number(pattern.exec(text)?.[1]);
  return {
    rss: numberIn(status, /^VmRSS:\s+(\d+) kB/m) / 1024,
    handles: readdirSync(`/proc/${pid}/fd`).length,
    // Since the look before; Node counts from one look at the clock to the next, so that an idle loop shows the interval.
    loop: numberIn(metrics, /^nodejs_eventloop_lag_p99_seconds (\S+)/m) * 1000 - LAG_INTERVAL,
    waiting: numberIn(metrics, /^spikescope_outbox_depth (\S+)/m),
  };
}

function journalOf(file: string) {
  const journal = Journal.open(file);
  const { sound } = journal.verify();
  const results = [...journal.entries()].length;
  const waiting = journal.depth();
  journal.close();
  return { results, sound, waiting, journalBytesPerResult: Math.round(statSync(file).size / results) };
}

function drift(values: readonly number[]): Drift {
  const fifth = Math.max(1, Math.floor(values.length / 5));
  return {
    first: rounded(quantileOf(values.slice(0, fifth), 0.5)),
    last: rounded(quantileOf(values.slice(-fifth), 0.5)),
    largest: rounded(Math.max(...values)),
  };
}

function latency(times: readonly number[]): SoakLatency {
  const [median, p99] = [quantileOf(times, 0.5), quantileOf(times, 0.99)];
  return { median: rounded(median), p99: rounded(p99), ratio: rounded(p99 / median, 2) };
}

function quantileOf(values: readonly number[], share: number): number {
  return quantile(Float64Array.from(values).sort(), share);
}

function rounded(value: number, digits = 1): number {
  return Number(value.toFixed(digits));
}
