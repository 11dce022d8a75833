import { readFile } from 'node:fs/promises';
import { RefusedError } from '../../errors.ts';
import { cardSchema, type ModelCard } from '../../model/bundle/contract.ts';
import { firstIssue } from '../../schema.ts';

/** @throws RefusedError `CARD` where the file is not a model card */
export async function readCard(file: string): Promise<ModelCard> {
  const parsed = cardSchema.safeParse(await readJson(file));
  if (parsed.success) return parsed.data;
  const { field, problem } = firstIssue(parsed.error);
  throw new RefusedError('CARD', 'The model card does not follow its format', {
    file,
    field,
    received: problem,
    expected: 'description, data, protocol, licence, metrics and limitations',
  });
}

async function readJson(file: string): Promise<unknown> {
  try {
    return JSON.parse(await readFile(file, 'utf8'));
  } catch (cause) {
    throw new RefusedError('CARD', 'The model card cannot be read', {
      file,
      received: cause instanceof Error ? cause.message : String(cause),
      expected: 'a JSON file',
      cause,
    });
  }
}
