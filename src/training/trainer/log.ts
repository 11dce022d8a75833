/** The log of a stage: JSON lines, one per epoch. */

import { appendFile, readFile } from 'node:fs/promises';
import { z } from 'zod';
import { systemCodeOf } from '../../errors.ts';
import { replaceFile } from '../../model/bundle/replace-file.ts';

const figure = z.number();

const entrySchema = z.strictObject({
  /** From 1. */
  epoch: z.int().min(1),
  /** Side of the training images, pixels. */
  inputSize: z.int().min(1),
  /** Mean over the epoch's steps. */
  loss: figure,
  /** Learning rate of the last step. */
  rate: figure,
  seconds: figure,
  validation: z.strictObject({
    top1: figure,
    macroF1: figure,
    balancedAccuracy: figure,
    macroAuc: figure.nullable(),
    ece: figure,
  }),
});
export type EpochEntry = z.infer<typeof entrySchema>;

export async function appendEpoch(file: string, entry: EpochEntry): Promise<void> {
  await appendFile(file, `${JSON.stringify(entry)}\n`);
}

/** Entries of the first `epochs` epochs; a line that a killed process left half written is passed over. */
export async function readLog(file: string, epochs = Number.POSITIVE_INFINITY): Promise<EpochEntry[]> {
  const text = await textOf(file);
  const byEpoch = new Map<number, EpochEntry>();
  for (const line of text.split('\n')) {
    const parsed = entrySchema.safeParse(json(line));
    if (parsed.success && parsed.data.epoch <= epochs) byEpoch.set(parsed.data.epoch, parsed.data);
  }
  return [...byEpoch.values()].sort((a, b) => a.epoch - b.epoch);
}

/** Takes the entries of epochs out that are about to be run again. */
export async function cutLog(file: string, epochs: number): Promise<void> {
  const entries = await readLog(file, epochs);
  await replaceFile(file, Buffer.from(entries.map((entry) => `${JSON.stringify(entry)}\n`).join('')));
}

async function textOf(file: string): Promise<string> {
  try {
    return await readFile(file, 'utf8');
  } catch (cause) {
    if (systemCodeOf(cause) === 'ENOENT') return '';
    throw cause;
  }
}

function json(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    return null;
  }
}
