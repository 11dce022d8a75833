/**
 * Builds an addon with node-gyp when its sources, the compiler or Node's binary interface have changed since the last
 * build. Plain JavaScript without packages; everything it says goes to stderr.
 */
import { cpSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { availableParallelism } from 'node:os';
import path from 'node:path';
import { sourceStamp, sourcesOf } from './addons.mjs';
import { ownHeaders } from './support/node-headers.mjs';
import { messageOf, root, run, say } from './support/programs.mjs';

/** @typedef {import('./addons.mjs').Addon} Addon */

/**
 * A way to build an addon.
 * @typedef {object} Variant
 * @property {string} [folder] below the addon's own, where a copy of the sources is built; in place without it
 * @property {string} [label] for people, after the addon's
 * @property {Record<string, string>} [variables] of binding.gyp that are not as its defaults
 * @property {string} [architecture] as node-gyp names it; needs `headers`
 * @property {string} [headers] prefix of a Node that has headers
 * @property {string} [compiler] prefix of the names of a cross compiler
 * @property {string} [depends] what else its bytes depend on
 * @property {boolean} [reuses] whether it begins with what is built in place; in a folder only
 * @property {{ engine: string, flatbuffers: string }} [card] the vendor's engine for the card, to be built into it
 */

/**
 * Where an addon lies once built.
 * @param {Addon} addon
 * @param {Variant} [variant]
 */
export function addonPath(addon, variant = {}) {
  return path.join(root, addon.folder, variant.folder ?? '', 'build/Release', `${addon.name}.node`);
}

/**
 * What a variant's compiler is called, with the arguments that belong to its name.
 * @param {Variant} variant
 * @returns {string[]}
 */
export function compilerOf({ compiler }) {
  return compiler === undefined ? (process.env.CXX ?? 'c++').split(' ') : [`${compiler}g++`];
}

/**
 * What the compiler answers to an option.
 * @param {Variant} variant
 * @param {string} option
 * @returns {string | null} null without a compiler
 */
export function askCompiler(variant, option) {
  const [command, ...args] = compilerOf(variant);
  try {
    const { status, stdout } = run(command, [...args, option], { stdout: 'capture', stderr: 'ignore' });
    return status === 0 ? stdout.trim() : null;
  } catch {
    return null;
  }
}

/**
 * @param {Addon} addon
 * @param {Variant} variant
 */
function currentStamp(addon, variant) {
  const version = askCompiler(variant, '--version');
  const architecture = variant.architecture ?? process.arch;
  return {
    sources: sourceStamp(addon),
    compiler: version === null ? null : `${compilerOf(variant)[0]} ${version.split('\n')[0]}`,
    node: `${process.version} ${process.versions.modules} ${process.platform} ${architecture}`,
    depends: `${variant.depends ?? ''} ${JSON.stringify({ ...variant.variables, ...variant.card })}`,
  };
}

/**
 * Without a compiler an addon of the same sources and Node is as good as it gets.
 * @param {string} stampFile
 * @param {ReturnType<typeof currentStamp>} stamp
 */
function isCurrent(stampFile, stamp) {
  if (!existsSync(stampFile)) return false;
  try {
    const built = JSON.parse(readFileSync(stampFile, 'utf8'));
    const sameCompiler = stamp.compiler === null || built.compiler === stamp.compiler;
    return (
      built.sources === stamp.sources &&
      built.node === stamp.node &&
      built.depends === stamp.depends &&
      sameCompiler
    );
  } catch {
    return false;
  }
}

/**
 * A variant with a folder has its own copy of the sources, because node-gyp builds in place.
 * @param {Addon} addon
 * @param {string} folder
 */
function stageSources(addon, folder) {
  mkdirSync(folder, { recursive: true });
  for (const name of sourcesOf(addon)) {
    rmSync(path.join(folder, name), { recursive: true, force: true });
    cpSync(path.join(root, addon.folder, name), path.join(folder, name), {
      recursive: true,
      preserveTimestamps: true,
    });
  }
}

/** Below the folder that is built: node-gyp compiles nothing from elsewhere. */
const CARD_SOURCES = 'build-card-engine';

/**
 * What is built in place already, with its times: make compiles again what is older than its sources, or is to be compiled
 * otherwise.
 * @param {Addon} addon
 * @param {string} folder
 */
function stageObjects(addon, folder) {
  const built = path.join(root, addon.folder, 'build');
  if (existsSync(path.join(folder, 'build')) || !existsSync(built)) return;
  cpSync(built, path.join(folder, 'build'), { recursive: true, preserveTimestamps: true });
}

/**
 * @param {string} folder
 * @param {Variant} variant
 * @returns {Record<string, string>} variables of binding.gyp
 */
function stageCardEngine(folder, { card }) {
  if (card === undefined) return {};
  const sources = path.join(folder, CARD_SOURCES);
  rmSync(sources, { recursive: true, force: true });
  const options = { recursive: true, preserveTimestamps: true };
  cpSync(card.engine, sources, options);
  cpSync(path.join(card.flatbuffers, 'flatbuffers'), path.join(sources, 'flatbuffers'), options);
  return { card_engine: CARD_SOURCES };
}

/** @returns {[string, ...string[]]} the project's own node-gyp, else the one that npm puts on the path of its scripts */
function nodeGypCommand() {
  try {
    const require = createRequire(import.meta.url);
    return [process.execPath, require.resolve('node-gyp/bin/node-gyp.js')];
  } catch {
    return ['node-gyp'];
  }
}

/**
 * @param {string} folder
 * @param {Variant} variant
 * @param {readonly string[]} args
 */
function nodeGyp(folder, { compiler, architecture, headers = ownHeaders() ?? undefined }, args) {
  const cross = compiler && { CC: `${compiler}gcc`, CXX: `${compiler}g++`, AR: `${compiler}ar` };
  const [command, ...first] = nodeGypCommand();
  const options = [
    ...(headers === undefined ? [] : [`--nodedir=${headers}`]),
    ...(architecture === undefined ? [] : [`--arch=${architecture}`]),
  ];
  const { status } = run(command, [...first, '--loglevel=warn', ...args, ...options], {
    cwd: folder,
    env: { ...cross },
  });
  if (status !== 0) {
    throw new Error(
      'the native addon cannot be built; a C++17 compiler, make and python3 are needed (Debian: apt-get install g++ make python3)',
    );
  }
}

/**
 * @param {Addon} addon
 * @param {Variant} [variant]
 * @returns {string} path of the addon
 * @throws {Error} when the build fails; the compiler's words are on stderr
 */
export function buildAddon(addon, variant = {}) {
  const folder = path.join(root, addon.folder, variant.folder ?? '');
  const file = addonPath(addon, variant);
  const stampFile = path.join(folder, 'build/stamp.json');
  const stamp = currentStamp(addon, variant);
  if (existsSync(file) && isCurrent(stampFile, stamp)) return file;

  say(`spikescope: building ${addon.label}${variant.label ?? ''}`);
  if (variant.folder !== undefined) stageSources(addon, folder);
  if (variant.reuses) stageObjects(addon, folder);
  rmSync(stampFile, { force: true });
  // node-gyp keeps gyp's own -D from gyp; its options become variables.
  const all = { ...variant.variables, ...stageCardEngine(folder, variant) };
  const variables = Object.entries(all).map(([name, value]) => `--${name}=${value}`);
  nodeGyp(folder, variant, ['configure', ...variables]);
  nodeGyp(folder, variant, ['build', `--jobs=${availableParallelism()}`]);
  writeFileSync(stampFile, JSON.stringify(stamp));
  return file;
}

/**
 * Builds an addon without which everything but training goes on.
 * @param {Addon} addon
 * @param {Variant} [variant]
 * @returns {boolean} whether it is there; a failed build is said
 */
export function buildOptionalAddon(addon, variant = {}) {
  try {
    buildAddon(addon, variant);
    return true;
  } catch (error) {
    say(`spikescope: ${addon.label} cannot be built (${messageOf(error)}); everything else goes on`);
    return false;
  }
}
