import { readFile } from 'node:fs/promises';
import { RefusedError, reasonOf } from '../../errors.ts';
import { cardSchema, type ModelCard } from '../../model/bundle/card.ts';
import { type ClassTableSection, classTableSchema } from '../../model/bundle/class-table-section.ts';
import { firstIssue } from '../../schema.ts';

/** @throws RefusedError `CARD` where the file is not a model card */
export async function readCard(file: string): Promise<ModelCard> {
  const parsed = cardSchema.safeParse(await readJson(file, 'CARD', 'The model card'));
  if (parsed.success) return parsed.data;
  const { field, problem } = firstIssue(parsed.error);
  throw new RefusedError('CARD', 'The model card does not follow its format', {
    file,
    field,
    received: problem,
    expected: 'description, data, protocol, licence, metrics and limitations, and where known intendedUse',
  });
}

/** @throws RefusedError `CLASS_TABLE` where the file is not a class table */
export async function readClassTable(file: string): Promise<ClassTableSection> {
  const parsed = classTableSchema.safeParse(await readJson(file, 'CLASS_TABLE', 'The class table'));
  if (parsed.success) return parsed.data;
  const { field, problem } = firstIssue(parsed.error);
  throw new RefusedError('CLASS_TABLE', 'The class table does not follow its format', {
    file,
    field,
    received: problem,
    expected:
      'version 1 and classes, each with code and names, and where known risk, snomed, icd10 and watched',
  });
}

async function readJson(file: string, code: string, noun: string): Promise<unknown> {
  try {
    return JSON.parse(await readFile(file, 'utf8'));
  } catch (cause) {
    throw new RefusedError(code, `${noun} cannot be read`, {
      file,
      received: reasonOf(cause),
      expected: 'a JSON file',
      cause,
    });
  }
}
