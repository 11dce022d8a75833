/**
 * Builds the addons that the npm package carries, laid out as node-gyp-build looks for them. Node-API: any Node that is
 * supported loads them. For arm64 the cross compiler is needed; without it, or without its headers, that addon is left out
 * and this is said, and where `CI` is set it is refused.
 *
 *   node scripts/prebuild.mjs   → prebuilds/linux-x64/spikescope.napi.glibc.node, prebuilds/linux-arm64/…
 */
import { copyFileSync, mkdirSync, rmSync } from 'node:fs';
import path from 'node:path';
import { ARM64_COMPILER, buildArm64 } from './build-arm64.mjs';
import { buildNative } from './build-native.mjs';
import { asScript, isOnPath, messageOf, root, say } from './support/programs.mjs';

const PLACE = path.join(root, 'prebuilds');
const FILE = 'spikescope.napi.glibc.node';

/**
 * @param {string} target
 * @param {string} addon
 */
function keep(target, addon) {
  mkdirSync(path.join(PLACE, target), { recursive: true });
  copyFileSync(addon, path.join(PLACE, target, FILE));
}

function crossBuild() {
  const missing = Object.entries(ARM64_COMPILER).find(([program]) => !isOnPath(program));
  if (missing !== undefined)
    throw new Error(`${missing[0]} is missing (Debian: apt-get install ${missing[1]})`);
  return buildArm64();
}

/** @throws {Error} when the addon of this machine cannot be built, in CI also when the one for arm64 cannot */
export function prebuild() {
  if (process.platform !== 'linux') {
    say(`spikescope: no addon is prebuilt on ${process.platform}; the package goes without`);
    return;
  }
  rmSync(PLACE, { recursive: true, force: true });
  keep(`linux-${process.arch}`, buildNative());
  if (process.arch === 'arm64') return;
  try {
    keep('linux-arm64', crossBuild());
  } catch (error) {
    if (process.env.CI) throw error;
    say(`spikescope: the package goes without an addon for arm64: ${messageOf(error)}`);
  }
}

await asScript(import.meta.url, prebuild);
