import { z } from 'zod';
import { excessOf } from '../../model/bundle/json.ts';
import { firstIssue } from '../../schema.ts';
import { TrustError } from './faults.ts';

/** Bytes of a document of each role at most. */
export const LIMITS = { root: 512_000, timestamp: 16_384, snapshot: 512_000, targets: 1_048_576 } as const;
/** Signatures of a document at most: each costs a verification. */
const MAXIMUM_SIGNATURES = 64;

/** A name that would be something else in a plain object, or change its order there. */
const unusual = (name: string): boolean => name in {} || /^\d+$/.test(name);
const roleSchema = z.looseObject({ name: z.string().refine((name) => !unusual(name)) });

const documentSchema = z.looseObject({
  signatures: z.array(z.unknown()).max(MAXIMUM_SIGNATURES),
  signed: z.looseObject({
    version: z.int().min(1),
    // A date that cannot be read would never be over.
    expires: z.iso.datetime(),
    delegations: z.looseObject({ roles: z.array(roleSchema).optional() }).optional(),
  }),
});

/**
 * What the library does not look at before it works with a document: how deep and large it is, that its version can be
 * counted, that its expiry is a time.
 * @throws TrustError `TRUST_MALFORMED`
 */
export function checkForm(bytes: Uint8Array, file: string): void {
  let document: unknown;
  try {
    document = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch (cause) {
    throw new TrustError('TRUST_MALFORMED', { file, received: 'no JSON', cause });
  }
  const excess = excessOf(document);
  if (excess !== null) throw new TrustError('TRUST_MALFORMED', { file, received: excess });
  const parsed = documentSchema.safeParse(document);
  if (parsed.success) return;
  const { field, problem } = firstIssue(parsed.error);
  throw new TrustError('TRUST_MALFORMED', { file, received: `${field}: ${problem}` });
}
