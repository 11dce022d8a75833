import type { Command } from 'commander';
import { z } from 'zod';
import { measureUpdates } from '../../../bench/learning/update.ts';
import { openModel } from '../../../runtime/engine/open-model.ts';
import { print, printJson } from '../../../ui/terminal/console.ts';
import { modelOption, modelSchema, parseOptions } from '../../shared/options.ts';
import { countOption, jsonSchema, suiteCommand } from './suite.ts';

const optionsSchema = jsonSchema.extend({ updates: z.number(), model: modelSchema.optional() });

export function learningUpdateCommand(): Command {
  return suiteCommand('learning-update', 'Time of one update of the learned head, file and journal flushed')
    .addOption(countOption('--updates <number>', 'updates that are timed', 100))
    .addOption(modelOption())
    .action(async (rawOptions: unknown) => {
      const { updates, model, json } = parseOptions(optionsSchema, rawOptions);
      const { bundle, engine } = await openModel(model);
      await engine.close();
      const report = await measureUpdates(bundle, updates);
      if (json) return printJson(report);
      const { median, p99, processor, file, remembered } = report;
      print(`${report.updates} updates kept, ${remembered} cases in memory`);
      print(`median ${median.toFixed(1)} ms, p99 ${p99.toFixed(1)} ms, processor ${processor.toFixed(1)} ms`);
      print(`${(file / 1e6).toFixed(2)} MB on disk`);
    });
}
