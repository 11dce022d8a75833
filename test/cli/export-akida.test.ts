import { existsSync } from 'node:fs';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { exportCommand } from '../../src/cli/export/export.ts';
import { defaultCache } from '../../src/cli/shared/options.ts';
import { akidaProgramOf } from '../../src/model/bundle/akida-programs-section.ts';
import { identityOf } from '../../src/model/bundle/bundle.ts';
import { readBundle } from '../../src/model/bundle/read.ts';
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
  const entries = await readdir(out, { withFileTypes: true });
  const names = entries
    .filter((entry) => entry.isFile())
    .map(({ name }) => name)
    .sort();
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
    const { folder: written, backbone, ...whole } = JSON.parse(stdout);
    expect(written).toBe(out);
    expect(whole.shifts).toHaveLength(3);
    expect(backbone.shifts).toBeUndefined();
    const layers = ['input.convolution', 'block1.convolution', 'block2.convolution'];
    for (const [program, kind, place] of [
      [whole, 'whole', out],
      [backbone, 'backbone', path.join(out, 'backbone')],
    ]) {
      expect(program).toMatchObject({ kind, compiler: '2.19.3', device, deviceVersion: version, passes: 1 });
      expect(program.processors.of).toBe(of);
      expect(program.processors.used).toBeGreaterThanOrEqual(2);
      expect(program.layers.map(({ name }: { name: string }) => name)).toEqual(
        kind === 'whole' ? [...layers, 'head'] : layers,
      );
      expect(JSON.parse(await readFile(path.join(place, 'program.json'), 'utf8'))).toEqual(program);
      const contents = await contentsOf(place);
      expect(Object.keys(contents)).toEqual([
        ...['model.fbz', 'program-data.bin', 'program-info.bin', 'program.json'],
      ]);
      for (const [name, size] of Object.entries<number>(program.files)) {
        expect(Buffer.from(contents[name], 'base64')).toHaveLength(size);
      }
    }
    expect(backbone.processors.used).toBeLessThan(whole.processors.used);
  });

  it('writes the same bytes again', async () => {
    for (const out of ['once', 'twice']) expect((await smallFor('akd1000', inFolder(out))).fault).toBeNull();
    for (const place of ['.', 'backbone']) {
      const [once, twice] = ['once', 'twice'].map((out) => contentsOf(inFolder(path.join(out, place))));
      expect(await twice).toEqual(await once);
    }
  });

  it('says in words what a card gets', async () => {
    const { stdout } = await exported('--model', bundle, '--device', 'akd1500', '--out', inFolder('words'));
    expect(stdout).toMatch(/random 1\.0\.0$/m);
    for (const kind of ['whole', 'backbone']) {
      expect(stdout).toMatch(
        new RegExp(
          `akd1500 ${kind} +1 pass +\\d+ of 32 processors .*akida 2\\.19\\.3, .* BC\\.A1\\.003\\.009$`,
          'm',
        ),
      );
    }
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

describe.skipIf(python === null)('export into a bundle (needs Python 3.10-3.12 and its packages)', () => {
  const into = (model: string, device: string, out: string) =>
    exported('--model', model, '--device', device, '--into-bundle', '--out', out, '--json');
  const bytesOf = (file: string) => readFile(file, 'base64');

  it('puts both programs of a device into it, as they are written to a folder, and nothing else', async () => {
    const [out, files] = [inFolder('with.spikescope'), inFolder('with')];
    const { fault, stdout } = await into(bundle, 'akd1000', out);
    expect(fault).toBeNull();
    const { model, programs } = JSON.parse(stdout);
    const written = await readBundle(out);
    expect(model).toEqual(identityOf(written));
    expect(programs).toMatchObject([
      { device: 'akd1000', kind: 'whole', compiler: '2.19.3', passes: 1, processors: { of: 78 } },
      { device: 'akd1000', kind: 'backbone', compiler: '2.19.3', passes: 1, processors: { of: 78 } },
    ]);
    await smallFor('akd1000', files);
    for (const [kind, place] of [
      ['whole', '.'],
      ['backbone', 'backbone'],
    ] as const) {
      const program = akidaProgramOf(written, 'akd1000', kind);
      for (const [part, bytes] of [
        ['info', program?.info],
        ['data', program?.data],
      ] as const) {
        const file = await readFile(path.join(files, place, `program-${part}.bin`));
        expect(file.equals(bytes ?? new Uint8Array(0)), `${part} of ${kind}`).toBe(true);
      }
    }
    const { akidaPrograms: _, digest: __, ...others } = written;
    const { digest: ___, ...before } = await readBundle(bundle);
    expect(others).toEqual(before);
  });

  it('gives the same bytes again, in either order of devices, in place too', async () => {
    const [one, other] = [inFolder('one.spikescope'), inFolder('other.spikescope')];
    await into(bundle, 'akd1000', one);
    await into(one, 'akd1500', one);
    await into(bundle, 'akd1500', other);
    await into(other, 'akd1000', other);
    expect(await bytesOf(other)).toBe(await bytesOf(one));
    const before = await bytesOf(one);
    await into(one, 'akd1000', one);
    expect(await bytesOf(one)).toBe(before);
    const { akidaPrograms } = await readBundle(one);
    expect(akidaPrograms?.programs.map(({ device, kind }) => `${device} ${kind}`)).toEqual([
      ...['akd1000 whole', 'akd1000 backbone', 'akd1500 whole', 'akd1500 backbone'],
    ]);
  });

  it('says in words what the bundle then has', async () => {
    const out = inFolder('said.spikescope');
    const { stdout } = await exported(
      ...['--model', bundle, '--device', 'akd1000', '--into-bundle', '--out', out],
    );
    expect(stdout).toContain((await readBundle(out)).digest);
    expect(stdout).toMatch(/akd1000 backbone +1 pass +\d+ of 78 processors +[\d.]+ KiB/);
  });
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

  it('a bundle that cannot be written, before it compiles', async () => {
    const out = inFolder('no-such-folder/x.spikescope');
    expect(
      await exported('--model', bundle, '--device', 'akd1000', '--into-bundle', '--out', out),
    ).toMatchObject({ exitCode: 1, fault: { code: 'OUT_UNWRITABLE' } });
  });

  it('a bundle as the place of ONNX', async () => {
    const options = ['--format', 'onnx-qdq', '--into-bundle', '--out', inFolder('x.onnx')];
    expect(await runCommand(exportCommand(), options)).toMatchObject({
      exitCode: 2,
      fault: { code: 'OPTION', details: { field: '--into-bundle' } },
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
