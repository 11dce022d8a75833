import type { Command } from 'commander';
import { z } from 'zod';
import { print, printJson } from '../../../ui/terminal/console.ts';
import { parseOptions } from '../../shared/options.ts';
import { countOption, jsonSchema, printTable, suiteCommand } from './suite.ts';

const dataSchema = jsonSchema.extend({ epochs: z.number() });

export function trainingDataCommand(): Command {
  return suiteCommand('training-data', 'What a batch of training images costs')
    .addOption(countOption('--epochs <number>', 'epochs that are timed', 40))
    .action(async (rawOptions: unknown) => {
      const { epochs, json } = parseOptions(dataSchema, rawOptions);
      const { measureTrainingData } = await import('../../../bench/training/data.ts');
      const rows = await measureTrainingData(epochs);
      if (json) return printJson(rows);
      const header = ['input', 'what', 'waiting, ms', 'processor, ms', 'to native'];
      const cells = rows.map(({ size, what, waiting, processor, toNative }) => [
        `${size}×${size}`,
        what,
        waiting.toFixed(2),
        processor.toFixed(2),
        `× ${toNative.toFixed(2)}`,
      ]);
      printTable([header, ...cells]);
    });
}

const stepSchema = jsonSchema.extend({
  batch: z.number(),
  side: z.number(),
  threads: z.number(),
  turns: z.number(),
  steps: z.number(),
  others: z.boolean().default(false),
});

function stepOptions(command: Command, turns: number): Command {
  return command
    .addOption(countOption('--batch <images>', 'images of a step', 32))
    .addOption(countOption('--side <pixels>', 'side of the images', 64))
    .addOption(countOption('--threads <number>', 'threads of both', 2))
    .addOption(countOption('--turns <number>', 'turns that are timed', turns));
}

export function trainingStepCommand(): Command {
  const command = suiteCommand(
    'training-step',
    'A training step of QANA, in turn with PyTorch (python3-torch)',
  );
  return stepOptions(command, 15)
    .addOption(countOption('--steps <number>', 'steps of a turn', 4))
    .option('--others', 'what tfjs’s own backends need, too')
    .action(async (rawOptions: unknown) => {
      const { json, ...options } = parseOptions(stepSchema, rawOptions);
      const { measureTrainingStep } = await import('../../../bench/training/step.ts');
      const report = await measureTrainingStep(options);
      if (json) return printJson(report);
      const line = (name: string, { wall, processor }: { wall: number; processor: number }) =>
        print(
          `${name.padEnd(16)} ${wall.toFixed(1)} ms a step, ${processor.toFixed(1)} ms of processor time`,
        );
      const { parameters, batch, side, threads, turns, ratio, torch, pytorch } = report;
      print(`QANA, ${parameters} parameters, batch ${batch}, ${side}×${side}, ${threads} threads`);
      line('torch backend', torch);
      line(`PyTorch ${pytorch.version}`, pytorch);
      print(
        `ratio ${ratio.wall.toFixed(2)} (processor ${ratio.processor.toFixed(2)}), medians of ${turns} turns`,
      );
      for (const [name, found] of Object.entries(report.backends)) {
        print(
          'missing' in found
            ? `tfjs ${name}  cannot train: ${found.missing}`
            : `tfjs ${name}  ${found.perImage.toFixed(0)} ms an image, ${(found.perImage / (torch.wall / batch)).toFixed(0)} times the torch backend's`,
        );
      }
    });
}

const capturedSchema = stepSchema.omit({ steps: true, others: true });

export function capturedStepCommand(): Command {
  return stepOptions(suiteCommand('captured-step', 'What tfjs itself adds to a training step'), 25).action(
    async (rawOptions: unknown) => {
      const { json, ...options } = parseOptions(capturedSchema, rawOptions);
      const { measureCapturedStep } = await import('../../../bench/training/captured-step.ts');
      const report = await measureCapturedStep(options);
      if (json) return printJson(report);
      const { calls, real, repeated, ratio } = report;
      print(
        `${calls} kernel calls: ${real.toFixed(1)} ms of processor time through tfjs, ${repeated.toFixed(1)} ms repeated without it, ratio ${ratio.toFixed(2)}`,
      );
    },
  );
}
