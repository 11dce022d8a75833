/**
 * `npm run image:boot -- --image FILE`: starts an image of the board `virt` in an emulator as the firmware of a Raspberry Pi
 * would, and looks at what comes of it. A copy of the image is started; the image itself stays as it is.
 */
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { messageOf, say } from '../support/programs.mjs';
import { Bench, missingTools } from './boot/bench.mjs';
import { BootFailure } from './boot/failure.mjs';
import { pullPlug } from './boot/pulled-plug.mjs';
import { bootToReading } from './boot/reading.mjs';
import { updateSystems } from './boot/updating.mjs';

const HELP = `npm run image:boot -- --image FILE [--scenario reading|plug|update] [options]

  reading   to the first reading at a broker on this host, and what is seen inside (default)
  plug      hard kills at random moments, all with one card
  update    system updates: one that works, one that panics, one that never reads, one with a flipped byte

  --readings N    readings that are waited for (default 100)
  --idle SECONDS  then without a reading, for what the card takes in a day (default 0: not looked at)
  --ask COMMAND   then a line of a shell inside, as root; its answer is in the report. As often as is wished
  --kills N       (default 3)
  --seed N        of the moments of kills
  --processors N  of the machine (default 2); one is lighter where others want the host's
  --archive FILE  the image's archive for a slot (default: FILE.system)
  --seconds N     longest for one start (default 900)
  --work FOLDER   for the card, consoles and reports; kept, and \`plug\` and \`update\` go on there behind the last step
                  that was done (default: one of its own, removed)
  --json FILE     the report

Each step of \`plug\` and \`update\` is a line of JSON on stdout.

Exit codes: 0 all is as it must be, 1 it is not, 2 wrong usage.`;

/** @returns {Promise<number>} the exit code */
async function main() {
  const { values } = parseArgs({
    options: {
      ...{
        image: { type: 'string' },
        scenario: { type: 'string', default: 'reading' },
        archive: { type: 'string' },
      },
      ...{ readings: { type: 'string', default: '100' }, idle: { type: 'string', default: '0' } },
      ask: { type: 'string', multiple: true, default: [] },
      kills: { type: 'string', default: '3' },
      ...{ seed: { type: 'string', default: '1' }, seconds: { type: 'string', default: '900' } },
      processors: { type: 'string', default: '2' },
      ...{ work: { type: 'string' }, json: { type: 'string' }, help: { type: 'boolean', default: false } },
    },
  });
  const { image, scenario } = values;
  if (values.help || image === undefined || !['reading', 'plug', 'update'].includes(scenario)) {
    say(HELP);
    return values.help ? 0 : 2;
  }
  const missing = missingTools();
  if (!existsSync(image) || missing !== null) {
    say(
      missing === null
        ? `${image} is not there`
        : `programs are missing: ${missing}; apt-get install qemu-system-arm mtools fdisk e2fsprogs mosquitto`,
    );
    return 2;
  }
  const folder = values.work ?? mkdtempSync(path.join(tmpdir(), 'spikescope-boot-'));
  /** @type {Bench | null} */
  let bench = null;
  try {
    const seconds = Number(values.seconds);
    const archive = values.archive ?? `${image}.system`;
    /** @type {{ report: object, findings: string[] }} */
    let outcome;
    const common = { seconds, say };
    const processors = Number(values.processors);
    /** @param {Bench} made */
    const opened = (made) => {
      bench = made;
    };
    if (scenario === 'update')
      outcome = await updateSystems({ ...common, image, archive, folder, processors, opened });
    else if (scenario === 'plug') {
      const [kills, seed] = [Number(values.kills), Number(values.seed)];
      outcome = await pullPlug({ ...common, image, archive, folder, processors, opened, kills, seed });
    } else {
      bench = await Bench.open({ image, folder, processors });
      const [readings, idle] = [Number(values.readings), Number(values.idle)];
      outcome = await bootToReading(bench, { ...common, readings, idle, ask: values.ask });
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

process.exitCode = await main();
