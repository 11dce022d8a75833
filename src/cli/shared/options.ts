import { homedir } from 'node:os';
import path from 'node:path';
import { InvalidArgumentError, Option } from 'commander';
import { z } from 'zod';
import { UsageError } from '../../errors.ts';
import { DEFAULT_MODEL, modelFile, shippedModels } from '../../runtime/engine/shipped-models.ts';
import { firstIssue } from '../../schema.ts';
import { SPLITS } from '../../splits.ts';

/** What `modelOption` takes: a bundle's file, or the name of one that ships. */
export const modelSchema = z.string().transform((given) => modelFile(given));

export function modelOption(purpose = 'model bundle'): Option {
  return new Option('--model <bundle>', `${purpose}, or one that ships: ${shippedNames()}`);
}

/** For help texts. */
export function shippedNames(): string {
  const standard = path.basename(DEFAULT_MODEL, '.spikescope');
  return shippedModels()
    .map((name) => (name === standard ? `${name} (default)` : name))
    .join(', ');
}

/** Options of a command, checked. @throws UsageError `OPTION` */
export function parseOptions<T>(schema: z.ZodType<T>, rawOptions: unknown): T {
  const parsed = schema.safeParse(rawOptions);
  if (parsed.success) return parsed.data;
  const { field, expected } = firstIssue(parsed.error);
  throw new UsageError('OPTION', 'An option has a value that it cannot have', {
    field: optionName(field),
    expected,
  });
}

/** `splitFile` → `--split-file`. */
export function optionName(field: string): string {
  return `--${field.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;
}

/** A whole number of at least 1, for commander. */
export function positiveInteger(text: string): number {
  const value = Number(text);
  if (!Number.isSafeInteger(value) || value < 1)
    throw new InvalidArgumentError('Give a whole number from 1.');
  return value;
}

/** A number above 0, for commander. */
export function positiveNumber(text: string): number {
  const value = Number(text);
  if (!(value > 0 && Number.isFinite(value))) throw new InvalidArgumentError('Give a number above 0.');
  return value;
}

/** Whole numbers of at least 1 between commas, for commander. */
export function positiveIntegers(text: string): number[] {
  return text.split(',').map(positiveInteger);
}

export const splitSchema = z.enum([...SPLITS, 'all']);

export function splitOption(standard: z.infer<typeof splitSchema>): Option {
  return new Option('--split <name>', 'images to read').choices(splitSchema.options).default(standard);
}

/** `XDG_CACHE_HOME`/spikescope, else ~/.cache/spikescope. */
export function defaultCache(): string {
  const base = process.env.XDG_CACHE_HOME;
  // The XDG specification has relative values ignored.
  return path.join(base && path.isAbsolute(base) ? base : path.join(homedir(), '.cache'), 'spikescope');
}
