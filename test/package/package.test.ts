/**
 * The npm package as others get it: packed, installed into empty projects as the pages say, and run there. A C compiler is
 * kept from the installation, as on a device; better-sqlite3's addon comes from a folder instead of its project's server.
 */
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { PhantomPainter } from '../../src/capture/phantom/draw.ts';
import { exampleIn } from './library-example.ts';

const MINUTE = 60_000;
let folder: string;
let device: string;
let files: string[];

beforeAll(async () => {
  folder = mkdtempSync(path.join(tmpdir(), 'spikescope-package-'));
  execFileSync('npm', ['pack', '--silent', '--pack-destination', folder], { stdio: ['ignore', 'ignore', 2] });
  const tarball = path.join(folder, readdirSync(folder)[0]);
  files = execFileSync('tar', ['-tzf', tarball], { encoding: 'utf8' }).trim().split('\n');
  device = path.join(folder, 'device');
  install(tarball);
  const { frame } = new PhantomPainter().draw(7);
  const { width, height } = frame;
  await sharp(frame.rgb, { raw: { width, height, channels: 3 } })
    .png()
    .toFile(path.join(device, 'lesion.png'));
}, 20 * MINUTE);
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** As docs/use/install.md says. */
function install(tarball: string): void {
  mkdirSync(device);
  const [manifest] = /^\{.*"allowScripts".*\}$/m.exec(readFileSync('docs/use/install.md', 'utf8')) ?? [];
  writeFileSync(path.join(device, 'package.json'), manifest ?? '');
  execFileSync(
    'npm',
    ['install', '--prefix', device, '--prefer-offline', '--no-audit', '--no-fund', tarball],
    {
      stdio: ['ignore', 'ignore', 2],
      env: {
        ...process.env,
        CC: '/bin/false',
        CXX: '/bin/false',
        npm_config_better_sqlite3_local_prebuilds: sqlitePrebuilds(),
      },
    },
  );
}

/** A folder with the archive that better-sqlite3's install script would download. */
function sqlitePrebuilds(): string {
  const place = path.join(folder, 'sqlite');
  mkdirSync(place);
  const { version } = z
    .object({ version: z.string() })
    .parse(JSON.parse(readFileSync('node_modules/better-sqlite3/package.json', 'utf8')));
  const { modules } = process.versions;
  const name = `better-sqlite3-v${version}-node-v${modules}-${process.platform}-${process.arch}.tar.gz`;
  const addon = 'build/Release/better_sqlite3.node';
  execFileSync('tar', ['-czf', path.join(place, name), '-C', 'node_modules/better-sqlite3', addon]);
  return place;
}

function spikescope(args: readonly string[], env: NodeJS.ProcessEnv = {}) {
  const program = path.join(device, 'node_modules/spikescope/bin/spikescope.mjs');
  return spawnSync(process.execPath, [program, ...args], {
    cwd: device,
    encoding: 'utf8',
    env: { ...process.env, ...env },
  });
}

describe('the package', () => {
  it('holds what serves, and nothing of tests, source maps or folders beside the repository', () => {
    const foreign = /^package\/(test|bench|src|shared|node_modules|\.ci)\/|\.map$|\.\.\/|\/build\//;
    expect(files.filter((name) => foreign.test(name))).toEqual([]);
    for (const name of [
      'dist/index.js',
      'dist/index.d.ts',
      'dist/ui/web/page/index.html',
      'dist/ui/web/page/page.js',
      'dist/ui/web/page/messages/hi.json',
      'docs/use/install.md',
      'models/qana64.spikescope',
      `prebuilds/linux-${process.arch}/spikescope.napi.glibc.node`,
      'provisioning/systemd/spikescope.service',
      'provisioning/configuration/spikescope.yaml',
    ]) {
      expect(files).toContain(`package/${name}`);
    }
  });

  it('leaves the largest choice of a model to those who fetch it', () => {
    expect(files.filter((file) => file.includes('efficientnet128'))).toEqual([]);
  });

  it('stays below eight megabytes', () => {
    const [name] = readdirSync(folder).filter((file) => file.endsWith('.tgz'));
    expect(statSync(path.join(folder, name)).size).toBeLessThan(8e6);
  });

  it('brings a device none of the packages of a workstation', () => {
    const installed = readdirSync(path.join(device, 'node_modules'));
    for (const name of [
      '@tensorflow',
      'onnxruntime-node',
      'protobufjs',
      'linkedom',
      '@observablehq',
      'node-gyp',
    ])
      expect(installed).not.toContain(name);
  });
});

describe('the example of the library', () => {
  const example = exampleIn('docs/use/library.md') ?? '';

  it('is the same in the README where that has one', () => {
    expect(exampleIn('README.md') ?? example).toBe(example);
    expect(example.trim().split('\n').length).toBeLessThanOrEqual(10);
  });

  it('runs in an empty JavaScript project', () => {
    writeFileSync(path.join(device, 'example.mjs'), example);
    const { status, stdout, stderr } = spawnSync(process.execPath, ['example.mjs'], {
      cwd: device,
      encoding: 'utf8',
    });
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    expect(stdout).toMatch(/^\w+ \{/);
  });

  it('compiles in an empty TypeScript project, strictly, the types of the package with it', () => {
    writeFileSync(
      path.join(device, 'example.mts'),
      `${example}\nexport const isSure: boolean = reading.accepted;\n`,
    );
    const compilerOptions = { strict: true, module: 'NodeNext', target: 'ES2022', noEmit: true, types: [] };
    const project = path.join(device, 'tsconfig.json');
    writeFileSync(project, JSON.stringify({ compilerOptions, include: ['example.mts'] }));
    const tsc = path.resolve('node_modules/.bin/tsc');
    const { status, stdout } = spawnSync(tsc, ['-p', project], { cwd: device, encoding: 'utf8' });
    expect({ status, stdout }).toEqual({ status: 0, stdout: '' });
    writeFileSync(path.join(device, 'example.mts'), example.replace('reading.accepted', 'reading.acepted'));
    expect(spawnSync(tsc, ['-p', project], { cwd: device }).status).not.toBe(0);
  });
});

describe('a device where the package is installed as the pages say', () => {
  it('reads an image', () => {
    const { status, stdout } = spikescope(['classify', '--json', 'lesion.png']);
    expect(status).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({ accepted: true, backend: 'cpu' });
  });

  it('takes a capture and publishes its result', () => {
    const { status, stdout } = spikescope([
      ...['run', '--source', 'phantom', '--count', '1', '--json'],
      ...['--data', path.join(folder, 'data')],
    ]);
    expect(status).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({ id: expect.any(String) });
  });

  it('says in its log that the supervisor cannot be told, where it cannot', () => {
    const { status, stderr } = spikescope(
      [
        ...['run', '--source', 'phantom', '--count', '1', '--json', '--log', 'json'],
        ...['--data', path.join(folder, 'data')],
      ],
      { NOTIFY_SOCKET: path.join(folder, 'nobody-listens'), PATH: '/nowhere' },
    );
    expect(status).toBe(0);
    expect(stderr).toContain('SUPERVISOR_UNREACHABLE');
  });

  it('shows all commands, and says which package a workstation’s command lacks', () => {
    const help = spikescope(['--help']);
    expect(help.status).toBe(0);
    expect(help.stdout).toContain('classify');
    expect(help.stdout).toContain('train');
    const { status, stderr } = spikescope(['train', '--dataset', 'none']);
    expect(status).toBe(1);
    expect(stderr).toMatch(/npm install @tensorflow\/\S+ \[PART_MISSING\]/);
  });
});
