import type { Command } from 'commander';
import { z } from 'zod';
import { measureScreen, type ScreenReport } from '../../../bench/screen/measure.ts';
import { note, print, printJson } from '../../../ui/terminal/console.ts';
import { parseOptions } from '../../shared/options.ts';
import { countOption, jsonSchema, printTable, suiteCommand } from './suite.ts';

const optionsSchema = jsonSchema.extend({
  captures: z.number(),
  seconds: z.number(),
  pairs: z.number(),
  lasting: z.number(),
});

export function screenCommand(): Command {
  return suiteCommand(
    'screen',
    'From a press to its reading in a browser; what the viewfinder and its server cost; needs chromium',
  )
    .addOption(countOption('--captures <number>', 'presses that are timed', 200))
    .addOption(countOption('--seconds <number>', 'for which the viewfinder is watched', 20))
    .addOption(countOption('--pairs <number>', 'devices with a screen, and as many without', 5))
    .addOption(countOption('--lasting <number>', 'captures after which nothing may have grown', 500))
    .action(async (rawOptions: unknown) => {
      const { json, ...amounts } = parseOptions(optionsSchema, rawOptions);
      const report = await measureScreen(amounts, note);
      if (json) printJson(report);
      else show(report);
    });
}

function show({ captures, sincePress, sinceFrame, viewfinder, memory, growth }: ScreenReport): void {
  print(
    `reading painted ${sincePress.median} ms after the press, p95 ${sincePress.p95} ms, over ${captures}`,
  );
  print(`  and ${sinceFrame.median} ms after the flow had the frame, p95 ${sinceFrame.p95} ms`);
  const { width, height, rate, framesPerSecond, watched, unwatched } = viewfinder;
  print(`viewfinder ${framesPerSecond} frames a second drawn, of ${rate} of ${width}×${height}`);
  print(`  device at ${percent(watched)} of a core, ${percent(unwatched)} while another view is shown`);
  print(
    `memory ${memory.reachable} MB more after a collection, ${memory.resident} MB more resident, ${memory.pairs} pairs`,
  );
  const rows = growth.map(({ captures: after, device, page }) =>
    [
      after,
      megabytes(device.reachable),
      megabytes(device.resident),
      megabytes(page.heap),
      page.nodes,
      page.listeners,
    ].map(String),
  );
  printTable([['captures', 'device MB', 'resident MB', 'page MB', 'nodes', 'listeners'], ...rows], []);
}

function percent(share: number): string {
  return `${(100 * share).toFixed(1)} %`;
}

function megabytes(bytes: number): string {
  return (bytes / 2 ** 20).toFixed(2);
}
