import { readFile } from 'node:fs/promises';
import type { z } from 'zod';
import { systemCodeOf } from '../../errors.ts';

/** The JSON document that an earlier run left in a file; null where there is no file. */
export async function keptDocument<T>(file: string, schema: z.ZodType<T>): Promise<T | null> {
  try {
    return schema.parse(JSON.parse(await readFile(file, 'utf8')));
  } catch (error) {
    if (systemCodeOf(error) === 'ENOENT') return null;
    throw error;
  }
}
