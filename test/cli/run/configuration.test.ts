import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import unixDgram from 'unix-dgram';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { runCommand } from '../../../src/cli/run/run.ts';
import {
  configurationSchema,
  readConfiguration,
} from '../../../src/runtime/appliance/settings/configuration.ts';
import { DEFAULT_MODEL } from '../../../src/runtime/engine/shipped-models.ts';
import { healthSchema } from '../../../src/telehealth/health.ts';
import { listenTo } from '../../support/listener.ts';
import { freePort, hasMosquitto, startMosquitto } from '../../support/mosquitto.ts';
import { runCommand as runInProcess } from '../../support/run-command.ts';

let folder: string;
let file: string;
beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'spikescope-config-'));
  file = path.join(folder, 'spikescope.yaml');
});
afterEach(() => {
  delete process.env.NOTIFY_SOCKET;
  delete process.env.WATCHDOG_USEC;
  rmSync(folder, { recursive: true });
});

function run(...args: string[]) {
  return runInProcess(runCommand(), ['--data', path.join(folder, 'data'), ...args]);
}

describe('the configuration file', () => {
  it('holds the options of run by name, its paths relative to itself', () => {
    writeFileSync(
      file,
      `# a clinic's scope
source: libcamera
camera-rate: 30
allow-commands: [capture, status]
extra-labels: [scar, SK-2]
fhir: true
home-assistant: true
data: state
`,
    );
    expect(readConfiguration(file)).toEqual({
      source: 'libcamera',
      cameraRate: 30,
      allowCommands: ['capture', 'status'],
      extraLabels: ['scar', 'SK-2'],
      fhir: true,
      homeAssistant: true,
      data: path.join(folder, 'state'),
    });
  });

  it('names a model by its path, or by the name of one that ships unless a file beside it has that name', () => {
    writeFileSync(file, 'model: own.spikescope');
    expect(readConfiguration(file)).toEqual({ model: path.join(folder, 'own.spikescope') });
    writeFileSync(file, 'model: qana64');
    expect(readConfiguration(file)).toEqual({ model: DEFAULT_MODEL });
    writeFileSync(path.join(folder, 'qana64'), '');
    expect(readConfiguration(file)).toEqual({ model: path.join(folder, 'qana64') });
  });

  it('says in a section of its own where updates come from, its places relative to itself', () => {
    writeFileSync(
      file,
      'updates:\n  from: office\n  root: root.json\n  window: "22:00-04:30"\n  bandwidth: 50\n',
    );
    expect(readConfiguration(file)).toEqual({
      updates: {
        ...{ from: path.join(folder, 'office'), root: path.join(folder, 'root.json') },
        ...{ channel: 'stable', window: '22:00-04:30', jitter: 0, bandwidth: 50 },
      },
    });
    writeFileSync(file, 'updates: { from: "https://updates.example/clinic" }');
    expect(readConfiguration(file)).toMatchObject({ updates: { from: 'https://updates.example/clinic' } });
  });

  it('shows nobody the password that an address of updates may hold', () => {
    writeFileSync(file, 'updates:\n  from: https://clinic:secret@updates.example/\n  window: always\n');
    expect(() => readConfiguration(file)).toThrow(
      expect.objectContaining({
        details: expect.not.objectContaining({ received: expect.stringContaining('secret') }),
      }),
    );
  });

  it('may be JSON, or empty', () => {
    writeFileSync(file, '{"seed": 7}');
    expect(readConfiguration(file)).toEqual({ seed: 7 });
    writeFileSync(file, '# nothing yet\n');
    expect(readConfiguration(file)).toEqual({});
  });

  it.each([
    ['source: phantom\nsouce: x\n', 'CONFIG_KEY', 'line 2, column 1'],
    ['\n\ncount: many\n', 'CONFIG_VALUE', 'line 3, column 1'],
    ['count: 1.5\n', 'CONFIG_VALUE', 'line 1, column 1'],
    ['allow-commands: [capture, format]\n', 'CONFIG_VALUE', 'line 1, column 1'],
    ['extra-labels: [Mueller Anna]\n', 'CONFIG_VALUE', 'line 1, column 1'],
    ['fhir: perhaps\n', 'CONFIG_VALUE', 'line 1, column 1'],
    ['updates: { window: "25:00-04:00" }\n', 'CONFIG_VALUE', 'line 1, column 1'],
    ['updates: { form: office }\n', 'CONFIG_VALUE', 'line 1, column 1'],
    ['updates: yes\n', 'CONFIG_VALUE', 'line 1, column 1'],
    ['source: a\nsource: b\n', 'CONFIG_SYNTAX', 'line 2'],
    ['source: [a\n', 'CONFIG_SYNTAX', 'line 2'],
    ['- source\n', 'CONFIG_SYNTAX', 'line 1'],
    ['just words', 'CONFIG_SYNTAX', 'line 1'],
    ['? [1, 2]\n: x\n', 'CONFIG_KEY', 'line'],
    ['constructor: 1\n', 'CONFIG_KEY', 'line 1'],
    ['__proto__: 1\n', 'CONFIG_KEY', 'line 1'],
  ])('%j is refused with %s at %s', (text, code, place) => {
    writeFileSync(file, text);
    expect(() => readConfiguration(file)).toThrow(
      expect.objectContaining({
        code,
        exitCode: 2,
        details: expect.objectContaining({ file, field: expect.stringContaining(place) }),
      }),
    );
  });

  it('that cannot be read is refused: absent, a folder, binary, too long', () => {
    const refused = expect.objectContaining({ code: 'CONFIG_FILE' });
    expect(() => readConfiguration(path.join(folder, 'absent'))).toThrow(refused);
    mkdirSync(path.join(folder, 'd'));
    expect(() => readConfiguration(path.join(folder, 'd'))).toThrow(refused);
    writeFileSync(file, Buffer.from([0xff, 0xfe, 0x80]));
    expect(() => readConfiguration(file)).toThrow(refused);
    writeFileSync(file, '#'.repeat(70_000));
    expect(() => readConfiguration(file)).toThrow(refused);
  });

  it('has a published schema', () => {
    const published = readFileSync(
      new URL('../../../docs/schema/configuration-1.json', import.meta.url),
      'utf8',
    );
    expect(JSON.parse(published)).toEqual(configurationSchema());
  });

  it('gives way to the command line', async () => {
    writeFileSync(file, 'count: 1\ndevice-id: from-file\n');
    const { exitCode, stderr } = await run('--config', file, '--device-id', 'from-words');
    expect(exitCode).toBe(0);
    expect(stderr).toContain('spikescope/from-words/result');
    expect(stderr).toContain('1 capture, 0 of them');
  });
});

describe('run as a service', () => {
  it('tells systemd that it is ready, works and stops, and writes a log of events alone', async () => {
    const heard: string[] = [];
    const socket = unixDgram.createSocket('unix_dgram', (bytes) => heard.push(bytes.toString()));
    process.env.NOTIFY_SOCKET = path.join(folder, 'notify');
    process.env.WATCHDOG_USEC = '300000';
    socket.bind(process.env.NOTIFY_SOCKET);
    const { exitCode, stderr } = await run('--count', '8', '--interval', '100', '--log', 'json', '--json');
    await expect.poll(() => heard.at(-1)).toBe('STOPPING=1');
    socket.close();
    expect(exitCode).toBe(0);
    expect(heard).toContain('READY=1');
    expect(heard.filter((message) => message === 'WATCHDOG=1').length).toBeGreaterThan(1);
    expect(heard).toContain('STATUS=reading');
    // Written past process.stderr, so that none is lost in a crash; nothing else goes to stderr.
    expect(stderr).toBe('');
  });

  it.skipIf(!hasMosquitto)('reports its health, retained, and its metrics', async () => {
    const broker = await startMosquitto();
    const metrics = await freePort();
    const listener = await listenTo(broker.url);
    try {
      let scraped = '';
      const running = run(
        ...['--count', '25', '--interval', '100', '--broker', broker.url, '--device-id', 'scope-1'],
        ...['--metrics', `${metrics}`],
      );
      const scrape = async () => {
        scraped = await (await fetch(`http://127.0.0.1:${metrics}/metrics`)).text();
        return scraped;
      };
      await expect
        .poll(() => scrape().catch(() => ''), { timeout: 20_000 })
        .toMatch(/spikescope_captures_total [1-9]/);
      expect((await running).exitCode).toBe(0);
      const reports = listener.heard.filter(({ topic }) => topic === 'spikescope/scope-1/health');
      expect(reports.length).toBeGreaterThan(0);
      const health = healthSchema.parse(JSON.parse(reports[0].payload));
      expect(health).toMatchObject({ device: 'scope-1', frameAge: null });
      expect(z.toJSONSchema(healthSchema).title).toBe('spikescope health');
    } finally {
      await listener.close();
      await broker.stop();
    }
  });
});
