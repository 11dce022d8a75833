import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { runCommand } from '../../../src/cli/run/run.ts';
import { resultSchema } from '../../../src/telehealth/result.ts';
import { type CommandRun, runCommand as runInProcess } from '../../support/run-command.ts';

let data: string;
beforeEach(() => {
  data = mkdtempSync(path.join(tmpdir(), 'run-'));
});
afterEach(() => rmSync(data, { recursive: true, force: true }));

function run(...args: string[]): Promise<CommandRun> {
  return runInProcess(runCommand(), ['--data', data, ...args]);
}

describe('spikescope run', () => {
  it('shows a card for each result, and the rest on stderr', async () => {
    const { exitCode, stdout, stderr } = await run('--count', '2', '--device-id', 'desk-7');
    expect(exitCode).toBe(0);
    expect(stdout.match(/^● \w+/gm)).toHaveLength(2);
    expect(stdout).toMatch(/capture 1 at \d\d:\d\d:\d\d, a phantom/);
    expect(stdout).toMatch(/█/);
    expect(stderr).toContain('not a medical device');
    expect(stderr).toContain('topic    spikescope/desk-7/result');
    expect(stderr).toContain(path.join(data, 'journal.sqlite'));
    expect(stderr).toContain('2 captures, 0 of them to be retaken');
  });

  it('says in its results what read them, and reads with what is asked for', async () => {
    const backendsOf = async (...args: string[]) => {
      const { stdout } = await run('--count', '2', '--json', ...args);
      return stdout
        .trim()
        .split('\n')
        .map((line) => resultSchema.parse(JSON.parse(line)).backend);
    };
    expect(await backendsOf('--backend', 'cpu')).toEqual(['cpu', 'cpu']);
    expect(await backendsOf('--backend', 'interpreter')).toEqual(['interpreter', 'interpreter']);
  });

  it('ends where a card is demanded and there is none', async () => {
    const { fault, stdout } = await run('--count', '2', '--json', '--backend', 'akida');
    expect(fault).toMatchObject({ code: 'BACKEND_ABSENT', exitCode: 1 });
    expect(stdout).toBe('');
  });

  it('with --json prints the payloads as received and nothing else', async () => {
    const { stdout } = await run('--count', '3', '--json');
    const lines = stdout.split('\n');
    expect(lines.pop()).toBe('');
    const results = lines.map((line) => resultSchema.parse(JSON.parse(line)));
    expect(new Set(results.map(({ id }) => id)).size).toBe(3);
    expect(results[0].model.name).toBe('qana64');
  });

  it('keeps the name that it made for itself', async () => {
    const device = async () =>
      resultSchema.parse(JSON.parse((await run('--count', '1', '--json')).stdout)).device;
    const first = await device();
    expect(first).toMatch(/^scope-/);
    expect(await device()).toBe(first);
  });

  it('says how many results of earlier runs were never published', async () => {
    const { fault } = await run('--count', '2', '--broker', 'mqtt://127.0.0.1:9');
    expect(fault).toMatchObject({ code: 'RESULTS_UNPUBLISHED', exitCode: 1 });
    expect((await run('--count', '1')).stderr).toContain('2 results of earlier runs');
  });

  it.each([
    [['--count', '0'], 'OPTION_VALUE'],
    [['--count', 'many'], 'OPTION_VALUE'],
    [['--count', '1e3'], 'OPTION_VALUE'],
    [['--count', '-1'], 'OPTION_VALUE'],
    [['--interval', '-5'], 'OPTION_VALUE'],
    [['--seed', '4294967296'], 'OPTION_VALUE'],
    [['--broker-port', '70000'], 'OPTION_VALUE'],
    [['--broker-port', '1883', '--broker', 'mqtt://h'], 'OPTION_COMBINATION'],
    [['--ca', 'x.pem'], 'OPTION_COMBINATION'],
    [['--broker', 'http://h'], 'BROKER_URL'],
    [['--broker', 'mqtts://h', '--cert', 'x.pem'], 'BROKER_TLS'],
    [['--device-id', 'a/#'], 'DEVICE_ID'],
    [['--backend', 'gpu'], 'OPTION_VALUE'],
    [['--source', 'v4l2:video0'], 'CAMERA_DEVICE'],
    [['--source', 'libcamera', '--camera-size', '1280'], 'OPTION_VALUE'],
    [['--source', 'libcamera', '--camera-size', '641x480'], 'CAMERA_SIZE'],
    [['--source', 'webcam'], 'SOURCE_UNKNOWN'],
    [['--source', 'replay:/nowhere/at/all'], 'REPLAY_FOLDER'],
  ])('%j is wrong usage, and leaves nothing behind', async (args, code) => {
    const { fault, stdout } = await run(...args);
    expect(fault).toMatchObject({ code, exitCode: 2 });
    expect(stdout).toBe('');
    expect(readdirSync(data)).toEqual([]);
  });

  it('refuses a folder without images, a model that is none, and a journal that is none', async () => {
    expect((await run('--source', `replay:${data}`)).fault?.code).toBe('REPLAY_EMPTY');
    const file = path.join(data, 'no-bundle');
    writeFileSync(file, 'no bundle');
    expect((await run('--model', file, '--count', '1')).fault).toMatchObject({ exitCode: 3 });
    for (const leftover of ['', '-wal', '-shm'])
      rmSync(path.join(data, `journal.sqlite${leftover}`), { force: true });
    writeFileSync(path.join(data, 'journal.sqlite'), 'no database at all, but as long as one'.repeat(40));
    expect((await run('--count', '1')).fault).toMatchObject({ code: 'JOURNAL_NOT_A_DATABASE', exitCode: 1 });
  });

  it('says that the port of its broker is taken', async () => {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const address = server.address();
    if (typeof address !== 'object' || address === null) throw new Error('no address');
    expect((await run('--count', '1', '--broker-port', String(address.port))).fault?.code).toBe(
      'BROKER_PORT',
    );
    server.close();
  });
});
