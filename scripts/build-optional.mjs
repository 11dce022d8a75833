/**
 * Builds addons that only training uses: without them, everything else goes on. Plain JavaScript without packages;
 * everything it says goes to stderr.
 */
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));

/**
 * @typedef {object} OptionalAddon
 * @property {string} folder of its binding.gyp, from the repository's root
 * @property {string} name of its target
 * @property {readonly string[]} sources folders below it
 * @property {string} label for people
 * @property {string} [depends] what else its bytes depend on
 */

/** @param {OptionalAddon} addon */
export function optionalAddonPath({ folder, name }) {
  return path.join(root, folder, 'build/Release', `${name}.node`);
}

function stampOf({ folder, sources, depends = '' }) {
  const place = path.join(root, folder);
  const hash = createHash('sha256').update(
    `${depends} ${process.version} ${process.versions.modules} ${process.arch}`,
  );
  const files = sources.flatMap((source) =>
    readdirSync(path.join(place, source)).map((file) => path.join(source, file)),
  );
  for (const file of ['binding.gyp', ...files.sort()]) {
    hash.update(file).update(readFileSync(path.join(place, file)));
  }
  return hash.digest('hex');
}

/** Node's own headers where they came with it, so that nothing is downloaded; else node-gyp looks for them. */
function headerArguments() {
  const prefix = path.dirname(path.dirname(process.execPath));
  if (process.env.npm_config_nodedir !== undefined) return [];
  return existsSync(path.join(prefix, 'include/node/node_version.h')) ? [`--nodedir=${prefix}`] : [];
}

/**
 * Builds an addon when its sources, what it depends on or Node have changed since the last build.
 * @param {OptionalAddon} addon
 * @returns {boolean} whether it is there; a failed build is said
 */
export function buildOptional(addon) {
  const folder = path.join(root, addon.folder);
  const stampFile = path.join(folder, 'build/stamp.txt');
  const stamp = stampOf(addon);
  const built = existsSync(optionalAddonPath(addon)) && existsSync(stampFile);
  if (built && readFileSync(stampFile, 'utf8') === stamp) return true;
  process.stderr.write(`spikescope: building ${addon.label}\n`);
  rmSync(stampFile, { force: true });
  const { status } = spawnSync(
    process.execPath,
    [
      path.join(root, 'node_modules/node-gyp/bin/node-gyp.js'),
      '--loglevel=warn',
      'configure',
      'build',
      `--jobs=${availableParallelism()}`,
      ...headerArguments(),
    ],
    { cwd: folder, stdio: ['ignore', 2, 2] },
  );
  if (status === 0) writeFileSync(stampFile, stamp);
  else process.stderr.write(`spikescope: ${addon.label} cannot be built; everything else goes on\n`);
  return status === 0;
}
