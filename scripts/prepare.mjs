/**
 * Brings a bare clone to a working state: tools, npm packages, native addon, compiled TypeScript. Does only what is
 * missing or out of date. Plain JavaScript without packages, because it runs before any is installed.
 * Everything it says goes to stderr: stdout belongs to the command that follows.
 */
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { buildDataLoader } from './build-data-loader.mjs';
import { buildNative } from './build-native.mjs';
import { buildTorch } from './build-torch.mjs';

export const root = fileURLToPath(new URL('..', import.meta.url));
const MINIMUM_NODE = [20, 19];

function say(text) {
  process.stderr.write(`${text}\n`);
}

/** Runs a command with its output on stderr; throws with the command's name when it fails. */
export function execute(command, args, environment = {}) {
  const { status, error } = spawnSync(command, args, {
    cwd: root,
    stdio: ['ignore', 2, 2],
    env: { ...process.env, ...environment },
  });
  if (status !== 0)
    throw new Error(`${command} ${args.join(' ')} failed${error ? `: ${error.message}` : ''}`);
}

function isOnPath(program) {
  return (process.env.PATH ?? '')
    .split(path.delimiter)
    .some((folder) => existsSync(path.join(folder, program)));
}

/**
 * Installs Debian packages for the programs that are missing: with apt when root, else says the one line to type.
 * @param {Record<string, string>} packageOf program → Debian package
 * @returns {string[]} the programs that are still missing
 */
export function ensurePrograms(packageOf) {
  const missing = Object.keys(packageOf).filter((program) => !isOnPath(program));
  if (missing.length === 0) return [];
  const packages = [...new Set(missing.map((program) => packageOf[program]))];
  if (process.getuid?.() === 0 && isOnPath('apt-get')) {
    say(`spikescope: installing ${packages.join(', ')} with apt`);
    const options = {
      stdio: ['ignore', 'ignore', 2],
      env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' },
    };
    spawnSync('apt-get', ['update', '-q'], options);
    spawnSync('apt-get', ['install', '-y', '-q', '--no-install-recommends', ...packages], options);
  } else {
    say(
      `spikescope: ${missing.join(', ')} missing here. Please type:\n  sudo apt-get install ${packages.join(' ')}`,
    );
  }
  return missing.filter((program) => !isOnPath(program));
}

function requireNode() {
  const [major, minor] = process.versions.node.split('.').map(Number);
  if (major < MINIMUM_NODE[0] || (major === MINIMUM_NODE[0] && minor < MINIMUM_NODE[1])) {
    throw new Error(
      `spikescope needs Node ${MINIMUM_NODE.join('.')} or newer; this is ${process.versions.node}`,
    );
  }
}

/** Whether every package of the lock file that is needed here is installed in its version. */
function packagesAreCurrent({ development }) {
  const installedLock = path.join(root, 'node_modules/.package-lock.json');
  if (!existsSync(installedLock)) return false;
  const wanted = JSON.parse(readFileSync(path.join(root, 'package-lock.json'), 'utf8')).packages;
  const installed = JSON.parse(readFileSync(installedLock, 'utf8')).packages;
  return Object.entries(wanted).every(([folder, { version, optional, dev, devOptional }]) => {
    if (folder === '' || optional || devOptional || (dev && !development)) return true;
    return installed[folder]?.version === version;
  });
}

function ensurePackages() {
  if (packagesAreCurrent({ development: !compiledIsCurrent() })) return;
  const stillMissing = ensurePrograms({ python3: 'python3', make: 'make', 'g++': 'g++' });
  if (stillMissing.length > 0)
    throw new Error(`native packages cannot be built without ${stillMissing.join(', ')}`);
  say('spikescope: installing npm packages (once, a minute or two)');
  execute('npm', ['ci', '--no-audit', '--no-fund', '--ignore-scripts=false'], {
    ONNXRUNTIME_NODE_INSTALL: 'skip',
  });
}

function filesBelow(folder) {
  return readdirSync(folder, { withFileTypes: true, recursive: true })
    .filter((entry) => entry.isFile())
    .map((entry) => path.join(entry.parentPath ?? entry.path, entry.name))
    .sort();
}

const compiledStamp = path.join(root, 'dist/.stamp');

function sourceHash() {
  const hash = createHash('sha256');
  for (const file of [
    ...filesBelow(path.join(root, 'src')),
    path.join(root, 'tsconfig.json'),
    path.join(root, 'tsconfig.build.json'),
  ]) {
    hash.update(path.relative(root, file)).update(readFileSync(file));
  }
  return hash.digest('hex');
}

function compiledIsCurrent() {
  if (!existsSync(path.join(root, 'src'))) return existsSync(path.join(root, 'dist'));
  return existsSync(compiledStamp) && readFileSync(compiledStamp, 'utf8') === sourceHash();
}

function compile() {
  if (compiledIsCurrent()) return;
  say('spikescope: compiling TypeScript');
  execute(path.join(root, 'node_modules/.bin/tsc'), ['-p', 'tsconfig.build.json']);
  mkdirSync(path.dirname(compiledStamp), { recursive: true });
  writeFileSync(compiledStamp, sourceHash());
}

/**
 * @param {{ install?: boolean }} [options] without `install` (npm's own life cycle, where npm has just installed)
 *   nothing is built while the packages that build are missing
 */
export async function prepare({ install = true } = {}) {
  requireNode();
  if (install) ensurePackages();
  else if (!existsSync(path.join(root, 'node_modules/.bin/tsc'))) return;
  await buildNative();
  buildDataLoader();
  buildTorch();
  compile();
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  try {
    await prepare({ install: !process.argv.includes('--without-install') });
  } catch (error) {
    say(`spikescope: ${error.message}`);
    process.exitCode = 1;
  }
}
