/** The tree of the system: Debian below, then kernel modules, the application and the files of this project. */
import { cpSync, existsSync, mkdirSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { hashOf } from '../../support/hash.mjs';
import { root as repository } from '../../support/programs.mjs';
import { writeAccounts } from './accounts.mjs';
import { configureSystem } from './configure.mjs';
import { digestOf } from './digest.mjs';
import { pipeline, tool } from './tools.mjs';
import { layFolder, unpackSystem } from './unpack.mjs';

/** What the image gets beside packages: units, settings, rules. */
export const FILES = fileURLToPath(new URL('../files', import.meta.url));
const RECIPE = ['unpack', 'configure', 'accounts', 'authentication', 'certificates'];

/**
 * @typedef {object} Workplace
 * @property {import('./namespace.mjs').Namespace} namespace
 * @property {string} folder of this build, removed at its end
 * @property {string} root the tree
 * @property {string} cache
 * @property {number} epoch seconds
 */

/** A folder for one use. @param {Workplace} place @param {string} name */
export function scratch({ folder }, name) {
  const made = path.join(folder, name);
  mkdirSync(made, { recursive: true });
  return made;
}

/**
 * Debian, unpacked and configured: from the cache where the same packages were so before.
 * @param {Workplace} place
 * @param {import('./packages.mjs').Apt} apt
 * @param {readonly import('./packages.mjs').DebianPackage[]} packages
 * @param {(done: number, of: number) => void} onProgress
 */
export function layDebian(place, apt, packages, onProgress) {
  const { namespace, root, cache } = place;
  const recipe = hashOf(
    path.dirname(fileURLToPath(import.meta.url)),
    RECIPE.map((name) => `${name}.mjs`),
  );
  const key = digestOf([packages.map(({ sha256 }) => sha256), recipe]).slice(0, 24);
  const kept = path.join(cache, `debian-${key}.tar.zst`);
  const inside = [...namespace.entry, 'tar', `--directory=${root}`, '--numeric-owner', '--sort=name'];
  if (existsSync(kept)) {
    pipeline('from=$1; shift; zstd -dcq "$from" | "$@"', [
      kept,
      ...inside,
      '--extract',
      '--preserve-permissions',
    ]);
    return;
  }
  const archives = packages.map((item) => ({ item, file: apt.fileOf(item) }));
  unpackSystem({ namespace, root, scratch: scratch(place, 'records') }, archives, onProgress);
  configureSystem({ namespace, root, scratch: scratch(place, 'configure') }, scriptedOf(place));
  for (const name of readdirSync(cache))
    if (/^debian-.*\.tar\.zst/.test(name)) rmSync(path.join(cache, name));
  pipeline('to=$1; shift; "$@" | zstd -q -3 -T0 > "$to"', [`${kept}.partial`, ...inside, '--create', '.']);
  renameSync(`${kept}.partial`, kept);
}

/** Packages that have a script to be configured by. @param {Workplace} place */
function scriptedOf({ folder }) {
  return readdirSync(path.join(folder, 'records/var/lib/dpkg/info'))
    .filter((name) => name.endsWith('.postinst'))
    .map((name) => name.replace(/(:\w+)?\.postinst$/, ''));
}

/**
 * Files of a package of which nothing is configured, such as firmware.
 * @param {readonly string[]} archives
 * @param {string} layer
 * @param {string} folder an empty one
 */
export function takeFirmware(archives, layer, folder) {
  for (const archive of archives) tool('dpkg-deb', ['--extract', archive, folder]);
  for (const name of ['usr/lib/firmware', 'usr/share/doc'])
    if (existsSync(path.join(folder, name)))
      cpSync(path.join(folder, name), path.join(layer, name), {
        recursive: true,
        verbatimSymlinks: true,
        filter: (from) => !from.includes('/usr/share/doc/') || !/\/(changelog|README|NEWS)[^/]*$/.test(from),
      });
}

/** @param {import('./kernel.mjs').Kernel} kernel @param {string} layer */
export function layModules({ modules, release }, layer) {
  const to = path.join(layer, 'usr/lib/modules', release);
  mkdirSync(path.dirname(to), { recursive: true });
  cpSync(modules, to, {
    recursive: true,
    verbatimSymlinks: true,
    filter: (from) => !/^(dtb|vmlinuz|System\.map|Image)$/.test(path.relative(modules, from)),
  });
}

/** The tree of files of this project; it stands above all else. @param {string} layer @param {number} epoch */
export function layFiles(layer, epoch) {
  cpSync(path.join(FILES, 'rootfs'), layer, { recursive: true, verbatimSymlinks: true, force: true });
  mkdirSync(path.join(layer, 'usr/lib'), { recursive: true });
  writeFileSync(path.join(layer, 'usr/lib/clock-epoch'), '');
  tool('touch', [`--date=@${epoch}`, path.join(layer, 'usr/lib/clock-epoch')]);
}

/**
 * @param {Workplace} place
 * @param {string} layer
 * @param {string} version of the image, for who installs the next one
 */
export function layOver(place, layer, version) {
  layFolder(place.namespace, layer, place.root);
  writeAccounts(place, place.epoch);
  // Systems that find /usr newer than /etc and /var would do at each start what cannot be kept on a read-only root.
  place.namespace.run(['sh', '-ec', STAMPS, 'image', place.root, String(place.epoch), version]);
}

const STAMPS = `
printf 'IMAGE_ID=spikescope\\nIMAGE_VERSION=%s\\n' "$3" >> "$1/usr/lib/os-release"
for each in etc var; do
  printf '# This file was made with the image.\\nTIMESTAMP_NSEC=%s000000000\\n' "$2" > "$1/$each/.updated"
done
rm -f "$1/var/lib/systemd/random-seed"
`;

/**
 * The read-only root.
 * @param {Workplace} place
 * @param {{ out: string, uuid: string }} wish `out`: seen from the namespace as well
 */
export function packRoot({ namespace, root, epoch }, { out, uuid }) {
  namespace.run([
    ...['mkfs.erofs', '-zlz4hc,4', '-C65536', `-T${epoch}`, `-U${uuid}`, '-x-1', '--quiet', out, root],
  ]);
}

/** Of all that the files of this project say. */
export function filesDigest() {
  return hashOf(repository, ['scripts/flash/files']);
}
