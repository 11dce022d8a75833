/**
 * Builds the native loader of training images. Only training uses it, and does without it, more slowly.
 *
 *   node scripts/build-data-loader.mjs   → native/tfjs-torch/data/build/Release/training_data.node
 */
import { ADDONS } from './addons.mjs';
import { buildOptionalAddon } from './build-addon.mjs';
import { asScript } from './support/programs.mjs';

/** @returns {boolean} whether the loader is there; a failed build is said */
export function buildDataLoader() {
  return buildOptionalAddon(ADDONS.data);
}

await asScript(import.meta.url, buildDataLoader);
