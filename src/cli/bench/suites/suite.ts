import { Command, Option } from 'commander';
import { z } from 'zod';
import { print } from '../../../ui/terminal/console.ts';
import { tableLines } from '../../../ui/terminal/table.ts';
import { positiveInteger } from '../../shared/options.ts';

/** What every suite shares: a command of `bench`, with `--json`. */
export function suiteCommand(name: string, description: string): Command {
  return new Command(name).description(description).option('--json', 'one JSON document on stdout');
}

/** An option that takes a whole number of at least 1. */
export function countOption(flags: string, description: string, standard: number): Option {
  return new Option(flags, description).argParser(positiveInteger).default(standard);
}

export const jsonSchema = z.object({ json: z.boolean().default(false) });

/** @param left columns aligned left */
export function printTable(rows: readonly (readonly string[])[], left: readonly number[] = [0]): void {
  for (const line of tableLines(rows, left)) print(line);
}
