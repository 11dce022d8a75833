/** The archive of this very program: the same twice, without what no device needs, and it starts where it is put. */
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import manifest from '../../package.json' with { type: 'json' };
import {
  type Application,
  buildApplication,
  readApplication,
} from '../../src/release/application/application.ts';
import { isRun } from '../../src/release/application/application-files.ts';
import { unpack } from '../../src/updates/install/application-tree.ts';
import { compiled } from '../support/compiled.ts';

let folder: string;
let application: Application;
beforeAll(async () => {
  compiled('cli/main.js');
  folder = mkdtempSync(path.join(tmpdir(), 'archive-'));
  application = await readApplication('.');
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const place = (name: string) => path.join(folder, name);
const digest = (file: string) => createHash('sha256').update(readFileSync(file)).digest('hex');

describe('the archive of this program', { timeout: 400_000 }, () => {
  it('is for one platform, named for it, and holds licences but no development', () => {
    const platform = `${process.platform}-${process.arch}`;
    expect(application).toMatchObject({
      name: `spikescope-${platform}`,
      version: manifest.version,
      platform,
    });
    const names = application.files.map(({ name }) => name);
    expect(new Set(names).size).toBe(names.length);
    expect(names).toEqual([...names].sort());
    const foreign = names.filter((name) =>
      /node_modules\/(typescript|vitest|@biomejs|onnxruntime-node|@tensorflow)\//.test(name),
    );
    expect(foreign).toEqual([]);
    expect(names.filter((name) => name.startsWith('prebuilds/'))).toEqual([
      `prebuilds/${platform}/spikescope.napi.glibc.node`,
    ]);
    expect(names.filter((name) => /node_modules\/.*licen[cs]e/i.test(name)).length).toBeGreaterThan(100);
  });

  it('has the same bytes twice, names no folder of this machine, and starts where it is unpacked', async () => {
    await buildApplication(application, place('one.tar.br'));
    await buildApplication(await readApplication('.'), place('other.tar.br'));
    expect(digest(place('other.tar.br'))).toBe(digest(place('one.tar.br')));
    await unpack(place('one.tar.br'), place('tree'));
    const here = Buffer.from(process.cwd());
    const telling = readdirSync(place('tree'), { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map(({ parentPath, name }) => path.join(parentPath, name))
      .filter((file) => readFileSync(file).includes(here));
    expect(telling).toEqual([]);
    const { status, stdout } = spawnSync(
      process.execPath,
      [place('tree/bin/spikescope.mjs'), 'doctor', '--json'],
      {
        cwd: folder,
        encoding: 'utf8',
        env: { ...process.env, XDG_STATE_HOME: place('state') },
      },
    );
    expect([0, 1]).toContain(status);
    expect(JSON.parse(stdout).findings).toEqual(
      expect.arrayContaining([
        expect.objectContaining({ part: 'engine', state: 'works' }),
        expect.objectContaining({ part: 'models', state: 'works' }),
      ]),
    );
  });
});

describe('files of a package', () => {
  it.each([
    ['lib/index.js', false, true],
    ['LICENSE', false, true],
    ['licence.md', false, true],
    ['README.md', false, false],
    ['dist/index.d.ts', false, false],
    ['dist/index.js.map', false, false],
    ['test/a.js', false, false],
    ['build/lib/index.js', false, true],
    ['build/Release/addon.node', true, true],
    ['build/Release/obj/addon.o', true, false],
    ['build/config.gypi', true, false],
    ['deps/sqlite3/sqlite3.c', true, false],
  ])('%s, native %s: taken %s', (name, isNative, expected) => {
    expect(isRun(name, isNative)).toBe(expected);
  });
});
