/** How a part of a bundle is checked, and what is said of one that is wrong. */
import type { z } from 'zod';
import { RefusedError } from '../../errors.ts';
import { firstIssue } from '../../schema.ts';

/** @throws RefusedError `BUNDLE_SCHEMA` naming the first member that is otherwise */
export function parsePart<Schema extends z.ZodType>(
  schema: Schema,
  value: unknown,
  file: string,
): z.infer<Schema> {
  const parsed = schema.safeParse(value, { jitless: true });
  if (parsed.success) return parsed.data;
  const { field, problem } = firstIssue(parsed.error);
  throw new RefusedError('BUNDLE_SCHEMA', 'The bundle does not follow its format', {
    file,
    field,
    received: problem,
    remedy: 'convert the model again with this version of spikescope',
  });
}

/** Adds the file to what is refused within. */
export function withFile(file: string, check: () => void): void {
  try {
    check();
  } catch (error) {
    if (!(error instanceof RefusedError)) throw error;
    throw new RefusedError(error.code, error.message, { file, ...error.details });
  }
}

export function disagreement(
  field: string,
  expected: string,
  received: string,
  remedy?: string,
): RefusedError {
  return new RefusedError('BUNDLE_INCONSISTENT', 'Two parts of the bundle contradict each other', {
    field,
    expected,
    received,
    ...(remedy !== undefined && { remedy }),
  });
}
