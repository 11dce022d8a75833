/** Where an image may be written, and why not elsewhere. */
import { realpathSync, statSync } from 'node:fs';
import path from 'node:path';
import { diskWords, isOfTheSystem, isRemovable, mountsOf, readDisks, withChildren } from './disks.mjs';
import { looksLikeImage } from './image.mjs';
import { FlashRefusal, reasonOf, sizeWords, systemCodeOf } from './refusal.mjs';

/**
 * @typedef {{ kind: 'disk', path: string, size: number, disk: import('./disks.mjs').Block }} DiskTarget
 * @typedef {{ kind: 'file', path: string, size: number | null }} FileTarget size null where there is none yet
 * @typedef {DiskTarget | FileTarget} Target
 *
 * @typedef {object} Wanted
 * @property {string} image path of the image
 * @property {number | null} size of what will be written, bytes; null where only its end will tell
 * @property {boolean} alsoFixed takes a disk too that cannot be taken out
 */

/**
 * @param {string} given as it was typed
 * @param {Wanted} wanted
 * @returns {Target}
 * @throws {FlashRefusal} `FLASH_TARGET_…`
 */
export function examineTarget(given, wanted) {
  const status = statusOf(given);
  if (status === null) return newFile(given);
  const place = realpathSync(given);
  if (status.isBlockDevice()) return examineDisk(place, wanted);
  if (status.isFile()) return examineFile(place, status, wanted);
  if (status.isDirectory()) {
    throw new FlashRefusal('FLASH_TARGET_FOLDER', 'An image cannot be written into a folder', {
      place,
      remedy: 'name the disk itself, such as /dev/sdb, or a file in that folder',
    });
  }
  throw new FlashRefusal('FLASH_TARGET_KIND', 'This is neither a disk nor a file', {
    place,
    received: status.isCharacterDevice() ? 'a device that is no disk' : 'a pipe or socket',
    remedy: 'npm run flash -- --list shows what can be written to',
  });
}

/** @param {string} given */
function statusOf(given) {
  try {
    return statSync(given);
  } catch (cause) {
    if (systemCodeOf(cause) === 'ENOENT') return null;
    throw new FlashRefusal('FLASH_TARGET_DENIED', 'The target cannot be looked at', {
      place: given,
      received: reasonOf(cause),
      remedy: 'sudo, or another target',
      cause,
    });
  }
}

/** @param {string} given @returns {FileTarget} */
function newFile(given) {
  const folder = path.dirname(path.resolve(given));
  const isDevice = folder === '/dev' || folder.startsWith('/dev/');
  const hasFolder = statSync(folder, { throwIfNoEntry: false })?.isDirectory() === true;
  if (!isDevice && hasFolder) return { kind: 'file', path: path.resolve(given), size: null };
  throw new FlashRefusal('FLASH_TARGET_MISSING', 'There is no such disk or folder', {
    place: given,
    remedy: isDevice ? 'put the card in; npm run flash -- --list shows the disks' : 'make the folder first',
  });
}

/** @param {string} place @param {import('node:fs').Stats} status @param {Wanted} wanted @returns {FileTarget} */
function examineFile(place, status, wanted) {
  const image = statSync(wanted.image);
  if (image.dev === status.dev && image.ino === status.ino) {
    throw new FlashRefusal('FLASH_TARGET_IMAGE', 'The target is the image itself', {
      place,
      remedy: 'give another target',
    });
  }
  if (status.size > 0 && !looksLikeImage(place)) {
    throw new FlashRefusal('FLASH_TARGET_FILE', 'This file holds something else', {
      place,
      expected: 'a new file, an empty one, or a disk image to be replaced',
      received: sizeWords(status.size),
      remedy: 'give another name, or take the file away yourself',
    });
  }
  return { kind: 'file', path: place, size: status.size };
}

/** @param {string} place @param {Wanted} wanted @returns {DiskTarget} */
function examineDisk(place, wanted) {
  const disks = readDisks();
  const disk = disks.find(({ path: each }) => each === place);
  if (disk === undefined) throw notWhole(place, disks);
  const mounts = mountsOf(disk);
  if (isOfTheSystem(disk)) {
    throw new FlashRefusal('FLASH_TARGET_SYSTEM', 'This machine runs from that disk', {
      place: diskWords(disk),
      received: mounts.map(({ path: each, place: where }) => `${each} at ${where}`).join(', '),
      remedy: 'npm run flash -- --list shows the disks that can be taken out',
    });
  }
  if (mounts.length > 0) {
    throw new FlashRefusal('FLASH_TARGET_MOUNTED', 'That disk is in use', {
      place: diskWords(disk),
      received: mounts.map(({ path: each, place: where }) => `${each} at ${where}`).join(', '),
      remedy: `sudo umount ${mounts.map(({ path: each }) => each).join(' ')}`,
    });
  }
  if (!wanted.alsoFixed && !isRemovable(disk)) {
    throw new FlashRefusal('FLASH_TARGET_FIXED', 'That disk cannot be taken out', {
      place: diskWords(disk),
      expected: 'a card or a stick',
      remedy: 'look again at the name; if it is right all the same, add --also-fixed',
    });
  }
  if (disk.ro) {
    throw new FlashRefusal('FLASH_TARGET_READ_ONLY', 'That disk cannot be written', {
      place: diskWords(disk),
      remedy: 'slide the lock at the edge of the card, or take another reader',
    });
  }
  if (wanted.size !== null && disk.size < wanted.size) {
    throw new FlashRefusal('FLASH_TARGET_SMALL', 'The image does not fit on that disk', {
      place: diskWords(disk),
      expected: `${wanted.size} bytes or more`,
      received: `${disk.size} bytes`,
      remedy: 'take a larger card',
    });
  }
  return { kind: 'disk', path: place, size: disk.size, disk };
}

/** @param {string} place @param {readonly import('./disks.mjs').Block[]} disks */
function notWhole(place, disks) {
  const whole = disks.find((disk) => withChildren(disk).some(({ path: each }) => each === place));
  if (whole === undefined) {
    return new FlashRefusal('FLASH_TARGET_KIND', 'The system does not know this as a disk', {
      place,
      remedy: 'npm run flash -- --list shows what can be written to',
    });
  }
  return new FlashRefusal('FLASH_TARGET_PARTITION', 'This is a part of a disk, and an image is a whole one', {
    place,
    remedy: `if it is that disk: ${whole.path}`,
  });
}
