import type { Command } from 'commander';
import { z } from 'zod';
import { measureOutage } from '../../../bench/appliance/outage.ts';
import { note, print, printJson } from '../../../ui/terminal/console.ts';
import { parseOptions } from '../../shared/options.ts';
import { countOption, jsonSchema, suiteCommand } from './suite.ts';

const optionsSchema = jsonSchema.extend({ results: z.number() });

export function outageCommand(): Command {
  return suiteCommand('outage', 'A broker that is away while the device is killed twice; needs mosquitto')
    .addOption(countOption('--results <number>', 'results that queue up', 10_000))
    .action(async (rawOptions: unknown) => {
      const { results: total, json } = parseOptions(optionsSchema, rawOptions);
      const report = await measureOutage(total, note);
      if (json) return printJson(report);
      const { results, received, repeats, inOrder, memoryGrowth, perSecond, plainSeconds, seconds } = report;
      const order = inOrder ? 'in order' : 'OUT OF ORDER';
      print(`${received} of ${results} results received, ${repeats} repeats dropped, ${order}`);
      print(
        `${perSecond} a second from the first on; a plain client takes ${plainSeconds} s for what took ${seconds} s`,
      );
      print(`memory grew by ${memoryGrowth.join(', ')} MB in the ${memoryGrowth.length} runs`);
    });
}
