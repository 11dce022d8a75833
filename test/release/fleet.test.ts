/** What an office sees of its devices: three on a real broker, of which one means harm, and messages of every kind. */
import fc from 'fast-check';
import { connectAsync } from 'mqtt';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { fleetStatusCommand } from '../../src/cli/provision/fleet-status.ts';
import { readMessage } from '../../src/release/fleet/messages.ts';
import { fleetRows } from '../../src/release/fleet/rows.ts';
import { SurveyTaker, surveyFleet } from '../../src/release/fleet/survey.ts';
import { statusOf } from '../../src/telehealth/announcements.ts';
import { parseEndpoint } from '../../src/telehealth/endpoint.ts';
import { updateAnnouncementOf } from '../../src/telehealth/update.ts';
import type { UpdateOperation } from '../../src/updates/progress.ts';
import { hasMosquitto, type Mosquitto, startMosquitto } from '../support/mosquitto.ts';
import { runCommand } from '../support/run-command.ts';

const NOW = Date.parse('2026-11-29T12:00:00.000Z');
const hoursAgo = (hours: number) => new Date(NOW - hours * 3_600_000);
const modelOf = (device: string, version: string) => ({
  ...{
    schema: 'spikescope/model/1',
    device,
    backend: 'cpu',
    instructionSet: 'avx2',
    classes: ['nv'],
    classCount: 1,
  },
  model: { name: 'qana64', version, digest: '0'.repeat(64) },
});

const release = (version: string) => ({
  ...{ target: `stable/qana64-${version}.spikescope`, name: 'qana64', version, hash: 'ab' },
  installedAt: hoursAgo(30).toISOString(),
});
const operation: UpdateOperation = {
  id: '6f9619ff-8b86-4d01-b42d-00c04fc964ff',
  source: 'server',
  stage: 'prove',
  target: 'stable/x',
  done: 1,
  of: 2,
  outcome: 'failed',
  code: 'PROOF_FAILED',
  message: 'It reads worse',
  startedAt: hoursAgo(2).toISOString(),
  at: hoursAgo(1).toISOString(),
};

/** What three devices have retained: one healthy and on trial, one that fell back and is gone, and one that means harm. */
function retained(): [topic: string, payload: string | Buffer][] {
  const update = updateAnnouncementOf(
    'scope-1',
    '0.1.0',
    {
      operation,
      installed: {
        model: {
          ...{ active: release('3.2.0'), pending: null, onTrial: true },
          refused: [{ ...release('3.3.0'), reason: 'latency 91 ms of 80' }],
          givenUp: [],
        },
        application: { active: null, pending: release('0.2.0'), onTrial: false, refused: [], givenUp: [] },
      },
    },
    hoursAgo(1),
  );
  const ansi = '\u001b[2Jscope\nhealthy';
  return [
    ['spikescope/scope-1/status', JSON.stringify(statusOf('scope-1', 'online', hoursAgo(2)))],
    ['spikescope/scope-1/model', JSON.stringify(modelOf('scope-1', '3.2.0'))],
    ['spikescope/scope-1/update', JSON.stringify({ ...update, later: 'versions may say more' })],
    ['spikescope/scope-2/status', JSON.stringify(statusOf('scope-2', 'offline'))],
    ['spikescope/scope-2/model', JSON.stringify(modelOf('scope-2', '3.1.0'))],
    [
      'spikescope/scope-2/health',
      JSON.stringify({ schema: 'spikescope/health/1', device: 'scope-2', at: hoursAgo(40).toISOString() }),
    ],
    ['spikescope/harm/status', JSON.stringify(statusOf('scope-1', 'offline'))],
    [
      'spikescope/harm/model',
      JSON.stringify({ ...modelOf('harm', '1'), model: { name: ansi, version: ansi } }),
    ],
    ['spikescope/harm/health', Buffer.alloc(60_000, '{')],
    ['spikescope/harm/update', Buffer.from([0xff, 0xfe, 0x00])],
    ['spikescope/\u001b[31mred/status', JSON.stringify(statusOf('scope-1', 'online', hoursAgo(1)))],
  ];
}

const ROWS = [
  {
    device: 'harm',
    status: null,
    model: '\\u001b[2Jscope\\u000ahealthy@\\u001b[2Jscope\\u000ahealthy',
    stale: true,
  },
  {
    ...{ device: 'scope-1', status: 'online', model: 'qana64@3.2.0', application: '0.1.0', stale: false },
    ...{ since: hoursAgo(30).toISOString(), pending: ['application 0.2.0'], trial: ['model'] },
    ...{ fellBack: ['model 3.3.0: latency 91 ms of 80'], update: 'failed (PROOF_FAILED)' },
    lastSeen: hoursAgo(1).toISOString(),
  },
  {
    device: 'scope-2',
    status: 'offline',
    model: 'qana64@3.1.0',
    application: null,
    update: null,
    stale: true,
  },
];

describe('a survey', () => {
  it('has of each device what it said last, and of what is not its own nothing', () => {
    const taker = new SurveyTaker('spikescope');
    for (const [topic, payload] of retained()) taker.take(topic, Buffer.from(payload));
    expect(fleetRows(taker.survey, NOW)).toMatchObject(ROWS);
    expect(taker.survey.ignored).toEqual({ foreign: 2, malformed: 2 });
  });

  it('calls a device stale after a day of silence, though its broker calls it online', () => {
    const taker = new SurveyTaker('spikescope');
    taker.take('spikescope/a/status', Buffer.from(JSON.stringify(statusOf('a', 'online', hoursAgo(23)))));
    taker.take('spikescope/b/status', Buffer.from(JSON.stringify(statusOf('b', 'online', hoursAgo(25)))));
    expect(fleetRows(taker.survey, NOW).map(({ stale }) => stale)).toEqual([false, true]);
  });

  it('ends at a number of devices, and at a size of messages', () => {
    const taker = new SurveyTaker('spikescope', 3);
    for (const name of ['a', 'b', 'c', 'd', 'e', 'a']) {
      taker.take(
        `spikescope/${name}/status`,
        Buffer.from(JSON.stringify(statusOf(name, 'online', hoursAgo(1)))),
      );
    }
    taker.take('spikescope/a/health', Buffer.alloc(65_537, 32));
    expect([...taker.survey.devices.keys()]).toEqual(['a', 'b', 'c']);
    expect(taker.survey.ignored).toEqual({ beyond: 2, oversized: 1 });
  });

  it('takes any bytes at any topic, and shows none that a terminal would obey', () => {
    const document = fc.oneof(
      fc.json(),
      fc.string({ unit: 'binary', maxLength: 40 }),
      fc
        .record({
          name: fc.string({ unit: 'binary', maxLength: 40 }),
          version: fc.string({ unit: 'binary', maxLength: 64 }),
        })
        .map((model) => JSON.stringify({ ...modelOf('a', '1'), model })),
    );
    fc.assert(
      fc.property(
        fc.constantFrom('a/model', 'a/status', 'a/update', 'b/model', '', '/'),
        document,
        (topic, text) => {
          const message = readMessage('spikescope', `spikescope/${topic}`, Buffer.from(text));
          if ('ignored' in message) return;
          expect(JSON.stringify(message.said)).not.toMatch(/[\p{Cc}\p{Cf}]/u);
          expect(message.said.model?.model.name ?? '').not.toMatch(/[\p{Cc}\p{Cf}]/u);
        },
      ),
    );
  });
});

describe.skipIf(!hasMosquitto)('a fleet on mosquitto', { timeout: 120_000 }, () => {
  let broker: Mosquitto;
  beforeAll(async () => {
    broker = await startMosquitto();
    const client = await connectAsync(broker.url, { protocolVersion: 5 });
    // The broker itself takes no topic with control characters.
    const taken = retained().filter(([topic]) => /^[ -~]*$/.test(topic));
    for (const [topic, payload] of taken) await client.publishAsync(topic, payload, { qos: 1, retain: true });
    await client.endAsync();
  }, 120_000);
  afterAll(() => broker.stop());

  it('is read from what the broker has retained, and nothing is sent to it', async () => {
    const survey = await surveyFleet({
      endpoint: parseEndpoint(broker.url),
      prefix: 'spikescope',
      wait: 3_000,
    });
    expect(fleetRows(survey, NOW)).toMatchObject(ROWS);
    expect(broker.log()).not.toMatch(/Received PUBLISH from spikescope-fleet-/);
  });

  it('is one document with --json, and a table for people in which nothing hostile acts', async () => {
    const words = ['--broker', broker.url, '--wait', '3'];
    const { stdout: document } = await runCommand(fleetStatusCommand(), [...words, '--json']);
    expect(JSON.parse(document)).toMatchObject({
      devices: [
        { device: 'harm' },
        { device: 'scope-1', trial: ['model'] },
        { device: 'scope-2', stale: true },
      ],
      ignored: { foreign: 1, malformed: 2 },
    });
    const { stdout, stderr } = await runCommand(fleetStatusCommand(), words);
    const lines = stdout.trimEnd().split('\n');
    expect(lines).toHaveLength(5);
    expect(lines[2]).toMatch(
      /^scope-1 +online.*qana64@3\.2\.0.*application 0\.2\.0, model on trial.*latency 91 ms/,
    );
    // biome-ignore lint/suspicious/noControlCharactersInRegex: that is what must not be there
    expect(stdout).not.toMatch(/\u001b\[2J/);
    expect(stderr).toContain('not what a device sends: 2');
  });

  it('that is not there ends with what the broker is not', async () => {
    const { fault } = await runCommand(fleetStatusCommand(), ['--broker', 'mqtt://127.0.0.1:9']);
    expect(fault?.code).toBe('BROKER_UNREACHABLE');
  });
});
