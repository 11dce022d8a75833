import path from 'node:path';
import { Command } from 'commander';
import { z } from 'zod';
import { describeError, reasonOf } from '../../errors.ts';
import { type FirstBootOutcome, firstBoot } from '../../runtime/appliance/first-boot/first-boot.ts';
import { boardFacts, userNumbers } from '../../runtime/appliance/first-boot/places.ts';
import { replaceDurably, writeFlushed } from '../../store/durable-file.ts';
import { note, print, printJson } from '../../ui/terminal/console.ts';
import { parseOptions } from '../shared/options.ts';
import { forAnyEditor } from '../shared/plain-text.ts';
import { json } from './options.ts';

const optionsSchema = z.object({
  configPartition: z.string().min(1),
  settings: z.string().min(1),
  system: z.string().min(1),
  data: z.string().min(1),
  owner: z.string().min(1).optional(),
  imageRoot: z.string().min(1).default('/usr/share/spikescope/root.json'),
  json: z.boolean().default(false),
});

/** What an image starts once, and whenever a technician has left a setup; by hand it is of no use on another system. */
export function firstBootCommand(): Command {
  return new Command('first-boot')
    .description(
      'Give a device of an image its name, its key and the setup that lies on its partition `config`',
    )
    .requiredOption('--config-partition <folder>', 'where a setup lies, and where reports go')
    .requiredOption('--settings <folder>', 'where the settings of the appliance lie')
    .requiredOption('--system <folder>', 'where lies what root alone may read')
    .requiredOption('--data <folder>', 'folder of the journal')
    .option('--owner <user>', 'whose the appliance’s files are (default: as they come)')
    .option('--image-root <file>', 'root of updates that came with the image')
    .addOption(json())
    .action(async (raw: unknown) => {
      const options = parseOptions(optionsSchema, raw);
      const { configPartition, settings, system, data, owner, imageRoot } = options;
      const outcome = await firstBoot({
        ...{ partition: path.resolve(configPartition), settings: path.resolve(settings) },
        ...{ system: path.resolve(system), data: path.resolve(data), imageRoot },
        owner: owner === undefined ? null : userNumbers(owner),
        ...boardFacts(),
      });
      await leaveReports(path.resolve(configPartition), outcome);
      show(outcome, options.json);
    });
}

function show({ device, taken, refused }: FirstBootOutcome, asJson: boolean): void {
  const fault = refused === null ? null : { code: refused.code, message: refused.describe() };
  if (asJson) printJson({ device, taken, refused: fault });
  else print(`${device}: ${taken === null ? 'no setup taken over' : `taken over: ${taken.join(', ')}`}`);
  if (refused === null) return;
  note(refused.describe());
  process.exitCode = refused.exitCode;
}

/** For a technician with any laptop. A partition that takes nothing keeps no device from starting. */
async function leaveReports(partition: string, outcome: FirstBootOutcome): Promise<void> {
  const reports = [
    ...(outcome.taken === null && outcome.refused === null
      ? []
      : [['setup.txt', setupReport(outcome)] as const]),
    ...(outcome.certificateRequest === null ? [] : [['device.csr', outcome.certificateRequest] as const]),
  ];
  for (const [name, text] of reports) {
    const file = path.join(partition, name);
    try {
      await replaceDurably(file, `${file}.new`, (fresh) => writeFlushed(fresh, text));
    } catch (error) {
      note(`No ${name} on the partition: ${reasonOf(error)}`);
    }
  }
}

function setupReport({ device, taken, refused }: FirstBootOutcome): string {
  if (refused !== null) {
    return forAnyEditor([
      `The setup of ${device} was NOT taken over. Nothing of it is in use, and it still lies here.`,
      '',
      describeError(refused),
      '',
      'Mend it, and start the device again.',
    ]);
  }
  return forAnyEditor([
    `The setup of ${device} was taken over.`,
    '',
    `Removed from this partition after that: ${(taken ?? []).join(', ')}.`,
    'Before, they were written over with zeros. A card keeps copies of old blocks that no program reaches: whoever opens',
    'the card itself may still find them. Passwords that must not be found should be changed when the card is given away.',
  ]);
}
