import { randomUUID } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { DeviceClock, EARLIEST_TIME } from '../../src/runtime/appliance/clock.ts';
import { Journal } from '../../src/store/journal.ts';
import { Backoff } from '../../src/telehealth/backoff.ts';
import { TelehealthClient } from '../../src/telehealth/client.ts';
import { Connection } from '../../src/telehealth/connection.ts';
import { connectionFault, faultOfCode } from '../../src/telehealth/connection-fault.ts';
import { parseEndpoint } from '../../src/telehealth/endpoint.ts';
import { fitting, packetBytes } from '../../src/telehealth/packet-size.ts';
import { topicsOf } from '../../src/telehealth/topics.ts';
import { listenTo } from '../support/listener.ts';
import { modelInUse as model } from '../support/model-in-use.ts';
import { freePort, hasMosquitto, startMosquitto } from '../support/mosquitto.ts';
import { PACKET, startProxy } from '../support/mqtt-proxy.ts';

let undo: (() => unknown)[];
beforeEach(() => {
  undo = [];
});
afterEach(async () => {
  for (const action of undo.reverse()) await action();
});

/** What a CONNECT of MQTT 5 holds: the protocol's name and level. */
const LEVEL_5 = Buffer.from('MQTT\x05');
const CONNACK_5 = Buffer.from([PACKET.connack << 4, 3, 0, 0, 0]);

function device(url: string, more: Partial<ConstructorParameters<typeof TelehealthClient>[0]> = {}) {
  const endpoint = more.endpoint ?? parseEndpoint(url);
  const client = new TelehealthClient({ device: 'scope-1', model, ...more, endpoint });
  client.start();
  undo.push(() => client.stop());
  return client;
}

describe('the end', () => {
  it('comes for every device while its broker takes connections, answers nothing and hangs up', async () => {
    const broker = createServer((socket) => {
      socket.on('error', () => {});
      socket.once('data', () => {
        socket.write(CONNACK_5);
        setTimeout(() => socket.end(), Math.random() * 20);
      });
    });
    await new Promise<void>((resolve) => broker.listen(0, '127.0.0.1', resolve));
    undo.push(() => broker.close());
    const address = broker.address();
    if (typeof address !== 'object' || address === null) throw new Error('no address');
    const stops = Array.from({ length: 300 }, async () => {
      const client = device(`mqtt://127.0.0.1:${address.port}`, {
        backoff: new Backoff({ shortest: 5, longest: 20 }),
      });
      await new Promise((resolve) => setTimeout(resolve, 200 + Math.random() * 500));
      await client.stop();
    });
    await Promise.all(stops);
  });
});

describe.skipIf(!hasMosquitto)('a broker that does not know MQTT 5', () => {
  it.each(['hangs up at it', 'does not answer it'])('and %s is spoken to with 3.1.1', async (how) => {
    const broker = await startMosquitto();
    undo.push(() => broker.stop());
    const proxy = await startProxy(broker.port, ({ bytes }, cut) => {
      if (!bytes.includes(LEVEL_5)) return 'pass';
      if (how === 'hangs up at it') cut();
      return 'drop';
    });
    undo.push(() => proxy.close());
    const connection = await Connection.open(parseEndpoint(proxy.url), { clientId: 'x', patience: 1000 });
    expect(connection.protocolVersion).toBe(4);
    await connection.close();
  });

  it('but hangs up at both is no broker that cannot be reached', async () => {
    const resetting = createServer((socket) => socket.once('data', () => socket.resetAndDestroy()));
    await new Promise<void>((resolve) => resetting.listen(0, '127.0.0.1', resolve));
    undo.push(() => resetting.close());
    const address = resetting.address();
    if (typeof address !== 'object' || address === null) throw new Error('no address');
    const endpoint = parseEndpoint(`mqtt://127.0.0.1:${address.port}`);
    await expect(Connection.open(endpoint, { clientId: 'x' })).rejects.toMatchObject({ code: 'BROKER_LOST' });
  });
});

describe.skipIf(!hasMosquitto)('two devices of one name', () => {
  it('are told so, and do not push each other out without end', async () => {
    const broker = await startMosquitto();
    undo.push(() => broker.stop());
    const codes: string[] = [];
    const onOffline = (reason: { readonly code: string }) => void codes.push(reason.code);
    const first = device(broker.url, { onOffline });
    expect(await first.waitOnline(20_000)).toBe(true);
    const second = device(broker.url, { onOffline });
    await expect.poll(() => codes).toContain('BROKER_SESSION_TAKEN');
    expect(await second.waitOnline(20_000)).toBe(true);
    // Three early ends of each are what it takes.
    expect(codes.length).toBeLessThan(8);
  });
});

describe('what a broker does not offer', () => {
  it.each([
    [154, /--retain false/],
    [155, /QoS 1/],
  ])('is told by reason code %d', (code, remedy) => {
    expect(faultOfCode(code, 'mqtt://b:1')).toMatchObject({
      code: 'BROKER_UNFIT',
      details: { remedy: expect.stringMatching(remedy) },
    });
  });

  it('is room for a large message: that is sent without its description, or not at all', () => {
    const publication = {
      topic: 't',
      payload: 'x'.repeat(500),
      retain: false,
      userProperties: { schema: 'y'.repeat(200) },
    };
    const bytes = packetBytes(publication);
    expect(fitting(publication, bytes)).toBe(publication);
    expect(fitting(publication, bytes - 1)).not.toHaveProperty('userProperties');
    expect(fitting(publication, 500)).toBeNull();
  });

  it.skipIf(!hasMosquitto)('as QoS 1 is told by a real one that has none', async () => {
    const broker = await startMosquitto({ configuration: ['allow_anonymous true', 'max_qos 0'] });
    undo.push(() => broker.stop());
    const codes: string[] = [];
    device(broker.url, { onOffline: ({ code }) => void codes.push(code) });
    await expect.poll(() => codes[0]).toBe('BROKER_UNFIT');
  });

  it('is a certificate in the name that was asked for: the name is to be changed, not the authority', () => {
    const cause = Object.assign(new Error('no match'), { code: 'ERR_TLS_CERT_ALTNAME_INVALID' });
    const { details } = connectionFault(cause, 'mqtts://b:1');
    expect(details.remedy).toContain('--broker');
    expect(details.remedy).not.toContain('--ca');
  });
});

describe.skipIf(!hasMosquitto)('what a broker asks for', () => {
  it('as a name, a prefix, a WebSocket and nothing retained is given', async () => {
    const port = await freePort();
    const configuration = ['allow_anonymous true', `listener ${port} 127.0.0.1`, 'protocol websockets'];
    const broker = await startMosquitto({ configuration });
    undo.push(() => broker.stop());
    const listener = await listenTo(broker.url);
    undo.push(() => listener.close());
    const client = device('', {
      endpoint: parseEndpoint(`ws://127.0.0.1:${port}/mqtt`, {}, { clientId: 'thing-7', retain: false }),
      topics: topicsOf('scope-1', 'spikescope/dermatology'),
      clock: () => 'unsynchronised',
    });
    expect(await client.waitOnline(20_000)).toBe(true);
    const topic = 'spikescope/dermatology/scope-1/status';
    const status = await listener.first((heard) => heard.topic === topic, 'status');
    expect(JSON.parse(status.payload)).toMatchObject({ status: 'online', clock: 'unsynchronised' });
    expect(broker.log()).toContain('thing-7');
    expect(broker.log()).toMatch(/PUBLISH from thing-7 \(d0, q1, r0,[^)]*status/);
  });

  it('in the handshake is named there, and only where there is one', () => {
    expect(parseEndpoint('mqtts://h:443', {}, { alpn: 'x-amzn-mqtt-ca' }).tls).toEqual({
      ALPNProtocols: ['x-amzn-mqtt-ca'],
    });
    expect(() => parseEndpoint('mqtt://h', {}, { alpn: 'x' })).toThrow(
      expect.objectContaining({ code: 'BROKER_TLS' }),
    );
  });
});

describe('the clock of a device', () => {
  const at = (now: number, answer: 'synchronised' | 'unsynchronised' | 'unknown', notBefore?: string) =>
    new DeviceClock({
      now: () => now,
      ask: async () => answer,
      ...(notBefore !== undefined && { notBefore }),
    });

  it('is known once the system says that a time source has set it, and that is told', async () => {
    const answers = ['unsynchronised', 'synchronised'] as const;
    let asked = 0;
    let changes = 0;
    const clock = new DeviceClock({ ask: async () => answers[asked++], onChange: () => changes++ });
    await clock.look();
    expect(clock.state).toBe('unsynchronised');
    await clock.look();
    expect(clock.state).toBeNull();
    expect(changes).toBe(2);
  });

  it('is certainly wrong before the program was made and before what it has recorded, and else unknown', async () => {
    const recorded = '2027-03-01T00:00:00.000Z';
    for (const [now, state] of [
      [0, 'unsynchronised'],
      [EARLIEST_TIME - 1, 'unsynchronised'],
      [Date.parse(recorded) - 1, 'unsynchronised'],
      [Date.parse(recorded), 'unknown'],
    ] as const) {
      const clock = at(now, 'unknown', recorded);
      await clock.look();
      expect(clock.state).toBe(state);
    }
  });
});

describe('results in the queue', () => {
  it('can be asked for without their other forms', () => {
    const folder = mkdtempSync(path.join(tmpdir(), 'queue-'));
    undo.push(() => rmSync(folder, { recursive: true, force: true }));
    const journal = Journal.open(path.join(folder, 'journal.sqlite'), { channels: ['result', 'fhir'] });
    undo.push(() => journal.close());
    const id = randomUUID();
    journal.append({ id, capturedAt: new Date().toISOString(), payload: '{}' });
    expect(journal.waiting(9).map(({ channel }) => channel)).toEqual(['result', 'fhir']);
    expect(journal.waiting(9, ['result']).map(({ channel }) => channel)).toEqual(['result']);
  });
});
