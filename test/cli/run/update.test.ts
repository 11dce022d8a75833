/** An update that is asked for over MQTT, brought here by a process of its own, and told of on the topic `update`. */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { connectAsync, type MqttClient } from 'mqtt';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { provisionCommand } from '../../../src/cli/provision/provision.ts';
import { ApplianceCommands } from '../../../src/runtime/appliance/commands.ts';
import { UpdateRequest } from '../../../src/runtime/appliance/updates/ask.ts';
import { Journal } from '../../../src/store/journal.ts';
import { ownDataFolder } from '../../../src/store/owner.ts';
import type { Command } from '../../../src/telehealth/commands/command.ts';
import { updateSchema } from '../../../src/telehealth/update.ts';
import { isWished, takeWish, wish } from '../../../src/updates/pull/wish.ts';
import { startAppliance } from '../../support/appliance.ts';
import { hasLighttpd, type Lighttpd, startLighttpd } from '../../support/lighttpd.ts';
import { hasMosquitto, type Mosquitto, startMosquitto } from '../../support/mosquitto.ts';
import { runCommand } from '../../support/run-command.ts';
import { bundleOfVersion } from '../../support/updates/bundles.ts';
import { Office } from '../../support/updates/office.ts';

const TARGET = 'stable/qana64-99.0.0.bin';
let office: Office;
let stick: string;
let folder: string;
beforeAll(async () => {
  folder = mkdtempSync(path.join(tmpdir(), 'spikescope-update-'));
  office = await Office.open();
  await office.add(bundleOfVersion('99.0.0'), '99.0.0', { name: 'qana64' });
  await office.publish();
  stick = await office.stick();
}, 60_000);
afterAll(() => {
  office.end();
  rmSync(folder, { recursive: true, force: true });
});

function dataFolder(): string {
  return mkdtempSync(path.join(folder, 'data-'));
}

function configurationOf(lines: readonly string[]): string {
  const file = path.join(mkdtempSync(path.join(folder, 'configuration-')), 'spikescope.yaml');
  writeFileSync(file, `${lines.join('\n')}\n`);
  return file;
}

describe('a request', () => {
  const configuration = '/etc/spikescope/spikescope.yaml';

  it('to a device that no configuration says a source of is answered so, and nothing is done', async () => {
    const data = dataFolder();
    const request = new UpdateRequest({ data, configuration: null, by: 'unit' });
    expect(await request.ask()).toBe('not-configured');
    expect(isWished(data)).toBe(false);
  });

  it('where a unit watches is a wish, of which there is one at a time', async () => {
    const data = dataFolder();
    const request = new UpdateRequest({ data, configuration, by: 'unit' });
    expect(await request.ask()).toBe('asked');
    expect(isWished(data)).toBe(true);
    expect(await request.ask()).toBe('busy');
    expect(await takeWish(data)).toBe(true);
    expect(await takeWish(data)).toBe(false);
    expect(await request.ask()).toBe('asked');
  });

  it('while an update is under way is answered as busy', async () => {
    const data = dataFolder();
    mkdirSync(path.join(data, 'updates'));
    const owned = ownDataFolder(path.join(data, 'updates'));
    const request = new UpdateRequest({ data, configuration, by: 'unit' });
    expect(await request.ask()).toBe('busy');
    owned.release();
    expect(await request.ask()).toBe('asked');
  });

  it.each([
    ['asked', { outcome: 'done', data: { update: 'asked' } }],
    ['busy', { outcome: 'failed', code: 'UPDATE_BUSY' }],
    ['not-configured', { outcome: 'failed', code: 'UPDATE_NOT_CONFIGURED' }],
  ] as const)('that comes to %s is answered in those terms', async (asked, answer) => {
    const commands = new ApplianceCommands({
      appliance: {} as ConstructorParameters<typeof ApplianceCommands>[0]['appliance'],
      status: () => ({}),
      restart: null,
      askForUpdate: async () => asked,
    });
    const command = { schema: 'spikescope/command/1', id: 'command-1', name: 'update' } as Command;
    expect(await commands.handle(command)).toEqual(answer);
  });
});

const pull = (...words: string[]) => runCommand(provisionCommand(), ['pull', ...words]);

/** Hours of which the present one is none. */
function otherHours(): string {
  const hour = (new Date().getHours() + 12) % 24;
  return `${String(hour).padStart(2, '0')}:00-${String((hour + 1) % 24).padStart(2, '0')}:00`;
}

describe('provision pull', () => {
  const root = () => path.join(stick, 'metadata/1.root.json');

  it('takes source, root and channel from the configuration, and says what it came to', async () => {
    const data = dataFolder();
    const file = configurationOf([`data: ${data}`, 'updates:', `  from: ${stick}`, `  root: ${root()}`]);
    const { stdout, exitCode } = await pull('--config', file, '--json');
    expect(exitCode).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({
      ...{ source: stick, outcome: 'pending' },
      taken: [{ target: TARGET, kind: 'model', name: 'qana64', version: '99.0.0', outcome: 'pending' }],
    });
    const progress = JSON.parse(readFileSync(path.join(data, 'updates/progress.json'), 'utf8'));
    expect(progress.operation).toMatchObject({
      ...{ source: 'stick', stage: 'prove', target: TARGET, outcome: 'pending' },
    });
  });

  it('leaves the network alone outside of its hours, and a stick is no network', async () => {
    const data = dataFolder();
    const lines = [`data: ${data}`, 'updates:', '  from: http://127.0.0.1:9/', `  window: "${otherHours()}"`];
    const outside = await pull('--config', configurationOf(lines), '--json');
    expect(outside).toMatchObject({ exitCode: 0 });
    expect(JSON.parse(outside.stdout)).toMatchObject({ outcome: 'outside-window' });
    const file = configurationOf(lines);
    const from = await pull('--config', file, '--from', stick, '--root', root(), '--json');
    expect(JSON.parse(from.stdout)).toMatchObject({ outcome: 'pending' });
  });

  it('looks at a stick on which there is no repository, and leaves one line', async () => {
    const empty = mkdtempSync(path.join(folder, 'photographs-'));
    const { stdout, stderr, exitCode } = await pull('--from', empty, '--data', dataFolder(), '--now');
    expect({ stdout, stderr, exitCode }).toEqual({
      stdout: 'no repository there: nothing was taken\n',
      stderr: '',
      exitCode: 0,
    });
  });

  it('of which nothing says a source is wrong usage', async () => {
    const { fault } = await pull('--config', configurationOf(['seed: 1']), '--data', dataFolder());
    expect(fault).toMatchObject({ code: 'UPDATE_SOURCE', exitCode: 2 });
  });

  it('that is refused ends with 3, and the progress says so', async () => {
    const data = dataFolder();
    const { fault } = await pull('--from', stick, '--data', data);
    expect(fault).toMatchObject({ code: 'TRUST_ANCHOR', exitCode: 3 });
    const progress = JSON.parse(readFileSync(path.join(data, 'updates/progress.json'), 'utf8'));
    expect(progress.operation).toMatchObject({ outcome: 'failed', code: 'TRUST_ANCHOR' });
  });
});

describe.skipIf(!hasMosquitto || !hasLighttpd)(
  'a device on mosquitto and lighttpd',
  { timeout: 240_000 },
  () => {
    let broker: Mosquitto;
    let server: Lighttpd;
    let overseer: MqttClient;
    beforeAll(async () => {
      broker = await startMosquitto();
      server = await startLighttpd(stick);
    }, 60_000);
    afterEach(() => overseer?.endAsync());
    afterAll(async () => {
      await server?.stop();
      await broker?.stop();
    });

    it('pulls outside of its hours where a wish lies there, which is taken away, or with --now', async () => {
      const data = dataFolder();
      const configuration = configurationOf([
        ...[`data: ${data}`, 'updates:', `  root: ${path.join(stick, 'metadata/1.root.json')}`],
        ...[`  from: http://127.0.0.1:${server.port}/`, `  window: "${otherHours()}"`],
      ]);
      const outcomeOf = async (...words: string[]) =>
        JSON.parse((await pull('--config', configuration, '--json', ...words)).stdout).outcome;
      expect(await outcomeOf()).toBe('outside-window');
      await wish(data);
      expect(await outcomeOf()).toBe('pending');
      expect(isWished(data)).toBe(false);
      expect(await outcomeOf()).toBe('outside-window');
      expect(await outcomeOf('--now')).toBe('up-to-date');
    });

    it('is asked, answers, pulls in a process of its own and tells how that went', async () => {
      const data = dataFolder();
      const configuration = configurationOf([
        ...['source: phantom', 'trigger: buttons', 'device-id: scope-1', 'allow-commands: [update]'],
        ...[`broker: ${broker.url}`, `data: ${data}`],
        ...[
          'updates:',
          `  from: http://127.0.0.1:${server.port}/`,
          `  root: ${path.join(stick, 'metadata/1.root.json')}`,
        ],
      ]);
      const heard = new Map<string, unknown[]>();
      overseer = await connectAsync(broker.url, { protocolVersion: 5 });
      overseer.on('message', (topic, payload) => {
        const name = topic.split('/').at(-1) ?? '';
        heard.set(name, [...(heard.get(name) ?? []), JSON.parse(payload.toString())]);
      });
      await overseer.subscribeAsync('spikescope/scope-1/+', { qos: 1 });
      const appliance = startAppliance(['--config', configuration]);
      try {
        await expect
          .poll(() => broker.log().includes('spikescope/scope-1/command/+ (QoS 1)'), { timeout: 60_000 })
          .toBe(true);
        // From where, and what, is none of the message's business.
        const malformed = { schema: 'spikescope/command/1', id: 'command-01', from: 'http://elsewhere/' };
        await overseer.publishAsync('spikescope/scope-1/command/update', JSON.stringify(malformed), {
          qos: 1,
        });
        const asked = { schema: 'spikescope/command/1', id: 'command-02' };
        await overseer.publishAsync('spikescope/scope-1/command/update', JSON.stringify(asked), { qos: 1 });
        await expect
          .poll(() => heard.get('response'), { timeout: 30_000 })
          .toMatchObject([
            { command: 'update', outcome: 'refused', code: 'COMMAND_MALFORMED' },
            { command: 'update', id: 'command-02', outcome: 'done', data: { update: 'asked' } },
          ]);
        await expect
          .poll(() => heard.get('update')?.at(-1), { timeout: 120_000 })
          .toMatchObject({
            ...{ schema: 'spikescope/update/1', device: 'scope-1' },
            installed: { model: { pending: { version: '99.0.0' } } },
            operation: { source: 'server', target: TARGET, outcome: 'pending' },
          });
        for (const document of heard.get('update') ?? []) {
          expect(updateSchema.safeParse(document).error).toBeUndefined();
        }
        expect(JSON.stringify(heard.get('update'))).not.toMatch(/127\.0\.0\.1|\/tmp|root/);
      } finally {
        appliance.kill('SIGTERM');
        await appliance.ended;
      }
      const journal = Journal.open(path.join(data, 'journal.sqlite'));
      const kinds = [...journal.records()].map(
        ({ kind, payload }) => `${kind} ${JSON.parse(payload).event ?? ''}`,
      );
      journal.close();
      expect(kinds).toEqual([
        'command ',
        ...['staged', 'trusted', 'cleared', 'written', 'pending'].map((event) => `provision ${event}`),
      ]);
    });
  },
);
