import { type Command, Option } from 'commander';
import { z } from 'zod';
import { CORES, type CoreEstimate, estimateCortexA76 } from '../../../bench/cortex-a76/estimate.ts';
import { storeChoiceFigures } from '../../../model/bundle/choice-figures.ts';
import { readBundle } from '../../../model/bundle/read.ts';
import { DEFAULT_MODEL } from '../../../runtime/engine/shipped-models.ts';
import { note, print, printJson } from '../../../ui/terminal/console.ts';
import { modelOption, modelSchema, parseOptions } from '../../shared/options.ts';
import { jsonSchema, printTable, suiteCommand } from './suite.ts';

const optionsSchema = jsonSchema.extend({
  model: modelSchema.default(DEFAULT_MODEL),
  cpu: z.enum(CORES),
  record: z.boolean().default(false),
});

export function cortexA76Command(): Command {
  return suiteCommand('cortex-a76', 'An estimate of one inference on one core of a Raspberry Pi 5')
    .addOption(modelOption())
    .addOption(new Option('--cpu <core>', 'LLVM’s model of the core').choices(CORES).default(CORES[0]))
    .option('--record', 'keep the estimate beside the bundle, for those who choose one')
    .action(async (rawOptions: unknown) => {
      const { model, cpu, json, record } = parseOptions(optionsSchema, rawOptions);
      const { graph, digest } = await readBundle(model);
      const estimate = await estimateCortexA76(graph, cpu);
      if (record) {
        const { milliseconds, gigahertz, simulator } = estimate;
        const cortexA76 = { milliseconds, gigahertz, simulator: `${simulator}, ${cpu}` };
        note(`Kept beside the bundle: ${await storeChoiceFigures(model, digest, { cortexA76 })}`);
      }
      if (json) printJson(estimate);
      else show(estimate);
    });
}

function show({ layers, cycles, instructions, milliseconds, simulator, cpu, gigahertz }: CoreEstimate): void {
  const header = ['layer', 'operator', 'instructions', 'cycles', 'per cycle', 'of peak', 'µs'];
  const rows = layers.map((layer) => [
    layer.layer,
    layer.operator,
    layer.instructions.toLocaleString('en'),
    layer.cycles.toLocaleString('en'),
    (layer.instructions / layer.cycles).toFixed(2),
    layer.ofPeak === null ? '' : `${(100 * layer.ofPeak).toFixed(0)} %`,
    (layer.cycles / gigahertz / 1000).toFixed(1),
  ]);
  const total = ['total', '', instructions.toLocaleString('en'), cycles.toLocaleString('en')];
  printTable([header, ...rows, [...total, (instructions / cycles).toFixed(2), '', '']], [0, 1]);
  print();
  print(
    `estimate: ${milliseconds.toFixed(3)} ms per image, one core at ${gigahertz} GHz (${simulator}, ${cpu}); without cache misses, mispredicted branches and the Node side`,
  );
}
