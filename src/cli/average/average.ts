import { Command } from 'commander';
import { z } from 'zod';
import { printable, UsageError } from '../../errors.ts';
import { averageCheckpoints, type NamedCheckpoint } from '../../model/checkpoint/average.ts';
import { readCheckpoint, writeCheckpoint } from '../../model/checkpoint/file.ts';
import { print, printJson } from '../../ui/terminal/console.ts';
import { parseOptions } from '../shared/options.ts';
import { requireWritable } from '../shared/output.ts';

const optionsSchema = z.object({ out: z.string(), json: z.boolean().default(false) });
const filesSchema = z.array(z.string());

/** `spikescope average`: one network out of several. */
export function averageCommand(): Command {
  return new Command('average')
    .description('Average the weights of networks that were trained on from one another into one network')
    .argument(
      '<checkpoint...>',
      'two or more float networks of one architecture; a file given twice counts twice',
    )
    .requiredOption('--out <checkpoint>', 'where the average goes')
    .option('--json', 'one JSON document on stdout')
    .action((files: unknown, rawOptions: unknown) =>
      run(filesSchema.parse(files), parseOptions(optionsSchema, rawOptions)),
    );
}

async function run(files: readonly string[], { out, json }: z.infer<typeof optionsSchema>): Promise<void> {
  requireWritable(out, '--out');
  const [first, ...rest] = await Promise.all(
    files.map(async (file): Promise<NamedCheckpoint> => ({ file, checkpoint: await readCheckpoint(file) })),
  );
  if (first === undefined || rest.length === 0) {
    throw new UsageError('AVERAGE_OF_ONE', 'A mean takes two networks or more', {
      expected: 'two or more checkpoints',
      received: `${files.length}`,
    });
  }
  await writeCheckpoint(out, averageCheckpoints([first, ...rest]));
  if (json) printJson({ checkpoint: out, averaged: files });
  else print(`Written to ${printable(out)}, the mean of ${files.length} networks`);
}
