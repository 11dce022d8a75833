import type { Command } from 'commander';
import { z } from 'zod';
import { type Drift, measureSoak } from '../../../bench/appliance/soak.ts';
import { note, print, printJson } from '../../../ui/terminal/console.ts';
import { parseOptions } from '../../shared/options.ts';
import { countOption, jsonSchema, suiteCommand } from './suite.ts';

const optionsSchema = jsonSchema.extend({ captures: z.number() });

export function soakCommand(): Command {
  return suiteCommand('soak', 'More captures than a device makes in a month; needs mosquitto')
    .addOption(countOption('--captures <number>', 'captures to take', 20_000))
    .action(async (rawOptions: unknown) => {
      const { captures, json } = parseOptions(optionsSchema, rawOptions);
      const report = await measureSoak(captures, note);
      if (json) return printJson(report);
      const { results, received, perSecond, load, latency, sound, waiting } = report;
      const of = ({ first, last, largest }: Drift, unit: string) =>
        `${first} → ${last}${unit}, at most ${largest}`;
      print(`${received} of ${results} results received, ${perSecond} a second, load ${load}`);
      print(`memory      ${of(report.rss, ' MB')}`);
      print(`handles     ${of(report.handles, '')}`);
      print(`event loop  p99 ${of(report.loopP99, ' ms')}`);
      print(`latency     median ${latency.median} ms, p99 ${latency.p99} ms, ${latency.ratio} ×`);
      print(`            ${report.latencyFirst.median} → ${report.latencyLast.median} ms in the median`);
      const soundness = sound ? 'sound' : 'NOT SOUND';
      print(`journal     ${report.journalBytesPerResult} bytes a result, ${soundness}, ${waiting} waiting`);
    });
}
