import { type Command, Option } from 'commander';
import { z } from 'zod';
import { CORES, type CoreEstimate, estimateCortexA76 } from '../../../bench/cortex-a76/estimate.ts';
import { readBundle } from '../../../model/bundle/read.ts';
import { DEFAULT_MODEL } from '../../../runtime/engine/open-model.ts';
import { print, printJson } from '../../../ui/terminal/console.ts';
import { parseOptions } from '../../shared/options.ts';
import { jsonSchema, printTable, suiteCommand } from './suite.ts';

const optionsSchema = jsonSchema.extend({ model: z.string(), cpu: z.enum(CORES) });

export function cortexA76Command(): Command {
  return suiteCommand('cortex-a76', 'An estimate of one inference on one core of a Raspberry Pi 5')
    .option('--model <bundle>', 'model bundle', DEFAULT_MODEL)
    .addOption(new Option('--cpu <core>', 'LLVM’s model of the core').choices(CORES).default(CORES[0]))
    .action(async (rawOptions: unknown) => {
      const { model, cpu, json } = parseOptions(optionsSchema, rawOptions);
      const { graph } = await readBundle(model);
      const estimate = await estimateCortexA76(graph, cpu);
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
