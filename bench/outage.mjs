/**
 * A broker that is away: results queue up during an outage in which the device is killed twice, and are then published.
 *
 *   node bench/outage.mjs [--results 10000] [--json]
 *
 * Says what arrived, in which order, how much the device's memory grew, and how long publishing took beside a plain
 * mqtt.js client that sends the same payloads to the same broker. Needs mosquitto and the compiled program.
 */
import { spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { connect as connectSocket, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { connectAsync } from 'mqtt';
import { Journal } from '../dist/store/journal.js';
import { freePort, startBroker } from './support/broker.mjs';

const DEVICE = fileURLToPath(new URL('outage-device.mjs', import.meta.url));
const RUNS = 3;
const WINDOW = 16;
const POLL = 20;
/** Milliseconds without a result after which no more are expected; the device pauses for half a minute at most. */
const PATIENCE = 120_000;
const note = (line) => process.stderr.write(`${line}\n`);

const { values } = parseArgs({
  options: { results: { type: 'string', default: '10000' }, json: { type: 'boolean', default: false } },
});
const total = Number(values.results);

/** The way to the broker, which can be away while the broker's subscribers are there already. */
async function openWay(port, broker) {
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
  return () => server.close();
}

/** Everything that comes on the result topic, and how long it took from the first to the last. */
async function listen(url) {
  const client = await connectAsync(url, { protocolVersion: 5 });
  const payloads = [];
  let first = 0;
  client.on('message', (_, payload) => {
    if (payloads.length === 0) first = performance.now();
    payloads.push(payload.toString());
  });
  await client.subscribeAsync('spikescope/+/result', { qos: 1 });
  return {
    payloads,
    seconds: () => (performance.now() - first) / 1000,
    async until(count) {
      const distinct = new Set();
      let seen = 0;
      let idle = 0;
      while (distinct.size < count) {
        idle = seen === payloads.length ? idle + 1 : 0;
        if (idle * POLL > PATIENCE) throw new Error(`${distinct.size} of ${count} results came, and no more`);
        for (; seen < payloads.length; seen++) distinct.add(payloads[seen]);
        await delay(POLL);
      }
    },
    end: () => client.endAsync(true),
  };
}

/** One life of the device; resolved once `until` has come on its stdout. */
async function device(folder, url, count, until) {
  const child = spawn(process.execPath, [DEVICE, folder, url, String(count)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const memory = [];
  const lines = createInterface({ input: child.stdout });
  const reached = new Map();
  lines.on('line', (line) => {
    const [what, value] = line.split(' ');
    if (what === 'memory') memory.push(Number(value));
    reached.get(what)?.();
  });
  const wait = (what) => new Promise((resolve) => reached.set(what, resolve));
  const recorded = wait('recorded');
  const settled = wait('settled');
  await (until === 'recorded' ? recorded : Promise.resolve());
  return { child, memory, recorded, settled };
}

function growth(memory) {
  return Number(((Math.max(...memory) - memory[0]) / 2 ** 20).toFixed(1));
}

async function outage(folder, port, broker) {
  const url = `mqtt://127.0.0.1:${port}`;
  const stop = await startBroker(folder, broker);
  const listener = await listen(`mqtt://127.0.0.1:${broker}`);
  const grown = [];
  for (let run = 0; run < RUNS - 1; run++) {
    const life = await device(folder, url, Math.floor(total / RUNS), 'recorded');
    life.child.kill('SIGKILL');
    await once(life.child, 'close');
    grown.push(growth(life.memory));
    note(`outage: run ${run + 1} of ${RUNS} killed with its results in the journal`);
  }
  const last = await device(folder, url, total - (RUNS - 1) * Math.floor(total / RUNS), 'recorded');
  const closeWay = await openWay(port, broker);
  await listener.until(total);
  const seconds = listener.seconds();
  await last.settled;
  last.child.kill('SIGTERM');
  await once(last.child, 'close');
  grown.push(growth(last.memory));
  closeWay();
  await listener.end();
  await stop();
  return { payloads: listener.payloads, seconds, grown };
}

/** The same payloads by a client that remembers nothing: what the broker itself takes. */
async function plain(folder, port, broker, payloads) {
  const stop = await startBroker(folder, broker);
  const listener = await listen(`mqtt://127.0.0.1:${broker}`);
  const closeWay = await openWay(port, broker);
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

const folder = mkdtempSync(path.join(tmpdir(), `outage-${randomUUID().slice(0, 8)}-`));
try {
  const { payloads, seconds, grown } = await outage(folder, await freePort(), await freePort());
  const journal = Journal.open(path.join(folder, 'journal.sqlite'));
  const recorded = [...journal.entries()].map(({ payload }) => payload);
  const { sound } = journal.verify();
  const waiting = journal.depth();
  journal.close();
  const distinct = [...new Set(payloads)];
  const plainSeconds = await plain(folder, await freePort(), await freePort(), recorded);
  const report = {
    results: recorded.length,
    received: distinct.length,
    repeats: payloads.length - distinct.length,
    inOrder: distinct.every((payload, i) => payload === recorded[i]),
    sound,
    waiting,
    memoryGrowth: grown,
    seconds: Number(seconds.toFixed(2)),
    plainSeconds: Number(plainSeconds.toFixed(2)),
    perSecond: Math.round(distinct.length / seconds),
  };
  if (values.json) process.stdout.write(`${JSON.stringify(report)}\n`);
  else {
    const { results, received, repeats, inOrder, memoryGrowth, perSecond } = report;
    process.stdout.write(
      `${received} of ${results} results received, ${repeats} repeats dropped, ${inOrder ? 'in order' : 'OUT OF ORDER'}\n` +
        `${perSecond} a second from the first on; a plain client takes ${report.plainSeconds} s for what took ${report.seconds} s\n` +
        `memory grew by ${memoryGrowth.join(', ')} MB in the ${RUNS} runs\n`,
    );
  }
} finally {
  rmSync(folder, { recursive: true, force: true });
}
