/** Results for receivers that read a version strictly and no later one. */
import { z } from 'zod';
import {
  RESULT_SCHEMA_1,
  RESULT_SCHEMA_2,
  RESULT_SCHEMA_3,
  reason2Schema,
  reasonsOfVersion1,
} from './result.ts';

/** Versions of results that receivers may read at most. */
export const RESULT_VERSIONS = [1, 2, 3] as const;
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

/** What the third version has that the second has not. */
const thirdSchema = z.looseObject({ schema: z.literal(RESULT_SCHEMA_3), patient: z.unknown() });

/**
 * A result as JSON in a version that its receivers read. Each version has all that the one before has, so that what came
 * with it is left out, and nothing else changes: the same bytes each time. For the first, reasons are told in its words.
 * What is no result of a newer version stays as it is.
 */
export function resultUpTo(newest: ResultVersion, payload: string): string {
  if (newest === 3) return payload;
  const second = withoutPatient(payload);
  return newest === 2 ? second : inFirstVersion(second);
}

function withoutPatient(payload: string): string {
  const parsed = thirdSchema.safeParse(JSON.parse(payload));
  if (!parsed.success) return payload;
  const { patient: _, ...second } = parsed.data;
  return JSON.stringify({ ...second, schema: RESULT_SCHEMA_2 });
}

function inFirstVersion(payload: string): string {
  const parsed = secondSchema.safeParse(JSON.parse(payload));
  if (!parsed.success) return payload;
  const { triage: _, malignancy: __, application: ___, unfamiliar: ____, ...first } = parsed.data;
  return JSON.stringify({ ...first, schema: RESULT_SCHEMA_1, reasons: reasonsOfVersion1(first.reasons) });
}
