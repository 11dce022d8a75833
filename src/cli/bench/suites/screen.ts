import type { Command } from 'commander';
import { z } from 'zod';
import { type Grown, measureScreen, type ScreenReport } from '../../../bench/screen/measure.ts';
import { note, print, printJson } from '../../../ui/terminal/console.ts';
import { parseOptions } from '../../shared/options.ts';
import { stageProgress } from '../../shared/stage-progress.ts';
import { countOption, jsonSchema, printTable, suiteCommand } from './suite.ts';

const optionsSchema = jsonSchema.extend({
  captures: z.number(),
  hostile: z.number(),
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
    .addOption(
      countOption('--hostile <number>', 'hostile requests, among which presses are timed again', 10_000),
    )
    .addOption(countOption('--seconds <number>', 'for which the viewfinder is watched', 20))
    .addOption(countOption('--pairs <number>', 'devices with a screen, and as many without', 5))
    .addOption(countOption('--lasting <number>', 'captures after which nothing may have grown', 500))
    .action(async (rawOptions: unknown) => {
      const { json, ...amounts } = parseOptions(optionsSchema, rawOptions);
      const progress = stageProgress();
      // Hours may lie between two of them, and not all may come to their end.
      const onGrown = (grown: Grown) =>
        note(
          grownRow(grown)
            .map((cell, i) => `${cell} ${GROWTH[i]}`)
            .join(', '),
        );
      const report = await measureScreen(amounts, { onStep: progress.onStep, onGrown }).finally(
        progress.stop,
      );
      if (json) printJson(report);
      else show(report);
    });
}

function show({ captures, viewfinder, memory, growth, hostility, ...times }: ScreenReport): void {
  const { sincePress, sinceFrame } = times;
  print(
    `reading painted ${sincePress.median} ms after the press, p95 ${sincePress.p95} ms, over ${captures}`,
  );
  print(`  and ${sinceFrame.median} ms after the flow had the frame, p95 ${sinceFrame.p95} ms`);
  const { requests, perSecond, answers, presses, peaceful, hostile, ratio } = hostility;
  print(
    `among ${requests} hostile requests, ${perSecond} a second, ${presses} presses, and as many between them`,
  );
  print(`  ${hostile.sincePress.median} ms after the press, p95 ${hostile.sincePress.p95} ms`);
  print(`  ${ratio} × of in peace, ${peaceful.sincePress.median} ms, p95 ${peaceful.sincePress.p95} ms`);
  print(`  ${hostile.sinceFrame.median} ms after the frame; in peace ${peaceful.sinceFrame.median} ms`);
  print(
    `  answers: ${Object.entries(answers)
      .map(([code, count]) => `${count} ${code}`)
      .join(', ')}`,
  );
  const { width, height, rate, framesPerSecond, watched, unwatched } = viewfinder;
  print(`viewfinder ${framesPerSecond} frames a second drawn, of ${rate} of ${width}×${height}`);
  print(`  device at ${percent(watched)} of a core, ${percent(unwatched)} while another view is shown`);
  print(
    `memory ${memory.reachable} MB more after a collection, ${memory.resident} MB more resident, ${memory.pairs} pairs`,
  );
  printTable([GROWTH, ...growth.map(grownRow)], []);
}

const GROWTH = ['captures', 'device MB', 'resident MB', 'page MB', 'nodes', 'listeners'];

function grownRow({ captures, device, page }: Grown): string[] {
  const [reachable, resident, heap] = [device.reachable, device.resident, page.heap].map(megabytes);
  return [String(captures), reachable, resident, heap, String(page.nodes), String(page.listeners)];
}

function percent(share: number): string {
  return `${(100 * share).toFixed(1)} %`;
}

function megabytes(bytes: number): string {
  return (bytes / 2 ** 20).toFixed(2);
}
