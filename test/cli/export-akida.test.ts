import { existsSync } from 'node:fs';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { exportCommand } from '../../src/cli/export/export.ts';
import { defaultCache } from '../../src/cli/shared/options.ts';
import { writeBundle } from '../../src/model/bundle/write.ts';
import { QANA_AKD1000 } from '../../src/model/networks/qana-akd1000.ts';
import { randomAkida1 } from '../support/akida1.ts';
import { pythonOrNull } from '../support/akida1-simulator.ts';
import { runCommand } from '../support/run-command.ts';
import { tinyModel } from '../support/tiny-model.ts';

const python = await pythonOrNull(defaultCache());

let folder: string;
let bundle: string;
const inFolder = (name: string) => path.join(folder, name);

beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'export-akida-'));
  bundle = inFolder('small.spikescope');
  await writeBundle(bundle, await randomAkida1());
  await writeBundle(inFolder('untuned.spikescope'), await randomAkida1(undefined, { target: 'cpu' }));
  await writeBundle(inFolder('tiny.spikescope'), tinyModel());
});
afterAll(() => rm(folder, { recursive: true }));
afterEach(() => vi.unstubAllEnvs());

const exported = (...options: string[]) => runCommand(exportCommand(), ['--format', 'akida', ...options]);
const smallFor = (device: string, out: string) =>
  exported('--model', bundle, '--device', device, '--out', out, '--json');

async function contentsOf(out: string): Promise<Record<string, string>> {
  const names = (await readdir(out)).sort();
  const contents = await Promise.all(names.map((name) => readFile(path.join(out, name), 'base64')));
  return Object.fromEntries(names.map((name, i) => [name, contents[i]]));
}

describe.skipIf(python === null)('export for a card (needs Python 3.10-3.12 and its packages)', () => {
  it.each([
    ['akd1000', 'BC.00.000.002', 78],
    ['akd1500', 'BC.A1.003.009', 32],
  ])('writes the program of an %s, in one pass and hardware only', async (device, version, of) => {
    const out = inFolder(device);
    const { fault, stdout } = await smallFor(device, out);
    expect(fault).toBeNull();
    const { folder: written, ...program } = JSON.parse(stdout);
    expect(written).toBe(out);
    expect(program).toMatchObject({ compiler: '2.19.3', device, deviceVersion: version, passes: 1 });
    expect(program.processors.of).toBe(of);
    expect(program.shifts).toHaveLength(3);
    expect(program.processors.used).toBeGreaterThanOrEqual(3);
    expect(program.layers.map(({ name }: { name: string }) => name)).toEqual([
      ...['input.convolution', 'block1.convolution', 'block2.convolution', 'head'],
    ]);
    expect(JSON.parse(await readFile(path.join(out, 'program.json'), 'utf8'))).toEqual(program);
    const contents = await contentsOf(out);
    expect(Object.keys(contents)).toEqual([
      ...['model.fbz', 'program-data.bin', 'program-info.bin', 'program.json'],
    ]);
    for (const [name, size] of Object.entries<number>(program.files)) {
      expect(Buffer.from(contents[name], 'base64')).toHaveLength(size);
    }
  });

  it('writes the same bytes again', async () => {
    for (const out of ['once', 'twice']) expect((await smallFor('akd1000', inFolder(out))).fault).toBeNull();
    expect(await contentsOf(inFolder('twice'))).toEqual(await contentsOf(inFolder('once')));
  });

  it('says in words what a card gets', async () => {
    const { stdout } = await exported('--model', bundle, '--device', 'akd1500', '--out', inFolder('words'));
    expect(stdout).toMatch(/random 1\.0\.0 for akd1500 BC\.A1\.003\.009/);
    expect(stdout).toMatch(/processors {3}\d+ of 32/);
  });

  it('fits qana-akd1000 into one pass of either card', async () => {
    const whole = inFolder('whole.spikescope');
    await writeBundle(whole, await randomAkida1(QANA_AKD1000));
    for (const device of ['akd1000', 'akd1500']) {
      const out = inFolder(`whole-${device}`);
      const { stdout } = await exported('--model', whole, '--device', device, '--out', out, '--json');
      expect(JSON.parse(stdout)).toMatchObject({ passes: 1 });
    }
  }, 300_000);
});

describe('export for a card refuses', () => {
  it.each([
    ['no bundle', ['--device', 'akd1000'], 2, 'EXPORT_SOURCE'],
    ['a float model', ['--from', 'm', '--device', 'akd1000'], 2, 'EXPORT_SOURCE'],
    ['no device', ['--model', 'tiny.spikescope'], 2, 'EXPORT_DEVICE'],
    [
      'a bundle that does not map',
      ['--model', 'tiny.spikescope', '--device', 'akd1000'],
      3,
      'TARGET_UNMAPPED',
    ],
    [
      'one that was not converted for it',
      ['--model', 'untuned.spikescope', '--device', 'akd1000'],
      3,
      'AKIDA_REQUANTISATION',
    ],
  ])('%s', async (_, options, exitCode, code) => {
    const placed = options.map((option) => (option.endsWith('.spikescope') ? inFolder(option) : option));
    expect(await exported('--out', inFolder('refused'), ...placed)).toMatchObject({
      exitCode,
      fault: { code },
    });
  });

  it('a device for ONNX', async () => {
    const options = ['--format', 'onnx-qdq', '--device', 'akd1000', '--out', inFolder('x.onnx')];
    expect(await runCommand(exportCommand(), options)).toMatchObject({ fault: { code: 'EXPORT_DEVICE' } });
  });
});

describe('without what the compiler needs', () => {
  it('no Python: one sentence that says what to type', async () => {
    vi.stubEnv('XDG_CACHE_HOME', inFolder('empty-cache'));
    vi.stubEnv('SPIKESCOPE_PYTHON', '/nowhere/python3.11');
    const { exitCode, fault } = await smallFor('akd1000', inFolder('none'));
    expect(exitCode).toBe(1);
    expect(fault?.code).toBe('AKIDA_PYTHON');
    expect(fault?.describe()).toContain('apt install python3.11 python3.11-venv');
    expect(fault?.describe()).not.toContain('\n');
  });

  it.skipIf(python === null)(
    'no package index: likewise, and nothing half made stays behind',
    async () => {
      const cache = inFolder('offline-cache');
      vi.stubEnv('XDG_CACHE_HOME', cache);
      vi.stubEnv('PIP_NO_INDEX', '1');
      vi.stubEnv('PIP_FIND_LINKS', '');
      const { exitCode, fault } = await smallFor('akd1000', inFolder('none'));
      expect(exitCode).toBe(1);
      expect(fault?.code).toBe('AKIDA_PACKAGES');
      expect(fault?.describe()).toMatch(
        /type `python\S* -m venv \S+ && \S+\/bin\/pip install -r \S+requirements\.txt`/,
      );
      expect(await readdir(path.join(cache, 'spikescope'))).toEqual([]);
      expect(existsSync(inFolder('none/model.fbz'))).toBe(false);
    },
    300_000,
  );
});
