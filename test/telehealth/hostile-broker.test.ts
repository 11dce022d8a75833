import { randomUUID } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Journal } from '../../src/store/journal.ts';
import { Backoff } from '../../src/telehealth/backoff.ts';
import { TelehealthClient } from '../../src/telehealth/client.ts';
import { parseEndpoint } from '../../src/telehealth/endpoint.ts';
import { ResultPublisher } from '../../src/telehealth/publisher.ts';
import { type Listener, listenTo } from '../support/listener.ts';
import { modelInUse as model } from '../support/model-in-use.ts';
import { hasMosquitto, type Mosquitto, startMosquitto } from '../support/mosquitto.ts';
import { PACKET, type Packet, packetIdOf, puback, startProxy, type Verdict } from '../support/mqtt-proxy.ts';
import { Random } from '../support/random.ts';

const RESULTS = 60;
const SESSION = 5;

let undo: (() => unknown)[];
beforeEach(() => {
  undo = [];
});
afterEach(async () => {
  for (const action of undo.reverse()) await action();
});

interface Scene {
  readonly journal: Journal;
  readonly publisher: ResultPublisher;
  readonly listener: Listener;
  /** Identifiers in the order of recording. */
  readonly recorded: readonly string[];
}

/** A device with results in sessions of five, on a way to mosquitto that `judge` commands. */
async function scene(judge: (packet: Packet, cut: () => void) => Verdict): Promise<Scene> {
  const folder = mkdtempSync(path.join(tmpdir(), 'hostile-broker-'));
  undo.push(() => rmSync(folder, { recursive: true, force: true }));
  const journal = Journal.open(path.join(folder, 'journal.sqlite'));
  undo.push(() => journal.close());
  const recorded = Array.from({ length: RESULTS }, (_, i) => {
    const id = randomUUID();
    const session = `session-${Math.floor(i / SESSION)}`;
    journal.append({ id, capturedAt: new Date().toISOString(), payload: JSON.stringify({ id, i }), session });
    return id;
  });
  const broker: Mosquitto = await startMosquitto();
  undo.push(() => broker.stop());
  const listener = await listenTo(broker.url);
  undo.push(() => listener.close());
  const proxy = await startProxy(broker.port, judge);
  undo.push(() => proxy.close());
  const client = new TelehealthClient({
    endpoint: { ...parseEndpoint(proxy.url), versions: [5] },
    device: 'scope-1',
    model,
    onOnline: () => publisher.wake(),
    patience: 400,
    backoff: new Backoff({ shortest: 10, longest: 50 }),
  });
  const backoff = new Backoff({ shortest: 10, longest: 50 });
  const publisher = new ResultPublisher({ queue: journal, client, backoff });
  const ended = new AbortController();
  const running = publisher.run(ended.signal);
  undo.push(async () => {
    ended.abort();
    await running;
  });
  client.start();
  undo.push(() => client.stop());
  return { journal, publisher, listener, recorded };
}

/** Identifiers as a receiver has them that drops repeats. */
function receivedOnce({ listener }: Scene): string[] {
  const ids = listener.heard
    .filter(({ topic }) => topic === 'spikescope/scope-1/result')
    .map(({ payload }): string => JSON.parse(payload).id);
  return [...new Set(ids)];
}

const sessionOf = ({ recorded }: Scene, id: string) => Math.floor(recorded.indexOf(id) / SESSION);

async function expectAllInOrder(scene: Scene): Promise<void> {
  expect(await scene.publisher.settle(90_000, new AbortController().signal)).toBe(0);
  await expect.poll(() => receivedOnce(scene).length, { timeout: 10_000 }).toBe(RESULTS);
  const received = receivedOnce(scene);
  for (let session = 0; session < RESULTS / SESSION; session++) {
    expect(received.filter((id) => sessionOf(scene, id) === session)).toEqual(
      scene.recorded.slice(SESSION * session, SESSION * (session + 1)),
    );
  }
  expect(scene.journal.verify()).toMatchObject({ sound: true, waiting: 0 });
}

const isResult = ({ type, direction, bytes }: Packet) =>
  type === PACKET.publish && direction === 'up' && bytes.includes('/result');

describe.skipIf(!hasMosquitto)('a broker, or the way to it, that', () => {
  it('drops a third of the packets costs no result', async () => {
    // Drawn, not counted: a count falls into step with the reconnections and takes the same answer every time, for ever.
    const random = new Random(0);
    const dropping = await scene(() => (random.next() < 1 / 3 ? 'drop' : 'pass'));
    await expectAllInOrder(dropping);
  });

  it('falls silent costs no result', async () => {
    const random = new Random(1);
    let patience = 0;
    const stalling = await scene(({ index }) => {
      if (index === 0) patience = random.integer(0, 60);
      return index < patience ? 'pass' : 'drop';
    });
    await expectAllInOrder(stalling);
  });

  it('hangs up in the middle of everything costs no result', async () => {
    const random = new Random(2);
    const cutting = await scene((_, cut) => {
      if (random.chance(0.05)) cut();
      return 'pass';
    });
    await expectAllInOrder(cutting);
  });

  it('acknowledges what was never sent, or something else, costs no result', async () => {
    const random = new Random(3);
    const lying = await scene(({ type, direction, bytes }) => {
      if (type !== PACKET.puback || direction !== 'down' || random.chance(0.7)) return 'pass';
      const another = Buffer.from(bytes);
      another.writeUInt16BE(random.integer(1, 65_535), 2);
      return { instead: Buffer.concat([another, puback(random.integer(1, 65_535))]) };
    });
    await expectAllInOrder(lying);
  });

  it('refuses now and then costs no result and reorders no session', async () => {
    const random = new Random(4);
    const QUOTA_EXCEEDED = 0x97;
    const refusing = await scene((packet) =>
      isResult(packet) && random.chance(0.2)
        ? { back: puback(packetIdOf(packet.bytes), QUOTA_EXCEEDED) }
        : 'pass',
    );
    await expectAllInOrder(refusing);
  });

  it('sends bytes that are no MQTT costs no result', async () => {
    const random = new Random(5);
    const babbling = await scene(({ direction }) =>
      direction === 'down' && random.chance(0.05)
        ? { instead: Buffer.from(random.bytes(random.integer(1, 40))) }
        : 'pass',
    );
    await expectAllInOrder(babbling);
  });

  it('takes messages and passes none on costs no result: the journal has them to send again', async () => {
    const random = new Random(6);
    let lies = true;
    const swallowing = await scene((packet) =>
      lies && isResult(packet) && random.chance(0.4) ? { back: puback(packetIdOf(packet.bytes)) } : 'pass',
    );
    expect(await swallowing.publisher.settle(20_000, new AbortController().signal)).toBe(0);
    await expect.poll(() => receivedOnce(swallowing).length).toBeGreaterThan(0);
    expect(receivedOnce(swallowing).length).toBeLessThan(RESULTS);
    lies = false;
    expect(swallowing.journal.requeue(1)).toBe(RESULTS);
    swallowing.publisher.wake();
    expect(await swallowing.publisher.settle(20_000, new AbortController().signal)).toBe(0);
    await expect
      .poll(() => receivedOnce(swallowing).sort(), { timeout: 10_000 })
      .toEqual([...swallowing.recorded].sort());
  });
});

describe.skipIf(!hasMosquitto)('a broker that grants less than results need', () => {
  /** CONNACK of MQTT 5, accepted, with these properties. */
  const connack = (...properties: number[]) =>
    Buffer.from([PACKET.connack << 4, 3 + properties.length, 0, 0, properties.length, ...properties]);
  const MAXIMUM_QOS = 0x24;
  const RETAIN_AVAILABLE = 0x25;
  const RECEIVE_MAXIMUM = 0x21;

  it.each([
    ['QoS 0 alone', connack(MAXIMUM_QOS, 0)],
    ['no retained messages', connack(RETAIN_AVAILABLE, 0)],
  ])('%s is told apart, and nothing is sent to it', async (_, answer) => {
    const sent: number[] = [];
    const { journal } = await scene(({ type, direction }) => {
      if (direction === 'up') sent.push(type);
      return type === PACKET.connack ? { instead: answer } : 'pass';
    });
    await expect.poll(() => sent.filter((type) => type === PACKET.connect).length).toBeGreaterThan(2);
    expect(sent).not.toContain(PACKET.publish);
    expect(journal.depth()).toBe(RESULTS);
  });

  it('few messages at a time gets no more than those', async () => {
    const inFlight = new Set<number>();
    let most = 0;
    const slow = await scene(({ type, direction, bytes }) => {
      if (type === PACKET.connack) return { instead: connack(RECEIVE_MAXIMUM, 0, 2) };
      if (type === PACKET.publish && direction === 'up') inFlight.add(packetIdOf(bytes));
      if (type === PACKET.puback && direction === 'down') inFlight.delete(bytes.readUInt16BE(2));
      most = Math.max(most, inFlight.size);
      return 'pass';
    });
    await expectAllInOrder(slow);
    expect(most).toBe(2);
  });
});
