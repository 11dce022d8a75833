import type { Command } from 'commander';
import { z } from 'zod';
import { measureScreen } from '../../../bench/appliance/screen.ts';
import { print, printJson } from '../../../ui/terminal/console.ts';
import { parseOptions } from '../../shared/options.ts';
import { countOption, jsonSchema, suiteCommand } from './suite.ts';

const optionsSchema = jsonSchema.extend({ captures: z.number(), seconds: z.number() });

export function screenCommand(): Command {
  return suiteCommand(
    'screen',
    'From a frame to its reading on a page; what the viewfinder and its server cost',
  )
    .addOption(countOption('--captures <number>', 'captures, on phantoms', 200))
    .addOption(countOption('--seconds <number>', 'for which the viewfinder is watched', 20))
    .action(async (rawOptions: unknown) => {
      const { captures, seconds, json } = parseOptions(optionsSchema, rawOptions);
      const report = await measureScreen(captures, seconds);
      if (json) return printJson(report);
      const { shown, viewfinder, memory } = report;
      print(`reading on the page after ${shown.median} ms, p95 ${shown.p95} ms, over ${captures} captures`);
      print(
        `viewfinder ${viewfinder.framesPerSecond} frames a second of ${viewfinder.width}×${viewfinder.height} at ` +
          `${(100 * viewfinder.coreShare).toFixed(1)} % of a core, ${viewfinder.perFrame} ms each`,
      );
      print(`memory grew by ${memory} MB`);
    });
}
