import { readFile } from 'node:fs/promises';
import type { z } from 'zod';
import { reasonOf, systemCodeOf } from './errors.ts';
import { firstIssue } from './schema.ts';

/**
 * The JSON document in a file; null where there is no file.
 * @param refusal makes what is thrown of the field that is wrong, or `content`, and of what is wrong with it
 */
export async function readJsonFile<T>(
  file: string,
  schema: z.ZodType<T>,
  refusal: (field: string, received: string) => Error,
): Promise<T | null> {
  let document: unknown;
  try {
    document = JSON.parse(await readFile(file, 'utf8'));
  } catch (cause) {
    if (systemCodeOf(cause) === 'ENOENT') return null;
    throw refusal('content', reasonOf(cause));
  }
  const parsed = schema.safeParse(document);
  if (parsed.success) return parsed.data;
  const { field, problem } = firstIssue(parsed.error);
  throw refusal(field, problem);
}
