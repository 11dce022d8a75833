import { randomUUID } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { SpikescopeError } from '../../src/errors.ts';
import { Journal } from '../../src/store/journal.ts';
import { Backoff } from '../../src/telehealth/backoff.ts';
import { startEmbeddedBroker } from '../../src/telehealth/broker.ts';
import { TelehealthClient, type TelehealthOptions } from '../../src/telehealth/client.ts';
import { Connection, type Publication } from '../../src/telehealth/connection.ts';
import { faultOfCode } from '../../src/telehealth/connection-fault.ts';
import { addressOf, parseEndpoint } from '../../src/telehealth/endpoint.ts';
import { ResultPublisher } from '../../src/telehealth/publisher.ts';
import { ResultSubscriber } from '../../src/telehealth/subscriber.ts';
import { type Listener, listenTo } from '../support/listener.ts';
import { modelInUse as model } from '../support/model-in-use.ts';
import {
  freePort,
  hasMosquitto,
  type Mosquitto,
  type MosquittoOptions,
  startMosquitto,
} from '../support/mosquitto.ts';

const STATUS = 'spikescope/scope-1/status';

function publication(payload: string): Publication {
  const userProperties = { schema: 'spikescope/result/1', device: 'scope-1', model: 'qana64@1.0.0' };
  return { topic: 'spikescope/scope-1/result', payload, retain: false, userProperties };
}

/** Milliseconds for what needs none on an idle machine. */
const PATIENCE = 60_000;

let undo: (() => unknown)[];
beforeEach(() => {
  undo = [];
});
afterEach(async () => {
  for (const action of undo.reverse()) await action();
});

async function mosquitto(options?: MosquittoOptions): Promise<Mosquitto> {
  const broker = await startMosquitto(options);
  undo.push(() => broker.stop());
  return broker;
}

async function listener(url: string, version?: 4 | 5): Promise<Listener> {
  const listening = await listenTo(url, version);
  undo.push(() => listening.close());
  return listening;
}

function client(url: string, options: Partial<TelehealthOptions> = {}): TelehealthClient {
  const started = new TelehealthClient({
    endpoint: parseEndpoint(url),
    device: 'scope-1',
    model,
    ...options,
  });
  started.start();
  undo.push(() => started.stop());
  return started;
}

function temporaryFolder(): string {
  const folder = mkdtempSync(path.join(tmpdir(), 'client-'));
  undo.push(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

function statuses(listening: Listener): unknown[] {
  return listening.heard
    .filter(({ topic }) => topic === STATUS)
    .map(({ payload }) => JSON.parse(payload).status);
}

describe('a device on the embedded broker', () => {
  it('listens on loopback alone and is reached with MQTT 3.1.1, also by who tries 5 first', async () => {
    const broker = await startEmbeddedBroker();
    undo.push(() => broker.close());
    expect(broker.endpoint.host).toBe('127.0.0.1');
    const connection = await Connection.open(parseEndpoint(addressOf(broker.endpoint)), { clientId: 'x' });
    expect(connection.protocolVersion).toBe(4);
    await connection.close();
  });

  it('is online for who comes late, and stopped after the end', async () => {
    const broker = await startEmbeddedBroker();
    undo.push(() => broker.close());
    const url = addressOf(broker.endpoint);
    const device = client(url);
    expect(await device.waitOnline(PATIENCE)).toBe(true);
    const late = await listener(url, 4);
    expect(await late.first(({ topic }) => topic === STATUS, 'status')).toMatchObject({ retained: true });
    await late.first(({ topic }) => topic === 'spikescope/scope-1/model', 'model');
    await device.stop();
    await late.first(({ payload }) => payload.includes('"stopped"'), 'stopped');
    expect(statuses(late)).toEqual(['online', 'stopped']);
  });

  it('says that a port is taken', async () => {
    const broker = await startEmbeddedBroker();
    undo.push(() => broker.close());
    await expect(startEmbeddedBroker(broker.endpoint.port)).rejects.toMatchObject({ code: 'BROKER_PORT' });
  });
});

describe.skipIf(!hasMosquitto)('a device on mosquitto', () => {
  it('describes its messages by MQTT 5 properties', async () => {
    const { url } = await mosquitto();
    const listening = await listener(url);
    const device = client(url);
    await device.waitOnline(PATIENCE);
    await device.publish(publication('{"any":"result"}'));
    const result = await listening.first(({ topic }) => topic.endsWith('/result'), 'result');
    expect(result.packet).toMatchObject({
      qos: 1,
      retain: false,
      properties: {
        contentType: 'application/json',
        payloadFormatIndicator: true,
        userProperties: { schema: 'spikescope/result/1', device: 'scope-1', model: 'qana64@1.0.0' },
      },
    });
    const online = await listening.first(({ topic }) => topic === STATUS, 'status');
    expect(online.packet.properties?.userProperties).toMatchObject({ schema: 'spikescope/status/1' });
  });

  it('is offline by its last will when its connection breaks, and online again after', async () => {
    const { port, url } = await mosquitto();
    const listening = await listener(url);
    const wire = await breakableWire(port);
    const device = client(wire.url);
    await device.waitOnline(PATIENCE);
    await listening.first(({ payload }) => payload.includes('"online"'), 'online');
    wire.break();
    await listening.first(({ payload }) => payload.includes('"offline"'), 'offline');
    await expect.poll(() => statuses(listening)).toEqual(['online', 'offline', 'online']);
    const late = await listener(url);
    const retained = await late.first(({ topic }) => topic === STATUS, 'retained status');
    expect(JSON.parse(retained.payload).status).toBe('online');
  });

  it('is told when its credentials are wrong', async () => {
    const { url } = await mosquitto({ configuration: ['allow_anonymous false'] });
    await expect(Connection.open(parseEndpoint(url), { clientId: 'x' })).rejects.toMatchObject({
      code: 'BROKER_REFUSED',
    });
  });

  it('publishes also where it may not read what it publishes', async () => {
    const { url } = await mosquitto({
      configuration: ['allow_anonymous true', 'acl_file {folder}/acl'],
      files: { acl: 'topic write spikescope/#\n' },
    });
    const received: string[] = [];
    const subscriber = new ResultSubscriber({
      endpoint: parseEndpoint(url),
      device: 'scope-1',
      onResult: (payload) => received.push(payload),
    });
    subscriber.start();
    undo.push(() => subscriber.stop());
    await expect.poll(() => subscriber.isSubscribed || subscriber.isRefused).toBe(true);
    const device = client(url);
    await device.waitOnline(PATIENCE);
    await device.publish(publication('{}'));
    expect(received).toEqual([]);
  });
});

describe('a reason code', () => {
  it.each([
    [132, 'BROKER_VERSION'],
    [135, 'BROKER_REFUSED'],
    [142, 'BROKER_SESSION_TAKEN'],
    [151, 'BROKER_LOST'],
  ])('%d is %s', (reasonCode, code) => {
    const fault = faultOfCode(reasonCode, 'mqtt://broker:1883');
    expect(fault.code).toBe(code);
    expect(fault.describe()).toMatch(/mqtt:\/\/broker:1883.*To mend it/);
  });
});

describe('a broker that cannot be reached', () => {
  it('is named, and the client goes on trying and stops at once when asked', async () => {
    const reasons: SpikescopeError[] = [];
    const device = client(`mqtt://127.0.0.1:${await freePort()}`, {
      onOffline: (reason) => reasons.push(reason),
    });
    await expect.poll(() => reasons.length).toBeGreaterThan(1);
    expect(reasons[0]).toMatchObject({ code: 'BROKER_UNREACHABLE' });
    expect(reasons[0].describe()).toMatch(/ECONNREFUSED.*To mend it/);
    expect(await device.waitOnline(1)).toBe(false);
    await expect(device.publish(publication('{}'))).rejects.toMatchObject({ code: 'BROKER_LOST' });
    await device.stop();
  });

  it('does not hold up the end when it accepts connections and says nothing', async () => {
    const silent = createServer();
    await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve));
    undo.push(() => silent.close());
    const address = silent.address();
    if (typeof address !== 'object' || address === null) throw new Error('no address');
    const sockets: Socket[] = [];
    silent.on('connection', (socket) => sockets.push(socket));
    const device = client(`mqtt://127.0.0.1:${address.port}`);
    await expect.poll(() => sockets.length).toBe(1);
    await device.stop();
    for (const socket of sockets) socket.destroy();
  });

  it('is asked again after pauses that grow, differ, have a bound, and start over after a success', () => {
    const schedules = Array.from({ length: 50 }, () => {
      const backoff = new Backoff();
      return { backoff, pauses: Array.from({ length: 12 }, () => backoff.next()) };
    });
    for (const { backoff, pauses } of schedules) {
      for (const [attempt, pause] of pauses.entries()) {
        const most = Math.min(30_000, 250 * 2 ** attempt);
        expect(pause).toBeGreaterThanOrEqual(Math.floor(most / 2));
        expect(pause).toBeLessThanOrEqual(most);
      }
      backoff.reset();
      expect(backoff.next()).toBeLessThanOrEqual(250);
    }
    expect(new Set(schedules.map(({ pauses }) => pauses[11])).size).toBeGreaterThan(25);
  });
});

describe.skipIf(!hasMosquitto)('the publisher', () => {
  function journal(): Journal {
    const opened = Journal.open(path.join(temporaryFolder(), 'journal.sqlite'));
    undo.push(() => opened.close());
    return opened;
  }

  function record(into: Journal): string {
    const id = randomUUID();
    into.append({ id, capturedAt: new Date().toISOString(), payload: JSON.stringify({ id }) });
    return id;
  }

  function publish(queue: Journal, device: TelehealthClient): ResultPublisher {
    const publisher = new ResultPublisher({ queue, client: device });
    const ended = new AbortController();
    const running = publisher.run(ended.signal);
    undo.push(async () => {
      ended.abort();
      await running;
    });
    return publisher;
  }

  const idsHeard = ({ heard }: Listener) =>
    heard.filter(({ topic }) => topic.endsWith('/result')).map(({ payload }) => JSON.parse(payload).id);
  const forever = new AbortController().signal;

  it('publishes in the order of the journal, and what a broker missed when it is back', async () => {
    const queue = journal();
    const port = await freePort();
    const first = await mosquitto({ port });
    const device = client(first.url, { onOnline: () => publisher.wake() });
    const publisher = publish(queue, device);
    const listening = await listener(first.url);
    const before = Array.from({ length: 30 }, () => record(queue));
    publisher.wake();
    expect(await publisher.settle(PATIENCE, forever)).toBe(0);
    // That the broker has them does not say that it has passed them on.
    await expect.poll(() => idsHeard(listening)).toEqual(before);
    await first.stop();
    await expect.poll(() => device.isOnline).toBe(false);
    const during = Array.from({ length: 40 }, () => record(queue));
    publisher.wake();
    expect(queue.depth()).toBe(40);
    await mosquitto({ port });
    const again = await listener(`mqtt://127.0.0.1:${port}`);
    expect(await publisher.settle(PATIENCE, forever)).toBe(0);
    // The device may have been back before this listener; the journal knows that all were acknowledged.
    expect(queue.depth()).toBe(0);
    expect(during).toEqual(expect.arrayContaining(idsHeard(again)));
  });

  it('sends what earlier runs have left, before its own', async () => {
    const file = path.join(temporaryFolder(), 'journal.sqlite');
    const earlier = Journal.open(file);
    const left = Array.from({ length: 5 }, () => record(earlier));
    earlier.close();
    const queue = Journal.open(file);
    undo.push(() => queue.close());
    const own = record(queue);
    const { url } = await mosquitto();
    const listening = await listener(url);
    const device = client(url, { onOnline: () => publisher.wake() });
    const publisher = publish(queue, device);
    expect(await publisher.settle(PATIENCE, forever)).toBe(0);
    await expect.poll(() => idsHeard(listening)).toEqual([...left, own]);
  });

  it('sends again, under the same id, what was not acknowledged before the link broke', async () => {
    const queue = journal();
    const { port, url } = await mosquitto();
    const wire = await breakableWire(port);
    const listening = await listener(url);
    const device = client(wire.url, { onOnline: () => publisher.wake() });
    const publisher = publish(queue, device);
    await device.waitOnline(PATIENCE);
    const sent: string[] = [];
    for (let round = 0; round < 5; round++) {
      for (let i = 0; i < 20; i++) sent.push(record(queue));
      publisher.wake();
      await new Promise((resolve) => setTimeout(resolve, 3 * round));
      wire.break();
      await device.waitOnline(PATIENCE);
    }
    expect(await publisher.settle(PATIENCE, forever)).toBe(0);
    await expect.poll(() => new Set(idsHeard(listening)).size).toBe(sent.length);
    expect([...new Set(idsHeard(listening))].sort()).toEqual([...sent].sort());
  });
});

/** A way to a broker that can be cut. */
async function breakableWire(port: number): Promise<{ url: string; break(): void }> {
  const { connect } = await import('node:net');
  const open = new Set<Socket>();
  const server = createServer((near) => {
    const far = connect(port, '127.0.0.1');
    for (const [from, to] of [
      [near, far],
      [far, near],
    ] as const) {
      open.add(from);
      from.on('error', () => {});
      from.on('close', () => {
        open.delete(from);
        to.destroy();
      });
      from.pipe(to);
    }
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  if (typeof address !== 'object' || address === null) throw new Error('no address');
  const cut = () => {
    for (const socket of open) socket.destroy();
  };
  undo.push(() => {
    cut();
    server.close();
  });
  return { url: `mqtt://127.0.0.1:${address.port}`, break: cut };
}
