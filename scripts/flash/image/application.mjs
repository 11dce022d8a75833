/**
 * spikescope and the packages that it loads, for arm64, as they lie below /opt/spikescope: of its own npm package and its
 * lock
 * file, with addons that are cross-built here. Exactly the files of an application archive (src/release/application).
 */
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import path from 'node:path';
import { buildArm64, ensureArm64Node } from '../../build-arm64.mjs';
import { compile } from '../../prepare.mjs';
import { root as repository } from '../../support/programs.mjs';
import { digestOf } from './digest.mjs';
import { ImageFailure } from './failure.mjs';
import { pipeline, tool } from './tools.mjs';

export const PLACE = 'opt/spikescope';
const PROGRAM = 'node_modules/spikescope';
const ADDON = 'prebuilds/linux-arm64/spikescope.napi.glibc.node';
/** Packages whose addon is built from their own source; what cannot be built of the second kind is left out. */
const NATIVE = { 'better-sqlite3': { isNeeded: true }, 'unix-dgram': { isNeeded: false } };

/**
 * @typedef {object} Built
 * @property {string} base a folder into which all is installed, as readApplication expects it
 * @property {string} version
 */

/**
 * @param {string} cache
 * @returns {Built}
 */
export function buildApplication(cache) {
  compile();
  const addon = buildArm64();
  const base = installPackages(cache);
  const program = path.join(base, PROGRAM);
  rmSync(program, { recursive: true, force: true });
  mkdirSync(program, { recursive: true });
  const packed = path.join(cache, 'packed');
  rmSync(packed, { recursive: true, force: true });
  mkdirSync(packed);
  // Not its life cycle, which builds addons of other platforms as well.
  tool('npm', ['pack', '--silent', '--ignore-scripts', '--pack-destination', packed], { cwd: repository });
  pipeline('tar --extract --gzip --directory="$1" --strip-components=1 --file "$2"/*.tgz', [program, packed]);
  rmSync(path.join(program, 'prebuilds'), { recursive: true, force: true });
  mkdirSync(path.dirname(path.join(program, ADDON)), { recursive: true });
  copyFileSync(addon, path.join(program, ADDON));
  /** @type {{ version: string }} */
  const { version } = JSON.parse(readFileSync(path.join(program, 'package.json'), 'utf8'));
  return { base, version };
}

/** The packages that the lock file names for a device, kept for as long as it says the same. @param {string} cache */
function installPackages(cache) {
  const lock = readFileSync(path.join(repository, 'package-lock.json'));
  const manifest = JSON.parse(readFileSync(path.join(repository, 'package.json'), 'utf8'));
  const base = path.join(cache, `packages-${digestOf([lock.toString(), NATIVE]).slice(0, 16)}`);
  if (existsSync(path.join(base, 'complete'))) return base;
  const partial = `${base}.partial`;
  rmSync(partial, { recursive: true, force: true });
  mkdirSync(partial, { recursive: true });
  writeFileSync(path.join(partial, 'package.json'), JSON.stringify({ ...manifest, scripts: {} }));
  writeFileSync(path.join(partial, 'package-lock.json'), lock);
  const device = ['--omit=dev', '--omit=peer', '--os=linux', '--cpu=arm64', '--libc=glibc'];
  tool('npm', ['ci', ...device, '--ignore-scripts', '--no-audit', '--no-fund', '--prefer-offline'], {
    cwd: partial,
    code: 'BUILD_NPM',
  });
  for (const [name, { isNeeded }] of Object.entries(NATIVE)) {
    const folder = path.join(partial, 'node_modules', name);
    if (!existsSync(folder) && !isNeeded) continue;
    try {
      crossBuild(folder);
    } catch (error) {
      if (isNeeded) throw error;
      rmSync(folder, { recursive: true, force: true });
    }
  }
  // As a device's own: the manifest that docs/use/install.md shows.
  writeFileSync(path.join(partial, 'package.json'), '{ "private": true }\n');
  writeFileSync(path.join(partial, 'complete'), '');
  rmSync(base, { recursive: true, force: true });
  renameSync(partial, base);
  return base;
}

/** @param {string} folder of a package with a binding.gyp */
function crossBuild(folder) {
  const gyp = path.join(repository, 'node_modules/node-gyp/bin/node-gyp.js');
  tool(process.execPath, [gyp, 'rebuild', '--release', '--arch=arm64', `--nodedir=${ensureArm64Node()}`], {
    cwd: folder,
    code: 'BUILD_ADDON',
    env: {
      CC: 'aarch64-linux-gnu-gcc',
      CXX: 'aarch64-linux-gnu-g++',
      AR: 'aarch64-linux-gnu-ar',
      LINK: 'aarch64-linux-gnu-g++',
      // The folder of the build is nobody's business, and differs from machine to machine.
      CFLAGS: `-ffile-prefix-map=${folder}=.`,
      CXXFLAGS: `-ffile-prefix-map=${folder}=.`,
      LDFLAGS: '-Wl,--strip-all -Wl,--build-id=none -static-libstdc++ -static-libgcc',
    },
  });
}

/**
 * Lays the files of the application into a layer.
 * @param {Built} built
 * @param {string} layer folder
 * @returns {Promise<import('../../../src/release/application/application.ts').Application>}
 * @throws {ImageFailure} `BUILD_APPLICATION`
 */
export async function layApplication({ base }, layer) {
  const { readApplication } = await import(path.join(repository, 'dist/release/application/application.js'));
  const application = await readApplication(base);
  if (application.platform !== 'linux-arm64') {
    throw new ImageFailure('BUILD_APPLICATION', 'The packages are not those of the device', {
      place: base,
      expected: 'linux-arm64',
      received: application.platform,
      remedy: 'remove the folder, and build again',
    });
  }
  for (const { name, source, isExecutable } of application.files) {
    const place = name.startsWith('node_modules/') ? name : `${PROGRAM}/${name}`;
    const to = path.join(layer, PLACE, place);
    mkdirSync(path.dirname(to), { recursive: true });
    writeFileSync(to, readFileSync(source), { mode: isExecutable ? 0o755 : 0o644 });
  }
  writeFileSync(path.join(layer, PLACE, 'package.json'), readFileSync(path.join(base, 'package.json')));
  return application;
}
