import type { Command } from 'commander';
import { z } from 'zod';
import { measurePreprocessing } from '../../../bench/preprocessing.ts';
import { openModel } from '../../../runtime/engine/open-model.ts';
import { print, printJson } from '../../../ui/terminal/console.ts';
import { modelOption, modelSchema, parseOptions } from '../../shared/options.ts';
import { jsonSchema, printTable, suiteCommand } from './suite.ts';

const optionsSchema = jsonSchema.extend({
  dataset: z.string(),
  fullsize: z.string(),
  model: modelSchema.optional(),
});

export function preprocessingCommand(): Command {
  return suiteCommand(
    'preprocessing',
    'What the integrity check sends back, and what the crop keeps of lesions',
  )
    .requiredOption('--dataset <folder>', 'HAM10000 with masks/ and split_lesion.csv')
    .requiredOption('--fullsize <folder>', 'images as a camera delivers them')
    .addOption(modelOption())
    .action(async (rawOptions: unknown) => {
      const { dataset, fullsize, model, json } = parseOptions(optionsSchema, rawOptions);
      const opened = await openModel(model);
      try {
        const tables = await measurePreprocessing(opened, dataset, fullsize);
        if (json) return printJson(tables);
        for (const { title, rows } of tables) {
          print(`\n${title}`);
          printTable(rows);
        }
      } finally {
        await opened.engine.close();
      }
    });
}
