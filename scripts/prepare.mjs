/**
 * Brings a bare clone to a working state: tools, npm packages, native addons, compiled TypeScript. Does only what is
 * missing or out of date. Plain JavaScript without packages, because it runs before any is installed.
 * Everything it says goes to stderr: stdout belongs to the command that follows.
 */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { buildDataLoader } from './build-data-loader.mjs';
import { buildNative } from './build-native.mjs';
import { buildTorch } from './build-torch.mjs';
import { hashOf } from './support/hash.mjs';
import { ownHeaders } from './support/node-headers.mjs';
import { asScript, ensurePrograms, execute, root, say } from './support/programs.mjs';

export { ensurePrograms, execute, root };

const MINIMUM_NODE = [20, 19];
/** An installed package has neither sources nor a lock file: what it needs lies beside it, and it is compiled. */
const isClone = existsSync(path.join(root, 'src'));

function requireNode() {
  const [major, minor] = process.versions.node.split('.').map(Number);
  if (major < MINIMUM_NODE[0] || (major === MINIMUM_NODE[0] && minor < MINIMUM_NODE[1])) {
    throw new Error(
      `spikescope needs Node ${MINIMUM_NODE.join('.')} or newer; this is ${process.versions.node}`,
    );
  }
}

/**
 * @typedef {object} LockedPackage
 * @property {string} [version]
 * @property {boolean} [optional]
 * @property {boolean} [dev]
 * @property {boolean} [devOptional]
 * @property {boolean} [peer]
 */

/**
 * @param {string} file
 * @returns {Record<string, LockedPackage>}
 */
function lockedPackages(file) {
  return JSON.parse(readFileSync(path.join(root, file), 'utf8')).packages;
}

/**
 * Whether every package of the lock file that is needed here is installed in its version.
 * @param {{ development: boolean }} needs
 */
function packagesAreCurrent({ development }) {
  const installedLock = 'node_modules/.package-lock.json';
  if (!existsSync(path.join(root, installedLock))) return false;
  const installed = lockedPackages(installedLock);
  return Object.entries(lockedPackages('package-lock.json')).every(
    ([folder, { version, optional, dev, devOptional, peer }]) => {
      if (folder === '' || optional || devOptional || peer || (dev && !development)) return true;
      return installed[folder]?.version === version;
    },
  );
}

function ensurePackages() {
  if (packagesAreCurrent({ development: !compiledIsCurrent() })) return;
  const stillMissing = ensurePrograms({ python3: 'python3', make: 'make', 'g++': 'g++' });
  if (stillMissing.length > 0)
    throw new Error(`native packages cannot be built without ${stillMissing.join(', ')}`);
  say('spikescope: installing npm packages (once, a minute or two)');
  const headers = ownHeaders();
  execute('npm', ['ci', '--no-audit', '--no-fund', '--ignore-scripts=false'], {
    env: { ONNXRUNTIME_NODE_INSTALL: 'skip', ...(headers !== null && { npm_config_nodedir: headers }) },
  });
}

const compiledStamp = path.join(root, 'dist/.stamp');

function sourceHash() {
  return hashOf(root, ['src', 'tsconfig.json', 'tsconfig.build.json', 'scripts/build-page.mjs']);
}

function compiledIsCurrent() {
  if (!isClone) return existsSync(path.join(root, 'dist'));
  return existsSync(compiledStamp) && readFileSync(compiledStamp, 'utf8') === sourceHash();
}

/** Compiles the TypeScript of a clone, and builds the screen's page. */
export function compile() {
  if (compiledIsCurrent()) return;
  say('spikescope: compiling TypeScript');
  execute(path.join(root, 'node_modules/.bin/tsc'), ['-p', 'tsconfig.build.json']);
  execute(process.execPath, [path.join(root, 'scripts/build-page.mjs')]);
  mkdirSync(path.dirname(compiledStamp), { recursive: true });
  writeFileSync(compiledStamp, sourceHash());
}

/**
 * @param {{ install?: boolean }} [options] without `install` (npm's own life cycle, where npm has just installed)
 *   nothing is built while the packages that build are missing
 */
export async function prepare({ install = true } = {}) {
  requireNode();
  if (!install && !existsSync(path.join(root, 'node_modules/.bin/tsc'))) return;
  if (install && isClone) ensurePackages();
  buildNative();
  if (!isClone) return;
  buildDataLoader();
  buildTorch();
  compile();
}

await asScript(import.meta.url, () => prepare({ install: !process.argv.includes('--without-install') }));
