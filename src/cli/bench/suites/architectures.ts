import { existsSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import path from 'node:path';
import type { Command } from 'commander';
import { z } from 'zod';
import {
  type ArchitectureFigures,
  type ArchitectureFiles,
  measureArchitecture,
} from '../../../bench/architectures.ts';
import { FLOAT_PEER, INTEGER_PEER } from '../../../bench/graph.ts';
import { thisMachine } from '../../../bench/machine.ts';
import { reasonOf, UsageError } from '../../../errors.ts';
import { print, printJson, startProgress } from '../../../ui/terminal/console.ts';
import { loadCalibration } from '../../convert/images.ts';
import { meanOption, normalisationOf, stdOption } from '../../shared/normalisation.ts';
import { parseOptions } from '../../shared/options.ts';
import { countOption, jsonSchema, printTable, suiteCommand } from './suite.ts';

/** Of a file that another's tools quantised. */
const QUANTISED = '.int8.onnx';

const optionsSchema = jsonSchema.extend({
  models: z.string(),
  calibration: z.string(),
  splitFile: z.string().optional(),
  images: z.number(),
  iterations: z.number(),
  mean: z.string().optional(),
  std: z.string().optional(),
});

export function architecturesCommand(): Command {
  return suiteCommand(
    'architectures',
    'ONNX files of a folder: whether they convert, what is left of their answers, and time beside onnxruntime’s',
  )
    .requiredOption(
      '--models <folder>',
      `NAME.onnx, and NAME${QUANTISED} to race against; without it the bundle’s own integers`,
    )
    .requiredOption('--calibration <folder>', 'images of the kind the networks read')
    .option('--split-file <csv>', 'only images of the split “train”: a CSV with image_id and split')
    .addOption(countOption('--images <count>', 'calibrate on at most this many', 64))
    .addOption(countOption('--iterations <calls>', 'timed calls of each candidate', 30))
    .addOption(meanOption())
    .addOption(stdOption())
    .action(async (raw: unknown) => {
      const { models, calibration, splitFile, images, iterations, mean, std, json } = parseOptions(
        optionsSchema,
        raw,
      );
      const normalisation = normalisationOf(mean, std);
      const imagesFor = (side: number) =>
        loadCalibration(calibration, { splitFile, split: 'train', images }, [side, side, 3]);
      const files = await filesIn(models);
      const progress = startProgress('architectures', files.length);
      const results: ArchitectureFigures[] = [];
      try {
        for (const one of files) {
          results.push(await measureArchitecture(one, { normalisation, iterations, imagesFor }));
          progress.advance();
        }
      } finally {
        progress.stop();
      }
      if (json) return printJson({ machine: thisMachine(), results });
      printFigures(results);
    });
}

/** @throws UsageError `MODELS` where there are none */
async function filesIn(folder: string): Promise<ArchitectureFiles[]> {
  const entries = await readdir(folder).catch((cause: unknown) => {
    throw noModels(folder, reasonOf(cause));
  });
  const names = entries.filter((name) => name.endsWith('.onnx') && !name.endsWith(QUANTISED)).sort();
  if (names.length === 0) throw noModels(folder, `${entries.length} other files`);
  return names.map((file) => {
    const { name } = path.parse(file);
    const integer = path.join(folder, `${name}${QUANTISED}`);
    return { name, float: path.join(folder, file), integer: existsSync(integer) ? integer : null };
  });
}

function noModels(file: string, received: string): UsageError {
  return new UsageError('MODELS', 'There are no ONNX files in the folder', {
    file,
    field: '--models',
    expected: 'files NAME.onnx',
    received,
  });
}

function printFigures(results: readonly ArchitectureFigures[]): void {
  const head = [
    'network',
    'same class',
    'classes',
    'dB',
    'int8 keeps',
    'engine',
    'float',
    'int8',
    'ratio',
    'converts in',
  ];
  printTable([head, ...results.filter(({ refusal }) => refusal === null).map(rowOf)]);
  for (const { name, refusal } of results) if (refusal !== null) print(`${name}: ${refusal}`);
}

function rowOf({ name, agreement, others, timing, conversion }: ArchitectureFigures): string[] {
  const milliseconds = (value: number | undefined) => value?.toPrecision(3) ?? '–';
  return [
    name,
    agreement === null ? '–' : `${agreement.same}/${agreement.images}`,
    String(agreement?.named ?? '–'),
    agreement?.decibels.toFixed(1) ?? '–',
    others === null ? '–' : `${others.same}/${others.images}, ${others.decibels.toFixed(1)} dB`,
    milliseconds(timing?.engine.median),
    milliseconds(timing?.peers[FLOAT_PEER]?.median),
    milliseconds(timing?.peers[INTEGER_PEER]?.median),
    timing?.ratioToBest?.toFixed(2) ?? '–',
    conversion === null ? '–' : `${conversion.wall.toFixed(0)} s (${conversion.processor.toFixed(0)} s)`,
  ];
}
