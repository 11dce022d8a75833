/** The driver of an Akida card, where somebody has built it for the kernel of the image: it is no part of this project. */
import { copyFileSync, existsSync, mkdirSync, readdirSync, statSync, symlinkSync } from 'node:fs';
import path from 'node:path';
import { sha256Of } from './digest.mjs';
import { ImageFailure } from './failure.mjs';
import { indexModules } from './kernel.mjs';
import { requireTools, tool } from './tools.mjs';

const MODULE = 'akida-pcie.ko';
/** As readelf names it. */
const PROCESSOR = 'AArch64';
/** The part of the unit by which the appliance may open the card. */
const PART = 'usr/lib/systemd/system/spikescope.service.d/card.conf';
const PACKAGE = '/opt/spikescope/node_modules/spikescope/provisioning/systemd/spikescope.service.d';

/**
 * @typedef {object} Driver
 * @property {string} file
 * @property {string} release of the kernel that it was built for
 */

/**
 * What can be said of a driver before anything is built, whatever the kernel of the image will be.
 * @param {string} folder with `akida-pcie.ko` @returns {Driver}
 * @throws {ImageFailure} `BUILD_DRIVER`
 */
export function inspectDriver(folder) {
  requireTools(['modinfo', 'readelf']);
  const file = path.join(folder, MODULE);
  const { release, processor } = existsSync(file) ? madeFor(file) : { release: null, processor: null };
  if (release !== null && processor === PROCESSOR) return { file, release };
  throw new ImageFailure('BUILD_DRIVER', 'This is no driver for an image', {
    place: file,
    expected: `a module of a kernel on ${PROCESSOR}`,
    received: !existsSync(file) ? contentOf(folder) : release === null ? 'none' : `one on ${processor}`,
    remedy: remedyFor('RELEASE'),
  });
}

/**
 * Refuses a driver for another kernel. @param {Driver} driver @param {string} release of the kernel of the image
 * @throws {ImageFailure} `BUILD_DRIVER`
 */
export function requireDriverFor(driver, release) {
  if (driver.release === release) return;
  throw new ImageFailure('BUILD_DRIVER', 'This is no driver for the kernel of the image', {
    place: driver.file,
    expected: release,
    received: driver.release,
    remedy: remedyFor(release),
  });
}

/** @param {string} release */
function remedyFor(release) {
  return `docs/use/integration.md, "The Akida card": build it with the headers of ${release}`;
}

/** What is there in the place of a driver, in words. @param {string} folder */
function contentOf(folder) {
  const found = statSync(folder, { throwIfNoEntry: false });
  if (found === undefined) return 'no such folder';
  if (!found.isDirectory()) return 'a file, where its folder is asked for';
  const modules = readdirSync(folder).filter((name) => name.includes('.ko'));
  return modules.length === 0
    ? 'a folder without a module'
    : `a folder with ${modules.slice(0, 5).join(', ')}`;
}

/**
 * Adds the module to the kernel's, and its index.
 * @param {Driver} driver @param {import('./kernel.mjs').Kernel} kernel
 * @throws {ImageFailure} `BUILD_DRIVER`
 */
export function addDriver(driver, kernel) {
  requireDriverFor(driver, kernel.release);
  const to = path.join(kernel.modules, 'updates');
  mkdirSync(to, { recursive: true });
  copyFileSync(driver.file, path.join(to, MODULE));
  indexModules(kernel);
}

/** @param {Driver} driver */
export function digestOfDriver({ file }) {
  return sha256Of(file);
}

/**
 * The kernel that a module was built for, and the processor; null for what is none.
 * @param {string} module @returns {{ release: string | null, processor: string | null }}
 */
function madeFor(module) {
  try {
    const [release = ''] = tool('modinfo', ['--field', 'vermagic', module]).split(/\s/);
    const processor = /Machine: +(.+)/.exec(tool('readelf', ['--file-header', module]))?.[1] ?? null;
    return { release: release === '' ? null : release, processor };
  } catch (error) {
    if (error instanceof ImageFailure) return { release: null, processor: null };
    throw error;
  }
}

/** Lets the appliance open the card; the card's rule and group are in every image. @param {string} layer */
export function layCardPart(layer) {
  const link = path.join(layer, PART);
  mkdirSync(path.dirname(link), { recursive: true });
  symlinkSync(path.posix.relative(`/${path.dirname(PART)}`, `${PACKAGE}/${path.basename(PART)}`), link);
}
