/** Results for receivers that read the first version strictly and no later one. */
import { z } from 'zod';
import { RESULT_SCHEMA_1, RESULT_SCHEMA_2, resultSchema1 } from './result.ts';

/** Versions of results that receivers may read at most. */
export const RESULT_VERSIONS = [1, 2] as const;
export type ResultVersion = (typeof RESULT_VERSIONS)[number];

/** What the second version says of itself, and what it has that the first has not. */
const secondSchema = z.looseObject({
  schema: z.literal(RESULT_SCHEMA_2),
  triage: z.unknown(),
  malignancy: z.unknown(),
  unfamiliar: z.unknown().optional(),
  reasons: z.array(z.string()),
});

const KNOWN_REASONS: ReadonlySet<string> = new Set(resultSchema1.shape.reasons.element.options);

/**
 * A result as JSON in a version that its receivers read. The second has all that the first has, so that what came with it,
 * reasons too, is left out, and nothing else changes: the same bytes each time. What is no result of a newer version stays
 * as it is.
 */
export function resultUpTo(newest: ResultVersion, payload: string): string {
  if (newest === 2) return payload;
  const parsed = secondSchema.safeParse(JSON.parse(payload));
  if (!parsed.success) return payload;
  const { triage: _, malignancy: __, unfamiliar: ___, ...first } = parsed.data;
  const reasons = first.reasons.filter((reason) => KNOWN_REASONS.has(reason));
  return JSON.stringify({ ...first, schema: RESULT_SCHEMA_1, reasons });
}
