import type { Command } from 'commander';
import { z } from 'zod';
import { measureCardWear } from '../../../bench/appliance/card-wear.ts';
import { print, printJson } from '../../../ui/terminal/console.ts';
import { parseOptions } from '../../shared/options.ts';
import { countOption, jsonSchema, suiteCommand } from './suite.ts';

const optionsSchema = jsonSchema.extend({
  captures: z.number(),
  before: z.coerce.number().int().min(0),
  folder: z.string(),
});

export function cardWearCommand(): Command {
  return suiteCommand('card-wear', 'Bytes that reach the SD card for each capture; Linux')
    .addOption(countOption('--captures <number>', 'captures to record', 500))
    .option('--before <number>', 'captures that the journal holds already', '0')
    .option('--folder <folder>', 'folder on a real disk, where the journal is made', '/var/tmp')
    .action((rawOptions: unknown) => {
      const { captures, before, folder, json } = parseOptions(optionsSchema, rawOptions);
      const wear = measureCardWear(captures, before, folder);
      if (json) return printJson(wear);
      print(
        `${wear.written} bytes written for each capture, of which the journal keeps ${wear.kept}; ${wear.milliseconds} ms each`,
      );
    });
}
