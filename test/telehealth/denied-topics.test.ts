import { randomUUID } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { connectAsync } from 'mqtt';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { SpikescopeError } from '../../src/errors.ts';
import { Journal } from '../../src/store/journal.ts';
import { Backoff } from '../../src/telehealth/backoff.ts';
import { TelehealthClient } from '../../src/telehealth/client.ts';
import { parseEndpoint } from '../../src/telehealth/endpoint.ts';
import { ResultPublisher } from '../../src/telehealth/publisher.ts';
import { modelInUse as model } from '../support/model-in-use.ts';
import { hasMosquitto, startMosquitto } from '../support/mosquitto.ts';
import { PACKET, startProxy } from '../support/mqtt-proxy.ts';

let undo: (() => unknown)[];
beforeEach(() => {
  undo = [];
});
afterEach(async () => {
  for (const action of undo.reverse()) await action();
});

/** The access list that the page prints. */
function printedAccessList(): string {
  const page = readFileSync('docs/use/mqtt.md', 'utf8');
  const block = /```\n(# \/etc\/mosquitto\/acl\n[\s\S]*?)```/.exec(page);
  if (block === null) throw new Error('the page prints no access list');
  return block[1];
}

interface Scene {
  readonly client: TelehealthClient;
  readonly publisher: ResultPublisher;
  readonly told: readonly SpikescopeError[];
  readonly heard: readonly string[];
  /** Connections that the device has made. */
  connections(): number;
}

/**
 * A device with three results and a verdict on each, on the way to a broker with this access list. `denied`: topics at which
 * the way hangs up, as some brokers do.
 */
async function scene(acl: string, denied: readonly string[] = []): Promise<Scene> {
  const broker = await startMosquitto({
    configuration: ['allow_anonymous true', 'acl_file {folder}/acl', 'max_queued_messages 0'],
    files: { acl: `${acl}\nuser reader\ntopic readwrite #\n` },
  });
  undo.push(() => broker.stop());
  const reader = await connectAsync(broker.url, { username: 'reader', protocolVersion: 5 });
  undo.push(() => reader.endAsync(true));
  const heard: string[] = [];
  reader.on('message', (topic) => heard.push(topic));
  await reader.subscribeAsync('#', { qos: 1 });
  let connections = 0;
  const proxy = await startProxy(broker.port, ({ type, direction, bytes }, cut) => {
    if (type === PACKET.connect) connections++;
    const names = (topic: string): boolean => bytes.includes(topic);
    if (direction === 'up' && [3, 8].includes(type) && denied.some(names)) {
      cut();
      return 'drop';
    }
    return 'pass';
  });
  undo.push(() => proxy.close());
  const folder = mkdtempSync(path.join(tmpdir(), 'denied-'));
  undo.push(() => rmSync(folder, { recursive: true, force: true }));
  const journal = Journal.open(path.join(folder, 'journal.sqlite'));
  undo.push(() => journal.close());
  for (let i = 0; i < 3; i++) {
    const id = randomUUID();
    journal.append({ id, capturedAt: new Date().toISOString(), payload: JSON.stringify({ id }) });
    const label = JSON.stringify({ schema: 'spikescope/label/1', id: randomUUID(), result: id });
    journal.record([{ kind: 'label', caseId: id, payload: label, isMessage: true }]);
  }
  const told: SpikescopeError[] = [];
  const client = new TelehealthClient({
    endpoint: parseEndpoint(proxy.url.replace('mqtt://', 'mqtt://scope-1:x@')),
    device: 'scope-1',
    model,
    onCommand: () => {},
    discovery: { prefix: 'homeassistant', allowed: new Set() },
    afterResults: () => publisher.round(),
    onOnline: () => publisher.wake(),
    onRefused: (fault) => told.push(fault),
    backoff: new Backoff({ shortest: 10, longest: 50 }),
  });
  const publisher = new ResultPublisher({
    queue: journal,
    client,
    backoff: new Backoff({ shortest: 10, longest: 50 }),
  });
  const ended = new AbortController();
  const running = publisher.run(ended.signal);
  undo.push(async () => {
    ended.abort();
    await running;
  });
  client.start();
  undo.push(() => client.stop());
  return { client, publisher, told, heard, connections: () => connections };
}

const EVERYTHING = 'user scope-1\ntopic readwrite #';
const DISCOVERY = 'homeassistant/device/spikescope-scope-1/config';
const forever = new AbortController().signal;
const resultsIn = ({ heard }: Scene) => heard.filter((topic) => topic.endsWith('/result')).length;

describe.skipIf(!hasMosquitto)('a broker that does not allow every topic', () => {
  it('with the access list of the page allows all that the device does', async () => {
    const allowed = await scene(printedAccessList());
    await expect.poll(() => allowed.heard.includes(DISCOVERY)).toBe(true);
    expect(await allowed.publisher.settle(20_000, forever)).toBe(0);
    expect(allowed.told).toEqual([]);
    expect(allowed.connections()).toBe(1);
  });

  it('and hangs up at one gets every result before it is asked, and is not asked for ever', async () => {
    const denying = await scene(EVERYTHING, ['homeassistant/']);
    await expect.poll(() => denying.told.length).toBe(1);
    expect(denying.told).toMatchObject([{ code: 'BROKER_TOPIC_DENIED', details: { field: DISCOVERY } }]);
    expect(await denying.publisher.settle(20_000, forever)).toBe(0);
    expect(resultsIn(denying)).toBe(3);
    await denying.client.waitOnline(20_000);
    expect(denying.connections()).toBe(3);
  });

  it('and hangs up at verdicts gets every result, and is asked for them twice', async () => {
    const denying = await scene(EVERYTHING, ['/label']);
    await expect.poll(() => denying.told.length).toBe(1);
    expect(denying.told).toMatchObject([{ details: { field: 'spikescope/scope-1/label' } }]);
    expect(await denying.publisher.settle(20_000, forever)).toBe(3);
    expect(resultsIn(denying)).toBe(3);
    expect(denying.connections()).toBe(3);
  });

  it('and hangs up at all but results gets the results, and is told of each once', async () => {
    const denying = await scene(EVERYTHING, ['/label', '/status', '/model', '/command/', 'homeassistant/']);
    expect(await denying.publisher.settle(60_000, forever)).toBe(3);
    expect(resultsIn(denying)).toBe(3);
    await expect.poll(() => denying.told.length).toBe(5);
    expect(new Set(denying.told.map(({ details }) => details.field)).size).toBe(5);
  });

  it('and hangs up at the topic that a command names for its answer gets the answer on the device’s own', async () => {
    const denying = await scene(EVERYTHING, ['clinic/answers']);
    await denying.client.waitOnline(20_000);
    const own = 'spikescope/scope-1/response';
    const answer = { topic: 'clinic/answers', payload: '{}', retain: false };
    await denying.client.answer(answer, own, 'clinic/answers');
    await expect.poll(() => denying.heard.includes(own)).toBe(true);
  });
});
