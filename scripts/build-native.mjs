/**
 * Builds the native addon with node-gyp when its sources, the compiler or Node's binary interface have changed since
 * the last build. Plain JavaScript without packages; everything it says goes to stderr.
 *
 *   node scripts/build-native.mjs              → native/akida-m2/build/Release/spikescope.node
 *   node scripts/build-native.mjs --sanitize   → native/akida-m2/build-sanitize/build/Release/spikescope.node
 *   node scripts/build-native.mjs --threads    → native/akida-m2/build-threads/build/Release/spikescope.node
 *
 * scripts/build-arm64.mjs cross-builds with the same function.
 */
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const nativeFolder = path.join(root, 'native/akida-m2');
const SOURCES = ['binding.gyp', 'binding', 'engine', 'device', 'imaging', 'measure'];

/**
 * @typedef {object} Variant
 * @property {string} [folder] below native/akida-m2, where a copy of the sources is built; in place without it
 * @property {string} [sanitizers] of the compiler, separated by commas
 * @property {string} [architecture] as node-gyp names it; needs `headers`
 * @property {string} [headers] prefix of a Node that has headers
 * @property {string} [compiler] prefix of the names of a cross compiler
 * @property {string} [label] for people
 */

/** @type {Variant} */
const RELEASE = { label: '' };
/** @type {Variant} */
const SANITIZED = {
  folder: 'build-sanitize',
  sanitizers: 'address,undefined',
  label: ' with sanitizers',
};
/** The thread sanitizer tolerates no other beside it. @type {Variant} */
const THREAD_SANITIZED = {
  folder: 'build-threads',
  sanitizers: 'thread',
  label: ' with the thread sanitizer',
};

/** Where the addon lies once built. */
export function addonPath({ folder } = RELEASE) {
  return path.join(nativeFolder, folder ?? '', 'build/Release/spikescope.node');
}

function filesBelow(folder) {
  return readdirSync(folder, { withFileTypes: true, recursive: true })
    .filter((entry) => entry.isFile())
    .map((entry) => path.join(entry.parentPath ?? entry.path, entry.name))
    .sort();
}

function sourceHash() {
  const hash = createHash('sha256');
  for (const name of SOURCES) {
    const place = path.join(nativeFolder, name);
    for (const file of name.includes('.') ? [place] : filesBelow(place)) {
      hash.update(path.relative(nativeFolder, file)).update('\0').update(readFileSync(file)).update('\0');
    }
  }
  return hash.digest('hex');
}

function compilerOf({ compiler }) {
  return compiler === undefined ? (process.env.CXX ?? 'c++') : `${compiler}g++`;
}

/** First line of the compiler's version, or null without a compiler. */
function compilerVersion(variant) {
  const [command, ...args] = compilerOf(variant).split(' ');
  const { status, stdout } = spawnSync(command, [...args, '--version'], { encoding: 'utf8' });
  return status === 0 ? `${command} ${stdout.split('\n')[0]}` : null;
}

function currentStamp(variant) {
  const architecture = variant.architecture ?? process.arch;
  return {
    sources: sourceHash(),
    compiler: compilerVersion(variant),
    node: `${process.version} ${process.versions.modules} ${process.platform} ${architecture}`,
  };
}

/** Headers that came with the Node that runs, so that nothing is downloaded; else node-gyp looks for them itself. */
function headerArguments({ architecture, headers }) {
  if (headers !== undefined) return [`--nodedir=${headers}`, `--arch=${architecture}`];
  const prefix = path.dirname(path.dirname(process.execPath));
  const header = path.join(prefix, 'include/node/node_version.h');
  if (process.env.npm_config_nodedir !== undefined || !existsSync(header)) return [];
  const text = readFileSync(header, 'utf8');
  const version = ['MAJOR', 'MINOR', 'PATCH'].map((part) =>
    new RegExp(`#define NODE_${part}_VERSION (\\d+)`).exec(text)?.at(1),
  );
  return version.join('.') === process.versions.node ? [`--nodedir=${prefix}`] : [];
}

/** Without a compiler an addon of the same sources and Node is as good as it gets. */
function isCurrent(stampFile, addon, stamp) {
  if (!existsSync(stampFile) || !existsSync(addon)) return false;
  try {
    const built = JSON.parse(readFileSync(stampFile, 'utf8'));
    const sameCompiler = stamp.compiler === null || built.compiler === stamp.compiler;
    return built.sources === stamp.sources && built.node === stamp.node && sameCompiler;
  } catch {
    return false;
  }
}

/** Every variant but the usual one has its own folder with its own copy of the sources, because node-gyp builds in place. */
function stageSources(folder) {
  mkdirSync(folder, { recursive: true });
  for (const name of SOURCES) {
    rmSync(path.join(folder, name), { recursive: true, force: true });
    cpSync(path.join(nativeFolder, name), path.join(folder, name), {
      recursive: true,
      preserveTimestamps: true,
    });
  }
}

function nodeGyp(folder, variant, args) {
  const { compiler } = variant;
  const cross = compiler !== undefined && {
    CC: `${compiler}gcc`,
    CXX: `${compiler}g++`,
    AR: `${compiler}ar`,
  };
  const { status } = spawnSync(
    process.execPath,
    [
      path.join(root, 'node_modules/node-gyp/bin/node-gyp.js'),
      '--loglevel=warn',
      ...args,
      ...headerArguments(variant),
    ],
    { cwd: folder, stdio: ['ignore', 2, 2], env: { ...process.env, ...cross } },
  );
  if (status !== 0) {
    throw new Error(
      'the native addon cannot be built; a C++17 compiler, make and python3 are needed (Debian: apt-get install g++ make python3)',
    );
  }
}

/**
 * @param {Variant} [variant]
 * @returns {Promise<string>} path of the addon
 * @throws Error when the build fails; the compiler's words are on stderr
 */
export async function buildVariant(variant = RELEASE) {
  const folder = path.join(nativeFolder, variant.folder ?? '');
  const addon = addonPath(variant);
  const stampFile = path.join(folder, 'build/stamp.json');
  const stamp = currentStamp(variant);
  if (isCurrent(stampFile, addon, stamp)) return addon;

  process.stderr.write(`spikescope: building the native addon${variant.label}\n`);
  if (variant.folder !== undefined) stageSources(folder);
  rmSync(stampFile, { force: true });
  // An option that node-gyp does not know becomes a variable of binding.gyp; what begins with -D does not.
  const variables = variant.sanitizers === undefined ? [] : [`--sanitize=${variant.sanitizers}`];
  nodeGyp(folder, variant, ['configure', ...variables]);
  nodeGyp(folder, variant, ['build', `--jobs=${availableParallelism()}`]);
  writeFileSync(stampFile, JSON.stringify(stamp));
  return addon;
}

/**
 * @param {{ sanitize?: boolean, threads?: boolean }} [options] `sanitize`: with address and undefined-behaviour
 * sanitizers; `threads`: with the thread sanitizer
 */
export function buildNative({ sanitize = false, threads = false } = {}) {
  if (threads) return buildVariant(THREAD_SANITIZED);
  return buildVariant(sanitize ? SANITIZED : RELEASE);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  try {
    await buildNative({
      sanitize: process.argv.includes('--sanitize'),
      threads: process.argv.includes('--threads'),
    });
  } catch (error) {
    process.stderr.write(`spikescope: ${error.message}\n`);
    process.exitCode = 1;
  }
}
