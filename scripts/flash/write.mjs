/**
 * Writes an image to a card, and reads back what was written.
 *
 *   npm run flash -- --list
 *   npm run flash -- [--image FILE] /dev/sdX
 */
import path from 'node:path';
import { createInterface } from 'node:readline/promises';
import { Command } from 'commander';
import { asScript } from '../support/programs.mjs';
import { verifyTarget, writeImage } from './write/copy.mjs';
import { contentWords, diskWords, isOfTheSystem, isRemovable, readDisks } from './write/disks.mjs';
import { openImage } from './write/image.mjs';
import { otherSystems } from './write/other-systems.mjs';
import { startProgress } from './write/progress.mjs';
import { FlashRefusal, sizeWords } from './write/refusal.mjs';
import { examineTarget } from './write/target.mjs';

const DEFAULT_IMAGE = 'spikescope-pi5.img';
const EXIT = { failed: 1, refused: 3 };
/** Codes of what goes wrong after something was written; all others are refusals before that. */
const FAILURES = new Set([
  'FLASH_WRITE',
  'FLASH_VERIFY',
  'FLASH_STOPPED',
  'FLASH_ZSTD',
  'FLASH_IMAGE_DIGEST',
]);

/** @param {string} line */
const print = (line) => process.stdout.write(`${line}\n`);

/**
 * @typedef {object} Options
 * @property {string} image
 * @property {boolean} [list]
 * @property {boolean} [yes]
 * @property {boolean} [alsoFixed]
 */

function command() {
  return new Command('flash')
    .description('Write an image to a card, and verify it by reading back')
    .argument('[target]', 'the disk, such as /dev/sdb, or a plain file')
    .option('--image <file>', 'raw or .zst; a manifest beside it is held to', DEFAULT_IMAGE)
    .option('--list', 'only list the disks that can be taken out')
    .option('--also-fixed', 'take a disk too that cannot be taken out; never one in use')
    .option('--yes', 'do not ask')
    .addHelpText(
      'after',
      `\nExit codes: 0 written and verified, 1 failed on the way, 2 wrong usage, 3 refused, with nothing written.\n
${otherSystems(DEFAULT_IMAGE)}`,
    )
    .action(flash);
}

/** @param {string | undefined} given @param {Options} options */
async function flash(given, { image: file, list = false, yes = false, alsoFixed = false }) {
  if (process.platform !== 'linux') {
    print(otherSystems(file));
    return;
  }
  if (list || given === undefined) {
    listDisks();
    return;
  }
  const image = openImage(file);
  const target = examineTarget(given, { image: file, size: image.size, alsoFixed });
  await confirm(image, target, yes);
  await writeAndVerify(image, target);
}

function listDisks() {
  const disks = readDisks().filter((disk) => isRemovable(disk) && !isOfTheSystem(disk));
  if (disks.length === 0) print('No card and no stick is here. Put one in, and ask again.');
  for (const disk of disks) {
    print(diskWords(disk));
    for (const line of contentWords(disk)) print(`    ${line}`);
  }
  print(`\nnpm run flash -- --image ${DEFAULT_IMAGE} DISK`);
}

/**
 * Shows what will be lost, and asks for the name of the disk: a mere yes is typed too quickly.
 * @param {import('./write/image.mjs').Image} image
 * @param {import('./write/target.mjs').Target} target
 * @param {boolean} isAgreed
 */
async function confirm(image, target, isAgreed) {
  print(`Image   ${image.path}${image.size === null ? '' : `, ${sizeWords(image.size)}`}`);
  print(`Target  ${target.kind === 'disk' ? diskWords(target.disk) : target.path}`);
  if (target.kind === 'file' && target.size === null) return;
  print('All that is there will be lost:');
  const lost =
    target.kind === 'disk' ? contentWords(target.disk) : [`a file of ${sizeWords(target.size ?? 0)}`];
  for (const line of lost) print(`    ${line}`);
  if (isAgreed) return;
  const word = path.basename(target.path);
  if (process.stdin.isTTY !== true) {
    throw new FlashRefusal('FLASH_UNASKED', 'Nobody is there who could be asked', {
      place: target.path,
      remedy: 'type it at a terminal, or add --yes',
    });
  }
  const asked = createInterface({ input: process.stdin, output: process.stderr });
  const answer = await asked.question(`Type ${word} to go on: `);
  asked.close();
  if (answer.trim() !== word) {
    throw new FlashRefusal('FLASH_DECLINED', 'Nothing was written', { received: 'another answer' });
  }
}

/** @param {import('./write/image.mjs').Image} image @param {import('./write/target.mjs').Target} target */
async function writeAndVerify(image, target) {
  const stop = new AbortController();
  const onSignal = () => stop.abort();
  process.once('SIGINT', onSignal).once('SIGTERM', onSignal);
  try {
    const written = await inSteps('writing', image.size, (onBytes) =>
      writeImage(image, target, onBytes, stop.signal),
    );
    const from = await inSteps('verifying', written.size, (onBytes) =>
      verifyTarget(target, written, onBytes, stop.signal),
    );
    print(`${sizeWords(written.size)} written and read back, SHA-256 ${written.sha256}`);
    if (from === 'memory')
      print('Read back from memory, perhaps: the system could not be told to forget it.');
    if (target.kind === 'disk') print('The card can be taken out.');
  } finally {
    process.off('SIGINT', onSignal).off('SIGTERM', onSignal);
  }
}

/**
 * @template T
 * @param {string} step
 * @param {number | null} total
 * @param {(onBytes: (bytes: number) => void) => Promise<T>} work
 */
async function inSteps(step, total, work) {
  const progress = startProgress(step, total);
  try {
    return await work((bytes) => progress.advance(bytes));
  } finally {
    progress.stop();
  }
}

await asScript(import.meta.url, async () => {
  try {
    await command().parseAsync(process.argv);
  } catch (error) {
    if (!(error instanceof FlashRefusal)) throw error;
    process.stderr.write(`${error.describe()}\n`);
    process.exitCode = FAILURES.has(error.code) ? EXIT.failed : EXIT.refused;
  }
});
