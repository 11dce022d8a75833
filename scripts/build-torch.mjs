/**
 * Builds the training kernels where libtorch is installed, when their sources, libtorch or Node have changed since the
 * last build. Only training needs them: where libtorch is missing nothing happens. Plain JavaScript without packages;
 * everything it says goes to stderr.
 *
 *   node scripts/build-torch.mjs   → native/tfjs-torch/build/Release/tfjs_torch.node
 */
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const folder = path.join(root, 'native/tfjs-torch');
const addon = path.join(folder, 'build/Release/tfjs_torch.node');
const stampFile = path.join(folder, 'build/stamp.txt');

/** libtorch's library file, or null where Debian's libtorch-dev is missing. */
function libtorch() {
  if (!existsSync('/usr/include/torch/csrc/api/include/torch/torch.h')) return null;
  const { status, stdout } = spawnSync('c++', ['-print-file-name=libtorch.so'], { encoding: 'utf8' });
  const file = (stdout ?? '').trim();
  return status === 0 && path.isAbsolute(file) ? realpathSync(file) : null;
}

/** Everything that the addon's bytes depend on. */
function stampOf(library) {
  const hash = createHash('sha256').update(
    `${library} ${process.version} ${process.versions.modules} ${process.arch}`,
  );
  const sources = ['binding', 'kernels'].flatMap((name) =>
    readdirSync(path.join(folder, name)).map((file) => path.join(folder, name, file)),
  );
  for (const file of ['binding.gyp', ...sources.map((file) => path.relative(folder, file)).sort()]) {
    hash.update(file).update(readFileSync(path.join(folder, file)));
  }
  return hash.digest('hex');
}

/** Node's own headers where they came with it, so that nothing is downloaded; else node-gyp looks for them. */
function headerArguments() {
  const prefix = path.dirname(path.dirname(process.execPath));
  if (process.env.npm_config_nodedir !== undefined) return [];
  return existsSync(path.join(prefix, 'include/node/node_version.h')) ? [`--nodedir=${prefix}`] : [];
}

/** @returns whether the training kernels are there; a failed build is said and leaves everything else as it is */
export function buildTorch() {
  const library = libtorch();
  if (library === null) return false;
  const stamp = stampOf(library);
  if (existsSync(addon) && existsSync(stampFile) && readFileSync(stampFile, 'utf8') === stamp) return true;
  process.stderr.write('spikescope: building the training kernels on libtorch\n');
  rmSync(stampFile, { force: true });
  const { status } = spawnSync(
    process.execPath,
    [
      path.join(root, 'node_modules/node-gyp/bin/node-gyp.js'),
      '--loglevel=warn',
      'configure',
      'build',
      `--jobs=${availableParallelism()}`,
      ...headerArguments(),
    ],
    { cwd: folder, stdio: ['ignore', 2, 2] },
  );
  if (status === 0) writeFileSync(stampFile, stamp);
  else process.stderr.write('spikescope: the training kernels cannot be built; everything else goes on\n');
  return status === 0;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) buildTorch();
