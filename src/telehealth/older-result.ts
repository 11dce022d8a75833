/** Results for receivers that read the first version strictly and no later one. */
import { z } from 'zod';
import { RESULT_SCHEMA_1, RESULT_SCHEMA_2, reason2Schema, reasonsOfVersion1 } from './result.ts';

/** Versions of results that receivers may read at most. */
export const RESULT_VERSIONS = [1, 2] as const;
export type ResultVersion = (typeof RESULT_VERSIONS)[number];

/** What the second version says of itself, and what it has that the first has not. */
const secondSchema = z.looseObject({
  schema: z.literal(RESULT_SCHEMA_2),
  triage: z.unknown(),
  malignancy: z.unknown(),
  application: z.unknown().optional(),
  unfamiliar: z.unknown().optional(),
  reasons: z.array(reason2Schema),
});

/**
 * A result as JSON in a version that its receivers read. The second has all that the first has, so that what came with it
 * is left out, reasons are told in the first version's words, and nothing else changes: the same bytes each time. What is no
 * result of a newer version stays as it is.
 */
export function resultUpTo(newest: ResultVersion, payload: string): string {
  if (newest === 2) return payload;
  const parsed = secondSchema.safeParse(JSON.parse(payload));
  if (!parsed.success) return payload;
  const { triage: _, malignancy: __, application: ___, unfamiliar: ____, ...first } = parsed.data;
  return JSON.stringify({ ...first, schema: RESULT_SCHEMA_1, reasons: reasonsOfVersion1(first.reasons) });
}
