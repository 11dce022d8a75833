import { spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { connectAsync, type IClientPublishOptions, type MqttClient } from 'mqtt';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Journal } from '../../../src/store/journal.ts';
import { COMMAND_SCHEMA, responseSchema } from '../../../src/telehealth/commands/command.ts';
import { labelSchema } from '../../../src/telehealth/label.ts';
import { type Appliance, startAppliance } from '../../support/appliance.ts';
import { type Listener, listenTo } from '../../support/listener.ts';
import { freePort, hasMosquitto, startMosquitto } from '../../support/mosquitto.ts';
import { PACKET, startProxy } from '../../support/mqtt-proxy.ts';
import { Random } from '../../support/random.ts';

let data: string;
let url: string;
let listener: Listener;
let undo: (() => unknown)[];
beforeEach(async () => {
  undo = [];
  data = mkdtempSync(path.join(tmpdir(), 'run-delivery-'));
  undo.push(() => rmSync(data, { recursive: true, force: true }));
  if (!hasMosquitto) return;
  const broker = await startMosquitto();
  undo.push(() => broker.stop());
  ({ url } = broker);
  listener = await listenTo(url);
  undo.push(() => listener.close());
});
afterEach(async () => {
  for (const action of undo.reverse()) await action();
});

function appliance(...args: string[]): Appliance {
  const started = startAppliance(['--json', '--data', data, '--device-id', 'scope-1', ...args]);
  undo.push(async () => {
    started.kill('SIGKILL');
    await started.ended;
  });
  return started;
}

function withJournal<T>(look: (journal: Journal) => T): T {
  const journal = Journal.open(path.join(data, 'journal.sqlite'));
  try {
    return look(journal);
  } finally {
    journal.close();
  }
}

function heardOn(name: string): string[] {
  return listener.heard
    .filter(({ topic }) => topic === `spikescope/scope-1/${name}`)
    .map(({ payload }) => payload);
}

const statuses = () => heardOn('status').map((payload) => JSON.parse(payload).status);

describe.skipIf(!hasMosquitto)('an appliance whose reader leaves', () => {
  it('says stopped, closes its journal, and exits with 0', async () => {
    const run = `node bin/spikescope.mjs run --json --data '${data}' --device-id scope-1 --broker ${url}`;
    const shell = spawn('bash', ['-c', `set -o pipefail; ${run} | head -n 2 > /dev/null`], {
      stdio: 'ignore',
    });
    const [exitCode] = await once(shell, 'close');
    expect(exitCode).toBe(0);
    await expect.poll(statuses, { timeout: 5000 }).toEqual(['online', 'stopped']);
    withJournal((journal) => expect(journal.verify()).toMatchObject({ sound: true, waiting: 0 }));
  });
});

describe.skipIf(!hasMosquitto)('results of an earlier run', () => {
  it('are sent by the next one, first and under the same ids, and shown', async () => {
    const away = appliance('--count', '3', '--broker', `mqtt://127.0.0.1:${await freePort()}`);
    expect((await away.ended).exitCode).toBe(1);
    const left = withJournal((journal) => journal.waiting(10).map(({ payload }) => payload));
    expect(left).toHaveLength(3);
    const run = appliance('--count', '2', '--broker', url);
    expect((await run.ended).exitCode, run.stderr()).toBe(0);
    expect(heardOn('result').slice(0, 3)).toEqual(left);
    expect(heardOn('result')).toHaveLength(5);
    expect([...run.lines].sort()).toEqual(heardOn('result').sort());
    expect(run.stderr()).toContain('3 results of earlier runs wait in it and are published now');
  });

  it('that were meant for a real broker are kept from the embedded one', async () => {
    const away = appliance('--count', '2', '--broker', `mqtt://127.0.0.1:${await freePort()}`);
    await away.ended;
    const embedded = appliance('--count', '1');
    expect((await embedded.ended).exitCode, embedded.stderr()).toBe(0);
    expect(embedded.lines).toHaveLength(1);
    expect(embedded.stderr()).toContain('2 results of earlier runs wait for an external broker');
    withJournal((journal) => expect(journal.depth()).toBe(2));
  });
});

describe.skipIf(!hasMosquitto)('an appliance with --fhir', () => {
  it('publishes each result in both forms, the FHIR message after the result that it is made of', async () => {
    const run = appliance('--count', '3', '--fhir', '--broker', url);
    expect((await run.ended).exitCode, run.stderr()).toBe(0);
    await expect.poll(() => heardOn('fhir').length, { timeout: 5000 }).toBe(3);
    const ids = heardOn('result').map((payload) => JSON.parse(payload).id);
    const forms = listener.heard.filter(({ topic }) => /result$|fhir$/.test(topic));
    for (const id of ids) {
      const [result, message] = forms.filter(({ payload }) => payload.includes(id));
      expect([result.topic, message.topic]).toEqual(['spikescope/scope-1/result', 'spikescope/scope-1/fhir']);
      expect(message.packet.properties?.contentType).toBe('application/fhir+json');
      if (JSON.parse(result.payload).accepted) expect(message.payload).toContain('Probability of melanoma');
    }
  });
});

describe.skipIf(!hasMosquitto)('commands', () => {
  let sender: MqttClient;
  const ANSWERS = ['--response-topics', 'clinic/answers'];
  const command = (more: object = {}) => ({ schema: COMMAND_SCHEMA, id: randomUUID(), ...more });

  /** Sends a command and resolves with the answer. */
  async function ask(name: string, document: object, topic = 'clinic/answers') {
    const correlationData = Buffer.from(randomUUID());
    const answered = new Promise<unknown>((resolve) => {
      sender.on('message', (_, payload, packet) => {
        if (packet.properties?.correlationData?.equals(correlationData))
          resolve(JSON.parse(payload.toString()));
      });
    });
    await send(name, JSON.stringify(document), { properties: { responseTopic: topic, correlationData } });
    return responseSchema.parse(await answered);
  }

  function send(name: string, payload: string | Buffer, options: IClientPublishOptions = {}) {
    return sender.publishAsync(`spikescope/scope-1/command/${name}`, payload, { qos: 1, ...options });
  }

  /** Results go before all else: the first health report says that the device listens. */
  const listens = (reports = 1) =>
    expect.poll(() => heardOn('health').length, { timeout: 20_000 }).toBeGreaterThanOrEqual(reports);

  beforeEach(async () => {
    sender = await connectAsync(url, { protocolVersion: 5 });
    undo.push(() => sender.endAsync(true));
    await sender.subscribeAsync('clinic/#', { qos: 1 });
  });

  it('that are allowed are done and answered; what cannot be done says so', async () => {
    const allowed = 'capture,status,label,undo,restart';
    appliance('--interval', '3600000', '--broker', url, '--allow-commands', allowed, ...ANSWERS);
    await expect.poll(() => heardOn('result').length, { timeout: 20_000 }).toBe(1);
    await listens();
    const captured = await ask('capture', command());
    expect(captured).toMatchObject({ outcome: 'done', command: 'capture' });
    await expect.poll(() => heardOn('result').length, { timeout: 5000 }).toBe(2);
    expect(JSON.parse(heardOn('result')[1]).id).toBe(captured.data?.result);
    expect(await ask('status', command())).toMatchObject({
      outcome: 'done',
      data: { commandsAccepted: 2, commandsRefused: 0, storage: 'ample' },
    });
    const label = { result: randomUUID(), label: 'nv' };
    expect(await ask('label', command(label))).toMatchObject({ outcome: 'failed', command: 'label' });
    expect(await ask('restart', command())).toMatchObject({ outcome: 'failed', code: 'NOT_SUPERVISED' });
  });

  it('to label and to undo are verdicts, published after their result and as FHIR, on a device that does not learn too', async () => {
    const allowed = ['--allow-commands', 'capture,label,undo', ...ANSWERS];
    const more = ['--fhir', '--learning', 'off', '--interval', '3600000'];
    appliance('--broker', url, ...allowed, ...more);
    await listens();
    const { data } = await ask('capture', command());
    const result = String(data?.result);
    const label = await ask('label', command({ result, label: 'mel' }));
    expect(label).toMatchObject({ outcome: 'done', data: { kept: false } });
    expect(await ask('undo', command())).toMatchObject({ outcome: 'done', data: { undone: true } });
    await expect.poll(() => heardOn('label').length, { timeout: 10_000 }).toBe(2);
    const [given, withdrawn] = heardOn('label').map((payload) => labelSchema.parse(JSON.parse(payload)));
    expect(given).toMatchObject({ result, label: 'mel', learned: false, source: 'phantom', by: 'command' });
    expect(withdrawn).toMatchObject({ result, verdict: 'withdrawn', withdraws: given.id });
    const statuses = () =>
      heardOn('fhir')
        .filter((payload) => payload.includes(`urn:uuid:${result}`))
        .map((payload) => /"DiagnosticReport",.*?"status":"([a-z-]+)"/.exec(payload)?.[1]);
    const said = given.verdict === 'confirmed' ? 'final' : 'amended';
    await expect.poll(statuses, { timeout: 10_000 }).toEqual(['preliminary', said, 'preliminary']);
    const topics = listener.heard.filter(({ payload }) => payload.includes(result)).map(({ topic }) => topic);
    expect(topics.indexOf('spikescope/scope-1/result')).toBeLessThan(
      topics.indexOf('spikescope/scope-1/label'),
    );
  });

  it('to label outlive a broker that hangs up at the verdict, and SIGKILL', async () => {
    const proxy = await startProxy(Number(new URL(url).port), ({ direction, type, bytes }, cut) => {
      if (direction !== 'up' || type !== PACKET.publish || !bytes.includes('scope-1/label')) return 'pass';
      cut();
      return 'drop';
    });
    undo.push(() => proxy.close());
    const labels = () =>
      withJournal((journal) => [...journal.labels()].map(({ caseId, payload }) => ({ caseId, payload })));
    const run = appliance('--interval', '3600000', '--broker', proxy.url, '--allow-commands', 'label');
    await listens();
    const { id: result } = JSON.parse(heardOn('result')[0]);
    await send('label', JSON.stringify(command({ result, label: 'scar' })));
    await expect.poll(() => labels().length, { timeout: 20_000 }).toBe(1);
    run.kill('SIGKILL');
    await run.ended;
    expect(heardOn('label')).toEqual([]);
    const [{ caseId, payload }] = labels();
    expect(caseId).toBe(result);
    const next = appliance('--count', '1', '--broker', url);
    expect((await next.ended).exitCode, next.stderr()).toBe(0);
    await expect.poll(() => heardOn('label'), { timeout: 5000 }).toEqual([payload]);
    withJournal((journal) => expect(journal.verify()).toMatchObject({ sound: true, waiting: 0 }));
  });

  it('with a label that is no code leave no trace of it, on a device that learns and on one that does not', async () => {
    for (const learning of ['on', 'off']) {
      const [heard, reports] = [heardOn('result').length, heardOn('health').length];
      const run = appliance(
        ...['--interval', '3600000', '--broker', url, '--learning', learning],
        ...['--allow-commands', 'label', '--extra-labels', 'scar', ...ANSWERS],
      );
      await expect.poll(() => heardOn('result').length, { timeout: 20_000 }).toBe(heard + 1);
      await listens(reports + 1);
      const { id: result } = JSON.parse(heardOn('result')[heard]);
      for (const label of ['Mueller Anna', 'Mueller', '\u0430kiec']) {
        expect(await ask('label', command({ result, label }))).toMatchObject({
          outcome: 'refused',
          code: 'LABEL_INVALID',
        });
      }
      expect(await ask('label', command({ result, label: 'scar' }))).not.toMatchObject({
        code: 'LABEL_INVALID',
      });
      run.kill('SIGTERM');
      await run.ended;
      expect(run.stderr()).not.toContain('Mueller');
    }
    const written = withJournal((journal) => JSON.stringify([...journal.records()]));
    expect(written).toContain('scar');
    expect(written).not.toMatch(/Mueller|\u0430/);
  });

  it('by the thousand that are malformed, oversized, replayed or not allowed change nothing, and are counted', async () => {
    const commands = ['--allow-commands', 'capture,status', ...ANSWERS];
    const run = appliance('--interval', '3600000', '--broker', url, ...commands);
    await expect.poll(() => heardOn('result').length, { timeout: 20_000 }).toBe(1);
    await listens();
    const accepted = command();
    expect(await ask('capture', accepted)).toMatchObject({ outcome: 'done' });
    await expect.poll(() => heardOn('result').length, { timeout: 5000 }).toBe(2);
    const asked = async () => (await ask('status', command())).data?.waiting;
    await expect.poll(asked, { timeout: 10_000, interval: 500 }).toBe(0);
    const before = await ask('status', command());

    const random = new Random(7);
    const floods: [string, () => string | Buffer][] = [
      ['capture', () => Buffer.from(random.bytes(random.integer(0, 200)))],
      ['capture', () => JSON.stringify(command({ more: 'x'.repeat(5000) }))],
      ['capture', () => JSON.stringify(accepted)],
      ['undo', () => JSON.stringify(command())],
      ['format-disk', () => JSON.stringify(command())],
    ];
    const EACH = 1000;
    for (const [name, payload] of floods) {
      await Promise.all(Array.from({ length: EACH }, () => send(name, payload())));
    }

    await expect
      .poll(async () => (await ask('status', command())).data?.commandsRefused, {
        timeout: 30_000,
        interval: 1000,
      })
      .toBe(floods.length * EACH);
    const after = await ask('status', command());
    expect(heardOn('result')).toHaveLength(2);
    expect(run.lines).toHaveLength(2);
    run.kill('SIGTERM');
    expect((await run.ended).exitCode, run.stderr()).toBe(0);
    const kinds = withJournal((journal) => {
      expect(journal.verify()).toMatchObject({ sound: true, waiting: 0 });
      return [...journal.records()].map(({ kind }) => kind);
    });
    // What was refused has left no trace: every record since is a command that was accepted.
    const since = kinds.slice(Number(before.data?.records));
    expect(new Set(since)).toEqual(new Set(['command']));
    expect(since.length).toBe(Number(after.data?.commandsAccepted) - Number(before.data?.commandsAccepted));
  });

  it('are all denied by default', async () => {
    appliance('--interval', '3600000', '--broker', url, ...ANSWERS);
    await expect.poll(() => heardOn('result').length, { timeout: 20_000 }).toBe(1);
    await listens();
    expect(await ask('capture', command())).toMatchObject({ outcome: 'refused', code: 'COMMAND_DENIED' });
    expect(heardOn('result')).toHaveLength(1);
  });

  it('are answered on the device’s own topic where the one that they name is not allowed', async () => {
    appliance('--interval', '3600000', '--broker', url);
    await expect.poll(() => heardOn('result').length, { timeout: 20_000 }).toBe(1);
    await listens();
    const heard: string[] = [];
    sender.on('message', (topic) => heard.push(topic));
    await sender.subscribeAsync('ha/#', { qos: 1 });
    const properties = { responseTopic: 'ha/device/evil/config' };
    await send('capture', JSON.stringify(command()), { properties });
    await expect.poll(() => heardOn('response').length).toBe(1);
    expect(JSON.parse(heardOn('response')[0])).toMatchObject({ code: 'COMMAND_DENIED' });
    expect(heard).toEqual([]);
  });
});

describe.skipIf(!hasMosquitto)('results of an appliance whose display', () => {
  const COUNT = 4;

  /** Every result is on the broker and on stdout, once. */
  async function expectAllShown(run: Appliance): Promise<void> {
    await run.ended;
    await expect.poll(() => heardOn('result').length).toBe(COUNT);
    expect([...run.lines].sort()).toEqual(heardOn('result').sort());
  }

  it('may not read what the device publishes are published and shown once', async () => {
    const denying = await startMosquitto({
      configuration: ['allow_anonymous true', 'acl_file {folder}/acl'],
      files: { acl: 'topic write spikescope/#\nuser clinic\ntopic read spikescope/#\n' },
    });
    undo.push(() => denying.stop());
    await listener.close();
    listener = await listenTo(denying.url.replace('mqtt://', 'mqtt://clinic:x@'));
    const run = appliance('--count', String(COUNT), '--broker', denying.url);
    await expectAllShown(run);
    // The broker grants the subscription and passes nothing on: that is told at the end.
    expect(run.stderr()).toContain('RESULTS_NOT_RECEIVED');
  });

  it('is never granted its subscription are published and shown once, and wait for nothing', async () => {
    let asked = 0;
    const silent = await startProxy(Number(new URL(url).port), ({ type, bytes }) => {
      if (type !== PACKET.subscribe || !bytes.includes('/result')) return 'pass';
      asked++;
      return 'drop';
    });
    undo.push(() => silent.close());
    const run = appliance('--count', String(COUNT), '--broker', silent.url);
    await expectAllShown(run);
    expect((await run.ended).exitCode, run.stderr()).toBe(0);
    expect(asked).toBeGreaterThan(0);
  });
});
