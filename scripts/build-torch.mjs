/**
 * Builds the training kernels where libtorch is installed, when their sources, libtorch or Node have changed since the
 * last build. Only training needs them: where libtorch is missing nothing happens. Plain JavaScript without packages;
 * everything it says goes to stderr.
 *
 *   node scripts/build-torch.mjs   → native/tfjs-torch/build/Release/tfjs_torch.node
 */
import { spawnSync } from 'node:child_process';
import { existsSync, realpathSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { buildOptional } from './build-optional.mjs';

/** libtorch's library file, or null where Debian's libtorch-dev is missing. */
function libtorch() {
  if (!existsSync('/usr/include/torch/csrc/api/include/torch/torch.h')) return null;
  const { status, stdout } = spawnSync('c++', ['-print-file-name=libtorch.so'], { encoding: 'utf8' });
  const file = (stdout ?? '').trim();
  return status === 0 && path.isAbsolute(file) ? realpathSync(file) : null;
}

/** @returns whether the training kernels are there; a failed build is said and leaves everything else as it is */
export function buildTorch() {
  const library = libtorch();
  if (library === null) return false;
  return buildOptional({
    folder: 'native/tfjs-torch',
    name: 'tfjs_torch',
    sources: ['binding', 'kernels'],
    label: 'the training kernels on libtorch',
    depends: library,
  });
}

if (process.argv[1] === fileURLToPath(import.meta.url)) buildTorch();
