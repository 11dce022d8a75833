/**
 * Builds the image of a disk that a device starts from.
 *
 *   npm run image -- --board pi5|virt --out FILE
 */
import { homedir } from 'node:os';
import path from 'node:path';
import { Command, InvalidArgumentError, Option } from 'commander';
import { asScript, root, run, say } from '../support/programs.mjs';
import { BOARDS } from './image/boards.mjs';
import { buildImage } from './image/build.mjs';
import { ImageFailure } from './image/failure.mjs';

/** @param {string} text */
function seconds(text) {
  const value = Number(text);
  if (!Number.isSafeInteger(value) || value < 315_532_800)
    throw new InvalidArgumentError(
      'Expected seconds since 1970, of 1980 or later: FAT knows no earlier time.',
    );
  return value;
}

/** The time of the commit that is built, so that the same commit gives the same bytes. @returns {number} seconds */
function defaultEpoch() {
  const given = process.env.SOURCE_DATE_EPOCH;
  if (given !== undefined && given !== '') return seconds(given);
  const { status, stdout } = run('git', ['log', '-1', '--format=%ct'], { stdout: 'capture', cwd: root });
  return status === 0 ? Number(stdout) : Math.floor(Date.now() / 1000);
}

function defaultCache() {
  return path.join(process.env.XDG_CACHE_HOME ?? path.join(homedir(), '.cache'), 'spikescope/image');
}

/**
 * @typedef {object} Options
 * @property {'pi5' | 'virt'} board
 * @property {string} out
 * @property {string} cache
 * @property {string} [kernel]
 * @property {string} [akidaDriver]
 * @property {boolean} [compress]
 * @property {boolean} [fresh]
 * @property {string} [mirror]
 * @property {string} [securityMirror]
 */

/** @param {Options} options */
async function image(options) {
  const { board, out, cache, kernel, akidaDriver, compress = false, fresh = false } = options;
  const { mirror, securityMirror } = options;
  const mirrors =
    mirror === undefined
      ? null
      : { main: mirror, security: securityMirror ?? `${mirror.replace(/\/$/, '')}-security` };
  const wish = {
    board,
    out,
    cache: path.resolve(cache),
    kernel: kernel ? path.resolve(kernel) : null,
    driver: akidaDriver ? path.resolve(akidaDriver) : null,
    compress,
    fresh,
    mirrors,
  };
  const { manifest, times } = await buildImage({ ...wish, epoch: defaultEpoch() });
  say(
    `spikescope: ${Object.entries(times)
      .map(([name, time]) => `${name} ${time} s`)
      .join(', ')}`,
  );
  process.stdout.write(`${JSON.stringify({ out, .../** @type {object} */ (manifest.image) })}\n`);
}

export function command() {
  return new Command('image')
    .description('Build the image of a disk that a device starts from, without root and without mounts')
    .addOption(
      new Option('--board <board>', 'the machine').choices(Object.keys(BOARDS)).makeOptionMandatory(),
    )
    .requiredOption('--out <file>', 'beside it: .manifest.json, .sbom.json, .system')
    .option('--cache <folder>', 'keeps packages and the unpacked base', defaultCache())
    .option('--kernel <folder>', 'Image, dtbs, overlays and lib/modules of a kernel that was built elsewhere')
    .option('--akida-driver <folder>', 'akida-pcie.ko, built for the kernel of the image')
    .option('--compress', 'also FILE.zst')
    .option('--fresh', 'fetch the indexes of packages in any case')
    .option('--mirror <url>', "of Debian; without it this machine's own")
    .option('--security-mirror <url>', 'of its security updates')
    .addHelpText(
      'after',
      `
SOURCE_DATE_EPOCH is the time of all files in the image; without it that of the last commit.
Exit codes: 0 built, 1 failed, 2 wrong usage. A page of its own: docs/use/image.md`,
    )
    .exitOverride((error) => process.exit(error.exitCode === 0 ? 0 : 2))
    .action(image);
}

await asScript(import.meta.url, async () => {
  try {
    await command().parseAsync();
  } catch (error) {
    if (!(error instanceof ImageFailure)) throw error;
    say(`spikescope: ${error.describe()}`);
    process.exitCode = 1;
  }
});
