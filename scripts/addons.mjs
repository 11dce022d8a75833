/** The native addons of the project: what each is made of. */
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { hashOf } from './support/hash.mjs';
import { root } from './support/programs.mjs';

/**
 * @typedef {object} Addon
 * @property {string} folder of its binding.gyp, from the repository's root; beside it, sources.json lists the folders of its
 *   sources, for binding.gyp and for this table
 * @property {string} name of its target
 * @property {string} label for people
 */

/** @satisfies {Record<string, Addon>} */
export const ADDONS = {
  /** The integer engine and the imaging: what a device runs. */
  engine: { folder: 'native/akida-m2', name: 'spikescope', label: 'the native addon' },
  /** Training's kernels on libtorch. */
  torch: { folder: 'native/tfjs-torch', name: 'tfjs_torch', label: 'the training kernels on libtorch' },
  /** Training's images. */
  data: {
    folder: 'native/tfjs-torch/data',
    name: 'training_data',
    label: 'the native loader of training images',
  },
};

/**
 * All that an addon is built from, relative to its folder.
 * @param {Addon} addon
 * @returns {string[]} files and folders
 */
export function sourcesOf({ folder }) {
  /** @type {string[]} */
  const folders = JSON.parse(readFileSync(path.join(root, folder, 'sources.json'), 'utf8'));
  return ['binding.gyp', 'sources.json', ...folders];
}

/**
 * Changes with every source of an addon.
 * @param {Addon} addon
 * @returns {string} SHA-256 in hexadecimal
 */
export function sourceStamp(addon) {
  return hashOf(path.join(root, addon.folder), sourcesOf(addon));
}
