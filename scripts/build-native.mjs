/**
 * Builds the native addon that devices run. Everything it says goes to stderr.
 *
 *   node scripts/build-native.mjs              → native/akida-m2/build/Release/spikescope.node
 *   node scripts/build-native.mjs --sanitize   → native/akida-m2/build-sanitize/build/Release/spikescope.node
 *   node scripts/build-native.mjs --threads    → native/akida-m2/build-threads/build/Release/spikescope.node
 */
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { ADDONS } from './addons.mjs';
import { askCompiler, buildAddon } from './build-addon.mjs';
import { asScript } from './support/programs.mjs';

/** @typedef {import('./build-addon.mjs').Variant} Variant */

/** @type {Variant} */
const SANITIZED = {
  folder: 'build-sanitize',
  label: ' with sanitizers',
  variables: { sanitize: 'address,undefined' },
};
/** The thread sanitizer tolerates no other beside it. @type {Variant} */
const THREAD_SANITIZED = {
  folder: 'build-threads',
  label: ' with the thread sanitizer',
  variables: { sanitize: 'thread' },
};

/**
 * The variant with the compiler's own libraries inside the addon where the compiler has them as archives: then a machine
 * with an older or without a C++ library loads it too.
 * @param {Variant} variant
 * @returns {Variant}
 */
export function selfContained(variant) {
  const archive = askCompiler(variant, '-print-file-name=libstdc++.a');
  const isThere = archive !== null && path.isAbsolute(archive);
  return isThere ? { ...variant, variables: { ...variant.variables, static_runtime: 'yes' } } : variant;
}

/**
 * @param {Variant} variant with sanitizers
 * @param {readonly string[]} runtimes what the sanitizers' functions begin with
 * @returns {string} path of the addon
 * @throws {Error} when the build is not instrumented: it would find nothing
 */
function buildSanitized(variant, runtimes) {
  const addon = buildAddon(ADDONS.engine, variant);
  const bytes = readFileSync(addon);
  const absent = runtimes.filter((name) => !bytes.includes(name));
  if (absent.length > 0) throw new Error(`the addon${variant.label} calls no ${absent.join(' and ')}`);
  return addon;
}

/**
 * @param {{ sanitize?: boolean, threads?: boolean }} [options] `sanitize`: with address and undefined-behaviour
 *   sanitizers; `threads`: with the thread sanitizer
 * @returns {string} path of the addon
 */
export function buildNative({ sanitize = false, threads = false } = {}) {
  if (threads) return buildSanitized(THREAD_SANITIZED, ['__tsan_']);
  if (sanitize) return buildSanitized(SANITIZED, ['__asan_', '__ubsan_']);
  return buildAddon(ADDONS.engine, selfContained({}));
}

await asScript(import.meta.url, () =>
  buildNative({
    sanitize: process.argv.includes('--sanitize'),
    threads: process.argv.includes('--threads'),
  }),
);
