/**
 * A soak: the appliance as it is shipped captures drawn phantoms at full speed and publishes to mosquitto, for many more
 * captures than a device makes in a month.
 *
 *   node bench/soak.mjs [--captures 20000] [--json]
 *
 * Says how resident memory, open handles, the event loop's delay and the time from capture to published moved after the
 * first twentieth, and how large the journal became. Needs mosquitto and the compiled program.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { loadavg, tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { connectAsync } from 'mqtt';
import sharp from 'sharp';
import { PhantomPainter } from '../dist/capture/phantom/draw.js';
import { Journal } from '../dist/store/journal.js';
import { freePort, startBroker } from './support/broker.mjs';

const PHANTOMS = 50;
/** Milliseconds from one look at the process to the next. */
const LOOK = 1000;
/** Milliseconds between prom-client's looks at the event loop. */
const LAG_INTERVAL = 10;
const note = (line) => process.stderr.write(`${line}\n`);

const { values } = parseArgs({
  options: { captures: { type: 'string', default: '20000' }, json: { type: 'boolean', default: false } },
});
const total = Number(values.captures);
const warm = Math.ceil(total / 20);

async function drawPhantoms(folder) {
  mkdirSync(folder);
  const painter = new PhantomPainter();
  for (let i = 0; i < PHANTOMS; i++) {
    const { rgb, width, height } = painter.draw(i).frame;
    const raw = { width, height, channels: 3 };
    await sharp(rgb, { raw })
      .jpeg()
      .toFile(path.join(folder, `${i}.jpg`));
  }
}

const sorted = (numbers) => Float64Array.from(numbers).sort();
const quantile = (numbers, share) =>
  sorted(numbers)[Math.min(numbers.length - 1, Math.floor(share * numbers.length))];
const rounded = (value, digits = 1) => Number(value.toFixed(digits));

/** What the system and the process itself say of it. */
async function look(pid, url) {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8');
  const metrics = await (await fetch(url)).text();
  return {
    rss: Number(/^VmRSS:\s+(\d+) kB/m.exec(status)[1]) / 1024,
    handles: readdirSync(`/proc/${pid}/fd`).length,
    // Since the look before; Node counts from one look at the clock to the next, so that an idle loop shows the interval.
    loop: Number(/^nodejs_eventloop_lag_p99_seconds (\S+)/m.exec(metrics)[1]) * 1000 - LAG_INTERVAL,
    waiting: Number(/^spikescope_outbox_depth (\S+)/m.exec(metrics)[1]),
  };
}

async function soak(folder, url) {
  const times = [];
  const looks = [];
  const subscriber = await connectAsync(url, { protocolVersion: 5 });
  subscriber.on('message', (_, payload) => {
    const now = performance.timeOrigin + performance.now();
    times.push(now - Date.parse(JSON.parse(payload.toString()).capturedAt));
  });
  await subscriber.subscribeAsync('spikescope/+/result', { qos: 1 });
  const options = ['--source', `replay:${path.join(folder, 'phantoms')}`, '--count', String(total)];
  const program = ['bin/spikescope.mjs', 'run', ...options, '--broker', url, '--metrics', '0', '--json'];
  const child = spawn(process.execPath, [...program, '--data', path.join(folder, 'data')], {
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  process.once('exit', () => child.kill());
  const ended = once(child, 'exit');
  let said = '';
  child.stderr.on('data', (chunk) => {
    said += chunk;
  });
  const running = () => child.exitCode === null && child.signalCode === null;
  while (running() && !/metrics {2}(\S+)/.test(said)) await delay(50);
  const metricsUrl = /metrics {2}(\S+)/.exec(said)?.[1];
  for (let next = warm; running() && times.length < total; await delay(LOOK)) {
    const seen = await look(child.pid, metricsUrl).catch(() => null);
    if (seen !== null) looks.push({ ...seen, captures: times.length });
    for (; times.length >= next; next += warm) note(`soak: ${times.length} of ${total} results received`);
  }
  const [exitCode] = await ended;
  if (exitCode !== 0) throw new Error(`the appliance failed: ${said}`);
  while (times.length < total) await delay(50);
  await subscriber.endAsync(true);
  return { times, looks };
}

/** Median of the first and of the last fifth after the start, and the largest after it. */
function drift(looks, name) {
  const after = looks.filter(({ captures }) => captures >= warm).map((each) => each[name]);
  const fifth = Math.max(1, Math.floor(after.length / 5));
  return {
    first: rounded(quantile(after.slice(0, fifth), 0.5)),
    last: rounded(quantile(after.slice(-fifth), 0.5)),
    largest: rounded(Math.max(...after)),
  };
}

function latency(times) {
  const [median, p99] = [quantile(times, 0.5), quantile(times, 0.99)];
  return { median: rounded(median), p99: rounded(p99), ratio: rounded(p99 / median, 2) };
}

const folder = mkdtempSync(path.join(tmpdir(), 'soak-'));
try {
  await drawPhantoms(path.join(folder, 'phantoms'));
  const port = await freePort();
  const stop = await startBroker(folder, port);
  const started = performance.now();
  const { times, looks } = await soak(folder, `mqtt://127.0.0.1:${port}`);
  const seconds = (performance.now() - started) / 1000;
  await stop();
  const file = path.join(folder, 'data/journal.sqlite');
  const journal = Journal.open(file);
  const { sound } = journal.verify();
  const results = [...journal.entries()].length;
  const waiting = journal.depth();
  journal.close();
  const report = {
    results,
    received: times.length,
    sound,
    waiting,
    perSecond: rounded(total / seconds),
    load: rounded(loadavg()[1]),
    rss: drift(looks, 'rss'),
    handles: drift(looks, 'handles'),
    loopP99: drift(looks, 'loop'),
    outbox: drift(looks, 'waiting'),
    latency: latency(times.slice(warm)),
    latencyFirst: latency(times.slice(warm, 5 * warm)),
    latencyLast: latency(times.slice(-4 * warm)),
    journalBytesPerResult: Math.round(statSync(file).size / results),
  };
  if (values.json) process.stdout.write(`${JSON.stringify(report)}\n`);
  else {
    const of = ({ first, last, largest }, unit) => `${first} → ${last}${unit}, at most ${largest}`;
    const lines = [
      `${report.received} of ${results} results received, ${report.perSecond} a second, load ${report.load}`,
      `memory      ${of(report.rss, ' MB')}`,
      `handles     ${of(report.handles, '')}`,
      `event loop  p99 ${of(report.loopP99, ' ms')}`,
      `latency     median ${report.latency.median} ms, p99 ${report.latency.p99} ms, ${report.latency.ratio} ×`,
      `            ${report.latencyFirst.median} → ${report.latencyLast.median} ms in the median`,
      `journal     ${report.journalBytesPerResult} bytes a result, ${sound ? 'sound' : 'NOT SOUND'}, ${waiting} waiting`,
    ];
    process.stdout.write(`${lines.join('\n')}\n`);
  }
} finally {
  rmSync(folder, { recursive: true, force: true });
}
