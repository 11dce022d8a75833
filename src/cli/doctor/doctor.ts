import { Command, Option } from 'commander';
import { z } from 'zod';
import { EXIT, printable } from '../../errors.ts';
import { colour, note, print, printJson } from '../../ui/terminal/console.ts';
import { modelOption, modelSchema, parseOptions } from '../shared/options.ts';
import { checkCard } from './akida-card.ts';
import { checkBootLoader } from './boot-loader.ts';
import { checkBroker } from './broker.ts';
import { checkCamera } from './camera.ts';
import { checkCertificates } from './certificates.ts';
import type { Check, Finding, Surroundings } from './check.ts';
import { checkClock } from './clock.ts';
import { checkEngine } from './engine.ts';
import { checkGpio } from './gpio.ts';
import { checkMedium } from './medium.ts';
import { checkModels } from './models.ts';
import { writeReport } from './report.ts';
import { checkStorage } from './storage.ts';
import { surroundingsOf } from './surroundings.ts';
import { checkWatchdog } from './watchdog.ts';

const CHECKS = {
  engine: checkEngine,
  models: checkModels,
  card: checkCard,
  camera: checkCamera,
  gpio: checkGpio,
  clock: checkClock,
  storage: checkStorage,
  medium: checkMedium,
  watchdog: checkWatchdog,
  'boot-loader': checkBootLoader,
  certificates: checkCertificates,
  broker: checkBroker,
} satisfies Record<string, Check>;
const PARTS = Object.keys(CHECKS) as (keyof typeof CHECKS)[];

const optionsSchema = z.object({
  config: z.string().optional(),
  model: modelSchema.optional(),
  data: z.string().optional(),
  broker: z.string().optional(),
  ca: z.string().optional(),
  cert: z.string().optional(),
  key: z.string().optional(),
  part: z.array(z.enum(PARTS, PARTS.join(', '))).optional(),
  report: z.string().min(1).optional(),
  json: z.boolean().default(false),
});

const AFTER_HELP = `
Where the service is installed, its unit says which settings and which data folder are examined, unless options say
otherwise; sudo may be needed to read them.

  ✓ works   ✗ does not work, exit code 1   – not here, and not needed   ? cannot be told from here

Exit codes: 0 nothing is broken, 1 something is, 2 wrong usage.`;

/** `spikescope doctor`: what works on this machine, and how to mend what does not. Exit 1 when something is broken. */
export function doctorCommand(): Command {
  return new Command('doctor')
    .description(
      'Say what of card, camera, buttons, clock, storage and broker works here, and how to mend the rest',
    )
    .option('--config <file>', 'settings of `run`, YAML: which model, data folder and broker to look at')
    .addOption(modelOption())
    .option(
      '--data <folder>',
      'folder of journal and identity (default: the service’s, else $XDG_STATE_HOME/spikescope)',
    )
    .option('--broker <url>', 'a broker to try, mqtt://host[:port] or mqtts://host[:port]')
    .option('--ca <file>', 'authorities that may have signed the broker’s certificate, PEM')
    .option('--cert <file>', 'this device’s certificate, PEM')
    .option('--key <file>', 'the key of --cert, PEM')
    .addOption(new Option('--part <names...>', 'look at these alone (default: all)').choices(PARTS))
    .option('--report <folder>', 'also lay doctor.txt and doctor.json there, for any laptop')
    .option('--json', 'one JSON document on stdout')
    .addHelpText('after', AFTER_HELP)
    .action(async (raw: unknown) => {
      const { json, part, report, ...choice } = parseOptions(optionsSchema, raw);
      const findings = await examine(surroundingsOf(choice, note), part);
      if (report !== undefined) await writeReport(report, findings);
      if (json) printJson({ findings });
      else for (const finding of findings) showFinding(finding);
      if (findings.some(({ state }) => state === 'broken')) process.exitCode = EXIT.failed;
    });
}

/** Every check's findings, in order. One after the other: cameras and clocks are asked through programs. */
export async function examine(
  surroundings: Surroundings,
  parts: readonly (keyof typeof CHECKS)[] = PARTS,
): Promise<Finding[]> {
  const findings: Finding[] = [];
  for (const part of parts) findings.push(...[await CHECKS[part](surroundings)].flat());
  return findings;
}

const MARKS = {
  works: colour.green('✓'),
  absent: colour.dim('–'),
  broken: colour.red('✗'),
  unknown: colour.yellow('?'),
} as const;

function showFinding({ part, state, detail, remedy }: Finding): void {
  print(`${MARKS[state]} ${part.padEnd(8)} ${printable(detail)}`);
  if (remedy !== undefined && state !== 'works') print(`           ${colour.dim(`→ ${printable(remedy)}`)}`);
}
