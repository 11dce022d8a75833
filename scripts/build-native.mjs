/**
 * Builds the native addon that devices run. Everything it says goes to stderr.
 *
 *   node scripts/build-native.mjs              → native/akida-m2/build/Release/spikescope.node
 *   node scripts/build-native.mjs --sanitize   → native/akida-m2/build-sanitize/build/Release/spikescope.node
 *   node scripts/build-native.mjs --threads    → native/akida-m2/build-threads/build/Release/spikescope.node
 *
 * AKIDA_ENGINE_DIR names the source of the vendor's engine for the card (scripts/akida-engine.mjs): it is then part of the
 * first two.
 */
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { ADDONS } from './addons.mjs';
import { namedEngine } from './akida-engine.mjs';
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

/** For tests of the card; the addon itself stays as it is. @type {Variant} */
const WITH_CARD = { folder: 'build-card', label: ' with the engine of the card', reuses: true };

/**
 * @param {Variant} variant
 * @param {string} [engine] folder of the vendor's engine, else what the environment names
 * @returns {Variant} with the engine where one is named
 */
function withEngine(variant, engine) {
  const card = namedEngine(engine);
  return card === null ? variant : { ...variant, card };
}

/**
 * @param {string} engine folder of the vendor's engine
 * @returns {string} path of the addon
 */
export function buildWithCard(engine) {
  return buildAddon(ADDONS.engine, withEngine(WITH_CARD, engine));
}

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
 * @param {{ sanitize?: boolean, threads?: boolean, engine?: string }} [options] `sanitize`: with address and
 *   undefined-behaviour sanitizers; `threads`: with the thread sanitizer; `engine`: folder of the vendor's engine for the
 *   card, else what the environment names
 * @returns {string} path of the addon
 */
export function buildNative({ sanitize = false, threads = false, engine } = {}) {
  if (threads) return buildSanitized(THREAD_SANITIZED, ['__tsan_']);
  if (sanitize) return buildSanitized(withEngine(SANITIZED, engine), ['__asan_', '__ubsan_']);
  return buildAddon(ADDONS.engine, withEngine(selfContained({}), engine));
}

await asScript(import.meta.url, () =>
  buildNative({
    sanitize: process.argv.includes('--sanitize'),
    threads: process.argv.includes('--threads'),
  }),
);
