/** What the kernel starts first: finds the root of its slot by name, has it verified, and hands over to it. */
import { chmodSync, cpSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { closureOf, copyModule } from './kernel.mjs';
import { pipeline } from './tools.mjs';

const INIT = fileURLToPath(new URL('init.sh', import.meta.url));

/** Needed on every machine. */
const EVERYWHERE = [
  'virtio_blk',
  'virtio_pci',
  'virtio_mmio',
  'mmc_block',
  'dm-verity',
  'erofs',
  'crc32c',
  'lz4',
  'xxhash',
];
/** Needed to read the card of a Raspberry Pi; a machine that is none passes over them. */
const RASPBERRY_PI = [
  ...[
    'irq-bcm2712-mip',
    'bcm2835-mailbox',
    'raspberrypi',
    'clk-raspberrypi',
    'reset-raspberrypi',
    'clk-bcm2835',
  ],
  ...[
    'pinctrl-brcmstb-bcm2712',
    'pinctrl-brcmstb',
    'pinctrl-bcm2835',
    'gpio-brcmstb',
    'gpio-raspberrypi-exp',
  ],
  ...[
    'reset-brcmstb',
    'reset-brcmstb-rescal',
    'regulator-fixed',
    'gpio-regulator',
    'fixed',
    'raspberrypi-power',
    'bcm2835-power',
  ],
  ...[
    'sdhci-brcmstb',
    'sdhci-iproc',
    'sdhci-pltfm',
    'bcm2835',
    'cqhci',
    'bcm2835_wdt',
    'pcie-brcmstb',
    'nvme',
  ],
];
/** Programs of the image, with the libraries that dmsetup needs. */
const LIBRARIES = ['ld-linux-aarch64.so.1', 'libc.so.6', 'libm.so.6'];
const LIBRARY_FOLDER = 'usr/lib/aarch64-linux-gnu';

/**
 * @param {object} from
 * @param {import('./namespace.mjs').Namespace} from.namespace
 * @param {string} from.root the configured tree, with busybox and dmsetup
 * @param {import('./kernel.mjs').Kernel} from.kernel
 * @param {string} from.scratch an empty folder of this user
 * @param {string} from.out
 * @param {number} from.epoch seconds
 */
export function makeInitramfs({ namespace, root, kernel, scratch, out, epoch }) {
  for (const name of [
    'bin',
    'dev',
    'proc',
    'sys',
    'run',
    'root',
    'lib/modules',
    'lib/aarch64-linux-gnu',
    'sbin',
  ])
    mkdirSync(path.join(scratch, name), { recursive: true });
  /** @param {string} name @param {string} to */
  const take = (name, to) => {
    pipeline('to=$1; shift; "$@" > "$to"', [
      path.join(scratch, to),
      ...namespace.entry,
      'cat',
      `${root}/${name}`,
    ]);
    chmodSync(path.join(scratch, to), 0o755);
  };
  take('usr/bin/busybox', 'bin/busybox');
  symlinkSync('busybox', path.join(scratch, 'bin/sh'));
  take('usr/sbin/dmsetup', 'sbin/dmsetup');
  for (const name of [...LIBRARIES, ...neededBy(namespace, root)])
    take(`${LIBRARY_FOLDER}/${name}`, `lib/aarch64-linux-gnu/${name}`);
  symlinkSync('aarch64-linux-gnu/ld-linux-aarch64.so.1', path.join(scratch, 'lib/ld-linux-aarch64.so.1'));
  const index = readFileSync(path.join(kernel.modules, 'modules.dep'), 'utf8');
  const all = closureOf(index, EVERYWHERE);
  const raspberry = closureOf(index, RASPBERRY_PI).filter((each) => !all.includes(each));
  for (const file of [...all, ...raspberry])
    copyModule(path.join(kernel.modules, file), path.join(scratch, 'lib/modules', plainName(file)));
  writeFileSync(path.join(scratch, 'lib/modules/everywhere'), `${all.map(plainName).join('\n')}\n`);
  writeFileSync(path.join(scratch, 'lib/modules/raspberry-pi'), `${raspberry.map(plainName).join('\n')}\n`);
  cpSync(INIT, path.join(scratch, 'init'));
  chmodSync(path.join(scratch, 'init'), 0o755);
  pack(scratch, out, epoch);
}

/** @param {string} file */
function plainName(file) {
  return path.posix.basename(file).replace(/\.ko\.\w+$/, '.ko');
}

/**
 * Libraries of dmsetup and of its libraries, beside libc.
 * @param {import('./namespace.mjs').Namespace} namespace
 * @param {string} root
 */
function neededBy(namespace, root) {
  /** @type {Set<string>} */
  const found = new Set();
  /** @param {string} name */
  const follow = (name) => {
    const said = namespace.run(['readelf', '--dynamic', `${root}/${name}`]);
    for (const [, library] of said.matchAll(/\(NEEDED\).*\[(.+)\]/g)) {
      if (LIBRARIES.includes(library) || found.has(library)) continue;
      found.add(library);
      follow(`${LIBRARY_FOLDER}/${library}`);
    }
  };
  follow('usr/sbin/dmsetup');
  return [...found].sort();
}

/** @param {string} folder @param {string} out @param {number} epoch */
function pack(folder, out, epoch) {
  pipeline(
    'cd "$1" && find . -exec touch --no-dereference --date=@"$3" {} + && find . | LC_ALL=C sort |' +
      ' cpio --create --format=newc --owner=0:0 --reproducible --quiet | zstd -q -15 -T1 > "$2"',
    [folder, out, String(epoch)],
  );
}
