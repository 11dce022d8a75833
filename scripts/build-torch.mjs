/**
 * Builds the training kernels where libtorch is installed. Only training needs them: where libtorch is missing nothing
 * happens.
 *
 *   node scripts/build-torch.mjs   → native/tfjs-torch/build/Release/tfjs_torch.node
 */
import { existsSync, realpathSync } from 'node:fs';
import path from 'node:path';
import { ADDONS } from './addons.mjs';
import { askCompiler, buildOptionalAddon } from './build-addon.mjs';
import { asScript } from './support/programs.mjs';

/** libtorch's library file, or null where Debian's libtorch-dev is missing. */
function libtorch() {
  if (!existsSync('/usr/include/torch/csrc/api/include/torch/torch.h')) return null;
  const file = askCompiler({}, '-print-file-name=libtorch.so');
  return file !== null && path.isAbsolute(file) ? realpathSync(file) : null;
}

/** @returns {boolean} whether the training kernels are there; a failed build is said and leaves everything else as it is */
export function buildTorch() {
  const library = libtorch();
  return library !== null && buildOptionalAddon(ADDONS.torch, { depends: library });
}

await asScript(import.meta.url, buildTorch);
