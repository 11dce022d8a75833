/**
 * The device of an outage, a process of its own: records results without a pause, publishes when a broker is there.
 * Arguments: folder, address of the broker, number of results. On stdout: `memory BYTES` (resident) after every hundred
 * results and while it publishes, `recorded`, `settled`.
 */
import { randomUUID } from 'node:crypto';
import path from 'node:path';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { resultOf } from '../../runtime/appliance/make-result.ts';
import { MemoryKeeper } from '../../runtime/appliance/memory.ts';
import type { Reading } from '../../runtime/inference/reading.ts';
import { Journal } from '../../store/journal.ts';
import { TelehealthClient } from '../../telehealth/client.ts';
import { parseEndpoint } from '../../telehealth/endpoint.ts';
import { ResultPublisher } from '../../telehealth/publisher.ts';

const [folder, broker, count] = process.argv.slice(2);
const say = (line: string): boolean => process.stdout.write(`${line}\n`);
const classes = ['nv', 'mel', 'bkl', 'bcc', 'akiec', 'vasc', 'df'];
const model = { name: 'qana64', version: '1.0.0', digest: 'ab'.repeat(32) };
const device = 'scope-1';

/** What a capture gives, without a camera and a network: other numbers each time. */
function reading(): Reading {
  const shares = classes.map(() => Math.random());
  const sum = shares.reduce((total, share) => total + share, 0);
  return {
    accepted: true,
    reasons: [],
    diagnosis: 'nv',
    probabilities: Object.fromEntries(classes.map((name, i) => [name, shares[i] / sum])),
    potentials: {},
    tiled: false,
    crop: { x: 75, y: 0, side: 450 },
    quality: {
      shortSide: 450,
      clippedShare: 0,
      contrast: 20 * Math.random(),
      focus: 100 * Math.random(),
      noise: 1,
      constantBand: 0,
      highlight: 180,
      saturatedShare: 0,
    },
    timings: { decode: 9.8, quality: 0.3, crop: 0.1, inference: 0.4, readout: 0.02, total: 10.6 },
    model,
    backend: 'cpu',
  };
}

const journal = Journal.open(path.join(folder, 'journal.sqlite'));
const client = new TelehealthClient({
  endpoint: parseEndpoint(broker),
  device,
  model: { model, backend: 'cpu', instructionSet: 'none', classes },
  onOnline: () => publisher.wake(),
});
const memory = new MemoryKeeper();
const publisher = new ResultPublisher({ queue: journal, client, onFullBatch: () => memory.afterCapture() });
const ended = new AbortController();
const published = publisher.run(ended.signal);
client.start();
for (let i = 1; i <= Number(count); i++) {
  const result = resultOf(reading(), { id: randomUUID(), device, capturedAt: new Date(), source: 'replay' });
  journal.append({ id: result.id, capturedAt: result.capturedAt, payload: JSON.stringify(result) });
  publisher.wake();
  memory.afterCapture();
  if (i % 100 === 0) say(`memory ${process.memoryUsage.rss()}`);
  await nextTurn();
}
say('recorded');
const watch = setInterval(() => say(`memory ${process.memoryUsage.rss()}`), 100);

async function end(): Promise<void> {
  clearInterval(watch);
  ended.abort();
  await client.stop();
  await published;
  journal.close();
}

process.once('SIGTERM', () => void end());
while (!ended.signal.aborted && (await publisher.settle(60_000, ended.signal)) > 0);
say('settled');
