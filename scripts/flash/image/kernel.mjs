/** The kernel of an image: from Debian's packages or a folder, with the modules that a device may need and their index. */
import { cpSync, existsSync, mkdirSync, readdirSync, rmSync, statSync, symlinkSync } from 'node:fs';
import path from 'node:path';
import { ImageFailure } from './failure.mjs';
import { pipeline, tool } from './tools.mjs';

/** Folders of modules for hardware that no such device has. */
const UNUSED = [
  ...[
    'gpu/drm/amd',
    'gpu/drm/nouveau',
    'gpu/drm/radeon',
    'gpu/drm/msm',
    'gpu/drm/xe',
    'gpu/drm/i915',
    'gpu/drm/mediatek',
  ],
  ...[
    'gpu/drm/rockchip',
    'gpu/drm/tegra',
    'gpu/drm/exynos',
    'gpu/drm/imx',
    'gpu/drm/sun4i',
    'gpu/drm/meson',
    'gpu/drm/hisilicon',
  ],
  ...[
    'infiniband',
    'isdn',
    'ata',
    'message',
    'target',
    'accel',
    'iio',
    'staging',
    'atm',
    'hwtracing',
    'fpga',
  ],
  ...[
    'net/ethernet/mellanox',
    'net/ethernet/intel',
    'net/ethernet/qlogic',
    'net/ethernet/chelsio',
    'net/ethernet/marvell',
  ],
  ...[
    'net/ethernet/netronome',
    'net/ethernet/sfc',
    'net/ethernet/cavium',
    'net/ethernet/emulex',
    'net/ethernet/hisilicon',
  ],
  ...[
    'net/ethernet/freescale',
    'net/ethernet/mediatek',
    'net/ethernet/ti',
    'net/ethernet/huawei',
    'net/ethernet/amazon',
  ],
  ...[
    'net/wireless/ath',
    'net/wireless/intel',
    'net/wireless/marvell',
    'net/wireless/mediatek',
    'net/wireless/realtek',
  ],
  ...[
    'net/wireless/ti',
    'net/wireless/rsi',
    'net/wireless/quantenna',
    'net/wireless/ralink',
    'media/dvb-frontends',
    'media/tuners',
  ],
  ...[
    'media/usb',
    'media/pci',
    'usb/gadget',
    'md/bcache',
    'block/drbd',
    'block/aoe',
    'clk/qcom',
    'clk/mediatek',
    'clk/meson',
  ],
  ...[
    'pinctrl/qcom',
    'pinctrl/mediatek',
    'phy/qualcomm',
    'interconnect',
    'soc/qcom',
    'remoteproc',
    'crypto/intel',
  ],
].map((name) => `kernel/drivers/${name}`);
const UNUSED_ELSEWHERE = [
  'kernel/sound',
  'kernel/fs/ocfs2',
  'kernel/fs/ceph',
  'kernel/fs/btrfs',
  'kernel/fs/xfs',
  'kernel/fs/smb',
];

/**
 * @typedef {object} Kernel
 * @property {string} release such as `7.3.4+deb13-arm64`
 * @property {string} image file
 * @property {string} modules folder that goes to /usr/lib/modules/RELEASE
 * @property {string} trees folder of device trees
 * @property {string | null} overlays folder of overlays
 */

/**
 * Unpacks Debian's packages of a kernel.
 * @param {readonly string[]} archives
 * @param {string} scratch an empty folder
 * @returns {Kernel}
 */
export function unpackKernel(archives, scratch) {
  for (const archive of archives) tool('dpkg-deb', ['--extract', archive, scratch]);
  const base = path.join(scratch, 'usr/lib/modules');
  const [release] = readdirSync(base);
  const modules = path.join(base, release);
  return finish({
    release,
    image: path.join(modules, 'vmlinuz'),
    modules,
    trees: path.join(modules, 'dtb/broadcom'),
    overlays: null,
  });
}

/**
 * A kernel that was built elsewhere, as `make Image dtbs_install modules_install` lays it out: `Image` or `kernel8.img`, one
 * folder below `lib/modules`, device trees in `dtbs`, overlays in `overlays`.
 * @param {string} folder
 * @param {string} scratch an empty folder
 * @returns {Kernel}
 * @throws {ImageFailure} `BUILD_KERNEL`
 */
export function kernelOf(folder, scratch) {
  /** @param {readonly string[]} names */
  const first = (names) => names.map((name) => path.join(folder, name)).find((each) => existsSync(each));
  const image = first(['Image', 'kernel8.img', 'kernel_2712.img', 'vmlinuz']);
  const base = first(['lib/modules', 'usr/lib/modules', 'modules']);
  const trees = first(['dtbs/broadcom', 'dtbs', '.']);
  const releases = base === undefined ? [] : readdirSync(base);
  if (image === undefined || base === undefined || trees === undefined || releases.length !== 1) {
    throw new ImageFailure('BUILD_KERNEL', 'The folder does not hold a kernel', {
      place: folder,
      expected: 'Image or kernel8.img, exactly one folder below lib/modules, *.dtb below dtbs',
      received: readdirSync(folder).slice(0, 10).join(', ') || 'an empty folder',
      remedy:
        'make INSTALL_MOD_PATH=FOLDER modules_install, and copy arch/arm64/boot/Image and the device trees',
    });
  }
  const modules = path.join(scratch, 'usr/lib/modules', releases[0]);
  mkdirSync(path.dirname(modules), { recursive: true });
  cpSync(path.join(base, releases[0]), modules, { recursive: true, verbatimSymlinks: true });
  const overlays = path.join(folder, 'overlays');
  return finish({
    release: releases[0],
    image,
    modules,
    trees,
    overlays: existsSync(overlays) ? overlays : null,
  });
}

/** @param {Kernel} kernel @returns {Kernel} */
function finish(kernel) {
  const [main, sub] = kernel.release.split('.').map(Number);
  if (!statSync(kernel.image).isFile() || !(main > 6 || (main === 6 && sub >= 6))) {
    throw new ImageFailure('BUILD_KERNEL', 'The kernel is too old for a Raspberry Pi 5', {
      place: kernel.image,
      expected: '6.6 or newer',
      received: kernel.release,
      remedy: 'take the kernel of backports, which is the default',
    });
  }
  for (const name of [...UNUSED, ...UNUSED_ELSEWHERE])
    rmSync(path.join(kernel.modules, name), { recursive: true, force: true });
  for (const name of ['build', 'source']) rmSync(path.join(kernel.modules, name), { force: true });
  indexModules(kernel);
  return kernel;
}

/** Which module needs which, and which device needs one. @param {Kernel} kernel */
export function indexModules({ modules, release }) {
  const base = path.resolve(modules, '../../../..');
  // Older versions of depmod look below /lib only.
  if (!existsSync(path.join(base, 'lib'))) symlinkSync('usr/lib', path.join(base, 'lib'));
  tool('depmod', ['--basedir', base, release]);
}

/** Device trees of the Raspberry Pi 5. @param {Kernel} kernel */
export function treesOf({ trees }) {
  return readdirSync(trees)
    .filter((name) => /^bcm2712.*\.dtb$/.test(name))
    .sort();
}

/**
 * Modules with all that they need, each after what it needs.
 * @param {string} index text of modules.dep
 * @param {readonly string[]} wanted names, in either spelling; those that are built in or not there are passed over
 * @returns {string[]} paths below the folder of modules
 */
export function closureOf(index, wanted) {
  /** @param {string} name */
  const plain = (name) =>
    path.posix
      .basename(name)
      .replace(/\.ko(\.\w+)?$/, '')
      .replaceAll('-', '_');
  const lines = index.split('\n').map((line) => line.split(':'));
  const needs = new Map(
    lines.filter(([file]) => file !== '').map(([file, rest = '']) => [file, rest.split(' ').filter(Boolean)]),
  );
  const byName = new Map([...needs.keys()].map((file) => [plain(file), file]));
  /** @type {Set<string>} */
  const taken = new Set();
  /** @param {string} file */
  const take = (file) => {
    for (const each of [...(needs.get(file) ?? [])].reverse()) take(each);
    taken.add(file);
  };
  for (const name of wanted) {
    const file = byName.get(plain(name));
    if (file !== undefined) take(file);
  }
  return [...taken];
}

/** @param {string} file a module, maybe compressed @param {string} to */
export function copyModule(file, to) {
  const reader = file.endsWith('.xz')
    ? 'xz -dc'
    : file.endsWith('.zst')
      ? 'zstd -dcq'
      : file.endsWith('.gz')
        ? 'gzip -dc'
        : 'cat';
  pipeline(`${reader} < "$1" > "$2"`, [file, to]);
}
