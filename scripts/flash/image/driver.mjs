/** The driver of an Akida card, where somebody has built it for the kernel of the image: it is no part of this project. */
import { copyFileSync, existsSync, mkdirSync, symlinkSync } from 'node:fs';
import path from 'node:path';
import { sha256Of } from './digest.mjs';
import { ImageFailure } from './failure.mjs';
import { indexModules } from './kernel.mjs';
import { tool } from './tools.mjs';

const MODULE = 'akida-pcie.ko';
/** The part of the unit by which the appliance may open the card. */
const PART = 'usr/lib/systemd/system/spikescope.service.d/card.conf';
const PACKAGE = '/opt/spikescope/node_modules/spikescope/provisioning/systemd/spikescope.service.d';

/**
 * Adds the module to the kernel's, and its index. @param {string} folder with `akida-pcie.ko`
 * @param {import('./kernel.mjs').Kernel} kernel
 * @throws {ImageFailure} `BUILD_DRIVER`
 */
export function addDriver(folder, kernel) {
  const module = path.join(folder, MODULE);
  const received = existsSync(module) ? madeFor(module) : 'no such file';
  const expected = `${kernel.release} on AArch64`;
  if (received !== expected) {
    throw new ImageFailure('BUILD_DRIVER', 'This is no driver for the kernel of the image', {
      place: module,
      ...{ expected, received },
      remedy: `on an arm64 machine: make KERNEL_PATH=/usr/src/linux-headers-${kernel.release} KERNEL_VERSION=${kernel.release} all`,
    });
  }
  const to = path.join(kernel.modules, 'updates');
  mkdirSync(to, { recursive: true });
  copyFileSync(module, path.join(to, MODULE));
  indexModules(kernel);
}

/** @param {string} folder */
export function digestOfDriver(folder) {
  return sha256Of(path.join(folder, MODULE));
}

/** The kernel that a module was built for, and the processor. @param {string} module */
function madeFor(module) {
  try {
    const [release] = tool('modinfo', ['--field', 'vermagic', module]).split(/\s/);
    const processor = /Machine: +(.+)/.exec(tool('readelf', ['--file-header', module]))?.[1];
    return `${release} on ${processor}`;
  } catch (error) {
    if (error instanceof ImageFailure) return 'no module of a kernel';
    throw error;
  }
}

/** Lets the appliance open the card; the card's rule and group are in every image. @param {string} layer */
export function layCardPart(layer) {
  const link = path.join(layer, PART);
  mkdirSync(path.dirname(link), { recursive: true });
  symlinkSync(path.posix.relative(`/${path.dirname(PART)}`, `${PACKAGE}/${path.basename(PART)}`), link);
}
