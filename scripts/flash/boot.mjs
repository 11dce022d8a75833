/**
 * `npm run image:boot -- --image FILE`: starts an image of the board `virt` in an emulator as the firmware of a Raspberry Pi
 * would, and looks at what comes of it. A copy of the image is started; the image itself stays as it is.
 */
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { Command, InvalidArgumentError, Option } from 'commander';
import { asScript, messageOf, say } from '../support/programs.mjs';
import { Bench, missingTools } from './boot/bench.mjs';
import { BootFailure } from './boot/failure.mjs';
import { pullPlug, TURNS } from './boot/pulled-plug.mjs';
import { bootToReading } from './boot/reading.mjs';
import { updateSystems } from './boot/updating.mjs';

const SCENARIOS = {
  reading: 'to the first reading at a broker on this host, and what is seen inside',
  plug: 'hard kills at random moments, all with one card',
  update: 'system updates: one that works, one that panics, one that never reads, one with a flipped byte',
};
/** The exit code where nothing was begun. */
const WRONG_USAGE = 2;

/**
 * @typedef {object} Wish
 * @property {string} image
 * @property {keyof typeof SCENARIOS} scenario
 * @property {number} readings
 * @property {number} idle
 * @property {readonly string[]} ask
 * @property {number} kills
 * @property {number} seed
 * @property {readonly import('./boot/pulled-plug.mjs').Moment[]} during
 * @property {number} processors
 * @property {number} seconds
 * @property {string} [archive]
 * @property {string} [work]
 * @property {string} [json]
 */

/** @param {number} least */
const wholeFrom = (least) => (/** @type {string} */ text) => {
  const value = text.trim() === '' ? Number.NaN : Number(text);
  if (!Number.isSafeInteger(value) || value < least)
    throw new InvalidArgumentError(`Give a whole number from ${least}.`);
  return value;
};

/** Why nothing can be started; null where it can. @param {Wish} wish @param {string} archive */
function obstacle({ image, scenario }, archive) {
  const absent = [image, ...(scenario === 'reading' ? [] : [archive])].find((file) => !existsSync(file));
  if (absent !== undefined) {
    const what = absent === image ? 'The image' : 'Its archive';
    return new BootFailure('BOOT_IMAGE', `${what} is not there`, {
      place: absent,
      remedy: 'npm run image -- --board virt --out FILE builds both',
    });
  }
  const missing = missingTools();
  if (missing === null) return null;
  return new BootFailure('BOOT_PROGRAMS', 'Programs are missing', {
    received: `no ${missing}`,
    remedy: 'apt-get install qemu-system-arm mtools fdisk e2fsprogs mosquitto util-linux',
  });
}

/** @param {Wish} values @returns {Promise<number>} the exit code */
async function boot(values) {
  const { image, scenario, readings, idle, ask, kills, seed, during, processors, seconds } = values;
  const archive = values.archive ?? `${image}.system`;
  const fault = obstacle(values, archive);
  if (fault !== null) {
    say(fault.describe());
    return WRONG_USAGE;
  }
  const folder = values.work ?? mkdtempSync(path.join(tmpdir(), 'spikescope-boot-'));
  /** @type {Bench | null} */
  let bench = null;
  try {
    /** @type {{ report: object, findings: string[] }} */
    let outcome;
    const common = { seconds, say };
    /** @param {Bench} made */
    const opened = (made) => {
      bench = made;
    };
    if (scenario === 'update')
      outcome = await updateSystems({ ...common, image, archive, folder, processors, opened });
    else if (scenario === 'plug')
      outcome = await pullPlug({
        ...common,
        image,
        archive,
        folder,
        processors,
        opened,
        kills,
        seed,
        during,
      });
    else {
      bench = await Bench.open({ image, folder, processors });
      outcome = await bootToReading(bench, { ...common, readings, idle, ask });
    }
    const { report, findings } = outcome;
    if (values.json !== undefined)
      writeFileSync(values.json, `${JSON.stringify({ scenario, ...report, findings }, null, 2)}\n`);
    for (const each of findings) say(`not as it must be: ${each}`);
    if (findings.length === 0) say(`${scenario}: all is as it must be`);
    return findings.length === 0 ? 0 : 1;
  } catch (error) {
    say(error instanceof BootFailure ? error.describe() : messageOf(error));
    return 1;
  } finally {
    await /** @type {Bench | null} */ (bench)?.close();
    if (values.work === undefined) rmSync(folder, { recursive: true, force: true });
  }
}

function command() {
  const scenarios = Object.entries(SCENARIOS).map(([name, words]) => `  ${name.padEnd(9)} ${words}`);
  return new Command('image:boot')
    .description('Start an image of the board virt in an emulator, as the firmware of a Raspberry Pi would')
    .requiredOption('--image <file>', 'of which a copy is started')
    .addOption(
      new Option('--scenario <name>', 'what is seen to').choices(Object.keys(SCENARIOS)).default('reading'),
    )
    .option('--readings <number>', 'readings that are waited for', wholeFrom(1), 100)
    .option('--idle <seconds>', 'then without a reading, for what the card takes in a day', wholeFrom(0), 0)
    .option(
      '--ask <command>',
      'then a line of a shell inside, as root; its answer is in the report; as often as is wished',
      (/** @type {string} */ line, /** @type {readonly string[]} */ before) => [...before, line],
      [],
    )
    .option('--kills <number>', 'pulled plugs', wholeFrom(1), 3)
    .option('--seed <number>', 'of the moments of kills', wholeFrom(0), 1)
    .addOption(
      new Option('--during <moments...>', 'what they strike, over and over')
        .choices([...new Set(TURNS)])
        .default(TURNS, 'all of it, starts most often'),
    )
    .option(
      '--processors <number>',
      "of the machine; one is lighter where others want the host's",
      wholeFrom(1),
      2,
    )
    .option('--archive <file>', "the image's archive for a slot (default: FILE.system)")
    .option('--seconds <number>', 'longest for one start', wholeFrom(1), 900)
    .option(
      '--work <folder>',
      'for the card, consoles and reports; kept, and plug and update go on there behind the last step that was done ' +
        '(default: one of its own, removed)',
    )
    .option('--json <file>', 'the report')
    .addHelpText(
      'after',
      `
Scenarios:
${scenarios.join('\n')}

Each step of plug and update is a line of JSON on stdout.
Exit codes: 0 all is as it must be, 1 it is not, 2 wrong usage.`,
    )
    .exitOverride((error) => process.exit(error.exitCode === 0 ? 0 : WRONG_USAGE))
    .action(async (/** @type {Wish} */ wish) => {
      process.exitCode = await boot(wish);
    });
}

await asScript(import.meta.url, async () => {
  await command().parseAsync();
});
