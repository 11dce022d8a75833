/** Builds an image, stage by stage. */
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { hashOf } from '../../support/hash.mjs';
import { root as repository } from '../../support/programs.mjs';
import { buildApplication, layApplication } from './application.mjs';
import { BOARDS } from './boards.mjs';
import { makeData } from './data.mjs';
import { digestOf, sha256Of, uuidOf } from './digest.mjs';
import { addDriver, digestOfDriver, inspectDriver, layCardPart, requireDriverFor } from './driver.mjs';
import { makeInitramfs } from './initramfs.mjs';
import { kernelOf, unpackKernel } from './kernel.mjs';
import { openNamespace } from './namespace.mjs';
import { Apt, ownMirrors, packagesOf, releaseOf, select } from './packages.mjs';
import { appendHashes, copyFile, makeDisk, makeFat, requireRoom, sizeOf } from './partitions.mjs';
import { Progress } from './progress.mjs';
import {
  FILES,
  filesDigest,
  layDebian,
  layFiles,
  layModules,
  layOver,
  packRoot,
  scratch,
  takeFirmware,
} from './root.mjs';
import { debianComponent, imageSbom } from './sbom.mjs';
import { AUTOBOOT, fillBoot } from './slot.mjs';
import { makeSystemArchive } from './system-archive.mjs';
import { requireTools, tool } from './tools.mjs';

/**
 * @typedef {object} Wish
 * @property {'pi5' | 'virt'} board
 * @property {string} out
 * @property {string} cache
 * @property {string | null} kernel folder of a kernel that was built elsewhere
 * @property {string | null} driver folder of an Akida card's driver that was built for this kernel
 * @property {boolean} compress
 * @property {boolean} fresh whether indexes of packages are fetched in any case
 * @property {number} epoch seconds; the time of everything in the image
 * @property {{ main: string, security: string } | null} mirrors
 */

/** Weights: seconds on two slow cores, of the first build. */
const STAGES = [
  { name: 'choosing packages', weight: 20 },
  { name: 'fetching packages', weight: 25 },
  { name: 'building spikescope for arm64', weight: 120 },
  { name: 'unpacking and configuring Debian', weight: 60 },
  { name: 'the kernel', weight: 40 },
  { name: 'laying the system out', weight: 30 },
  { name: 'packing the root', weight: 60 },
  { name: 'boot partitions and data', weight: 15 },
  { name: 'putting the disk together', weight: 20 },
  { name: 'books: manifest and parts', weight: 15 },
  { name: 'compressing', weight: 60 },
];

/**
 * @param {Wish} wish
 * @returns {Promise<{ manifest: Record<string, unknown>, times: Record<string, number> }>}
 * @throws {import('./failure.mjs').ImageFailure}
 */
export async function buildImage(wish) {
  const driver = wish.driver === null ? null : inspectDriver(wish.driver);
  requireTools();
  mkdirSync(wish.cache, { recursive: true });
  const namespace = await openNamespace();
  // Below a folder that the namespace can enter: its users are strangers here.
  const folder = mkdtempSync(path.join(existsSync('/var/tmp') ? '/var/tmp' : tmpdir(), 'spikescope-image-'));
  chmodSync(folder, 0o711);
  const inner = path.join(folder, 'inner');
  mkdirSync(inner);
  chmodSync(inner, 0o777);
  const root = path.join(inner, 'root');
  try {
    namespace.run(['mkdir', '--mode=755', root]);
    return await build(
      wish,
      { namespace, folder, root, cache: wish.cache, epoch: wish.epoch },
      inner,
      driver,
    );
  } finally {
    namespace.run(['sh', '-c', 'rm -rf "$1"/* || true', 'image', inner]);
    namespace.close();
    rmSync(folder, { recursive: true, force: true });
  }
}

/**
 * @param {Wish} wish
 * @param {import('./root.mjs').Workplace} place
 * @param {string} inner a folder that the namespace can write to
 * @param {import('./driver.mjs').Driver | null} driver
 */
async function build(wish, place, inner, driver) {
  const board = BOARDS[wish.board];
  const progress = new Progress(STAGES.slice(0, wish.compress ? undefined : -1));
  const { epoch } = wish;

  progress.next();
  const apt = new Apt(path.join(wish.cache, 'apt'), wish.mirrors ?? ownMirrors());
  apt.update(wish.fresh);
  const names = packagesOf(readFileSync(path.join(FILES, 'packages.txt'), 'utf8'), wish.board);
  const chosen = select(apt, { names, ownKernel: wish.kernel !== null });
  const release = releaseOf(chosen.kernel);
  // Long before the kernel is there; one that comes from a folder says for itself what it is.
  if (driver !== null && release !== null) requireDriverFor(driver, release);
  const firmware =
    board.firmware.length === 0
      ? []
      : apt.resolve([...board.firmware]).filter(({ name }) => board.firmware.includes(name));

  progress.next();
  apt.fetch([...chosen.system, ...chosen.kernel, ...firmware]);

  progress.next();
  const built = buildApplication(wish.cache);

  progress.next();
  layDebian(place, apt, chosen.system, (done, of) => progress.step(done, of));

  progress.next();
  const kernelFolder = scratch(place, 'kernel');
  const kernel =
    wish.kernel === null
      ? unpackKernel(
          chosen.kernel.map((each) => apt.fileOf(each)),
          kernelFolder,
        )
      : kernelOf(wish.kernel, kernelFolder);
  if (driver !== null) addDriver(driver, kernel);
  const initramfs = path.join(place.folder, 'initramfs');
  makeInitramfs({ ...place, kernel, scratch: scratch(place, 'initramfs.d'), out: initramfs });

  progress.next();
  const layer = scratch(place, 'layer');
  layModules(kernel, layer);
  takeFirmware(
    firmware.map((each) => apt.fileOf(each)),
    layer,
    scratch(place, 'firmware'),
  );
  const application = await layApplication(built, layer);
  layFiles(layer, epoch);
  if (driver !== null) layCardPart(layer);
  layOver(place, layer, built.version);

  progress.next();
  /** All that the bytes of the image depend on. */
  const inputs = {
    board: wish.board,
    version: built.version,
    sourceDateEpoch: epoch,
    packages: [...chosen.system, ...chosen.kernel, ...firmware],
    kernel: { release: kernel.release, image: sha256Of(kernel.image) },
    driver: driver === null ? null : digestOfDriver(driver),
    application: digestOf(application.files.map(({ name, source }) => [name, sha256Of(source)])),
    files: filesDigest(),
    builder: hashOf(repository, ['scripts/flash/image']),
  };
  const seed = digestOf(inputs);
  const rootImage = path.join(inner, 'root.img');
  packRoot(place, { out: rootImage, uuid: uuidOf(seed, 'root') });
  const slot = scratch(place, 'slot');
  copyFile(rootImage, path.join(slot, 'root.img'));
  const verity = appendHashes(path.join(slot, 'root.img'), seed);
  requireRoom(path.join(slot, 'root.img'), sizeOf('root-a'), 'root');

  progress.next();
  const bootFolder = scratch(place, 'boot');
  fillBoot({ folder: bootFolder, kernel, initramfs, board, verity });
  makeFat({
    out: path.join(slot, 'boot.img'),
    size: sizeOf('boot-a'),
    label: 'BOOT',
    seed,
    epoch,
    folder: touched(bootFolder, epoch),
  });
  const configFolder = scratch(place, 'config');
  writeFileSync(path.join(configFolder, 'autoboot.txt'), AUTOBOOT);
  const config = path.join(place.folder, 'config.img');
  makeFat({
    out: config,
    size: sizeOf('config'),
    label: 'SPIKESCOPE',
    seed,
    epoch,
    folder: touched(configFolder, epoch),
  });
  const data = path.join(place.folder, 'data.img');
  makeData({
    out: data,
    size: sizeOf('data'),
    seed,
    epoch,
    settings: board.settings,
    scratch: scratch(place, 'data'),
  });

  progress.next();
  const out = path.resolve(wish.out);
  mkdirSync(path.dirname(out), { recursive: true });
  const contents = {
    config,
    'boot-a': path.join(slot, 'boot.img'),
    'boot-b': path.join(slot, 'boot.img'),
    'root-a': path.join(slot, 'root.img'),
    'root-b': path.join(slot, 'root.img'),
    data,
  };
  const partitions = makeDisk({ disk: `${out}.partial`, seed, contents });
  const system = makeSystemArchive({
    ...{
      out: `${out}.system.partial`,
      folder: slot,
      version: built.version,
      board: wish.board,
      verity,
      epoch,
    },
  });

  progress.next();
  const debian = [...chosen.system, ...chosen.kernel, ...firmware].map((item) =>
    debianComponent(item, {
      ...knownOf(apt.fileOf(item)),
      use: chosen.system.includes(item) ? 'installed' : 'files',
    }),
  );
  const node = chosen.system.find(({ name }) => name === 'nodejs')?.version.replace(/[+~-].*/, '') ?? '';
  const sbom = await imageSbom({ application, debian, board: wish.board, epoch, node });
  const manifest = {
    format: 1,
    image: { size: statSync(`${out}.partial`).size, sha256: sha256Of(`${out}.partial`) },
    inputs: { ...inputs, digest: seed },
    partitions,
    slots: { a: { boot: system.boot, root: system.root }, b: { boot: system.boot, root: system.root } },
    system: { size: statSync(`${out}.system.partial`).size, sha256: sha256Of(`${out}.system.partial`) },
  };

  if (wish.compress) {
    progress.next();
    tool('zstd', ['-q', '-f', '-9', '-T0', `${out}.partial`, '-o', `${out}.zst.partial`]);
    renameSync(`${out}.zst.partial`, `${out}.zst`);
  }
  writeFileSync(`${out}.sbom.json`, `${JSON.stringify(sbom, null, 2)}\n`);
  writeFileSync(`${out}.manifest.json`, `${JSON.stringify(manifest, null, 2)}\n`);
  renameSync(`${out}.system.partial`, `${out}.system`);
  renameSync(`${out}.partial`, out);
  progress.end();
  return { manifest, times: progress.times };
}

/** @param {string} folder @param {number} epoch @returns {string} the folder, all its files of one time */
function touched(folder, epoch) {
  tool('find', [folder, '-exec', 'touch', `--date=@${epoch}`, '{}', '+']);
  return folder;
}

/** What an archive says of itself. @param {string} archive */
function knownOf(archive) {
  const maintainer = tool('dpkg-deb', ['--field', archive, 'Maintainer'])
    .trim()
    .replace(/\s*<.*/, '');
  const copyright = tool(
    'bash',
    [
      '-c',
      'dpkg-deb --fsys-tarfile "$1" | tar --extract --to-stdout --wildcards "./usr/share/doc/*/copyright" 2>/dev/null',
      'image',
      archive,
    ],
    { allowed: [2] },
  );
  return { maintainer, copyright };
}
