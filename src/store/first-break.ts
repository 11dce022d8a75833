import type Database from 'better-sqlite3';
import { z } from 'zod';

const headSchema = z.object({ sequence: z.int(), digest: z.string() });
/** The first record of a chain that follows a broken one. */
const breakSchema = z.object({
  /** What was wrong with the chain before. */
  problem: z.string(),
  /** How many records were missing at its end. */
  missing: z.int(),
  /** How far it had come; null where that was not known. */
  expected: headSchema.nullable(),
  /** The name under which its file is kept; null where there was none. */
  keptAs: z.string().nullable(),
  /** Readings and labels that waited to be sent and were taken along. */
  carriedOver: z.int(),
});
export type ChainBreak = z.infer<typeof breakSchema>;

/** Why a journal was begun anew; null where it was not. */
export function firstBreak(database: Database.Database): ChainBreak | null {
  const payload = database
    .prepare<[], string>("SELECT payload FROM records WHERE sequence = 1 AND kind = 'break'")
    .pluck()
    .get();
  return payload === undefined ? null : breakSchema.parse(JSON.parse(payload));
}
