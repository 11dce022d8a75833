import { LengthOrHashMismatchError, UnsignedMetadataError } from '@tufjs/models/dist/error.js';
import { BadVersionError, ExpiredMetadataError } from 'tuf-js/dist/error.js';
import { RefusedError, reasonOf, SpikescopeError } from '../../errors.ts';

/** Why metadata or a target is not trusted. Stable, and meant for programs. */
export const TRUST_CODES = [
  /** Not signed by enough of the keys that may sign it. */
  'TRUST_SIGNATURE',
  /** Older than what this device has trusted before. */
  'TRUST_ROLLBACK',
  /** Its time is over. */
  'TRUST_EXPIRED',
  /** Its time is over, and it is what this device has already: nobody has signed anything since. */
  'TRUST_FROZEN',
  /** Not what the metadata above it names: parts of different states of the repository. */
  'TRUST_MISMATCH',
  /** Not the form of such metadata. */
  'TRUST_MALFORMED',
  /** More than there can be. */
  'TRUST_TOO_LARGE',
  /** A file that must be there is not. */
  'TRUST_MISSING',
  /** Another repository than the one that this device belongs to. */
  'TRUST_ANCHOR',
] as const;
export type TrustCode = (typeof TRUST_CODES)[number];

const WORDS: Readonly<Record<TrustCode, { message: string; remedy: string }>> = {
  TRUST_SIGNATURE: {
    message: 'The metadata is not signed by the keys that this device trusts',
    remedy: 'take the repository from its publisher again; if that helps not, tell the publisher',
  },
  TRUST_ROLLBACK: {
    message: 'The repository shows an older state than this device has seen',
    remedy: 'use a newer copy of the repository',
  },
  TRUST_EXPIRED: {
    message: 'The metadata has expired',
    remedy: 'use a newer copy of the repository; from a stick, --accept-expired REASON takes it on record',
  },
  TRUST_FROZEN: {
    message: 'The repository stands still: nothing in it was signed since what this device has',
    remedy: 'ask its publisher, or use another copy: somebody may be holding updates back',
  },
  TRUST_MISMATCH: {
    message: 'Parts of the repository do not belong together',
    remedy: 'copy the repository again as a whole',
  },
  TRUST_MALFORMED: {
    message: 'The metadata does not have the form of such metadata',
    remedy: 'copy the repository again from its publisher',
  },
  TRUST_TOO_LARGE: {
    message: 'A file of the repository is larger than it may be',
    remedy: 'copy the repository again from its publisher',
  },
  TRUST_MISSING: {
    message: 'A file of the repository is missing',
    remedy: 'copy the repository again as a whole',
  },
  TRUST_ANCHOR: {
    message: 'This is another repository than the one that this device belongs to',
    remedy: 'give the root that this device was set up with, or set it up anew',
  },
};

export interface TrustDetails {
  /** The file of the repository. */
  readonly file: string;
  readonly expected?: string;
  readonly received?: string;
  readonly cause?: unknown;
}

/** What is not trusted, and why. */
export class TrustError extends RefusedError {
  override readonly code: TrustCode;

  constructor(code: TrustCode, details: TrustDetails) {
    super(code, WORDS[code].message, { remedy: WORDS[code].remedy, ...details });
    this.name = 'TrustError';
    this.code = code;
  }
}

/** The project's error for one of the library's, or for whatever malformed input made it throw. */
export function trustFault(cause: unknown, file: string): SpikescopeError {
  if (cause instanceof SpikescopeError) return cause;
  const received = reasonOf(cause);
  return new TrustError(codeOf(cause), { file, received, cause });
}

function codeOf(cause: unknown): TrustCode {
  if (cause instanceof UnsignedMetadataError) return 'TRUST_SIGNATURE';
  if (cause instanceof LengthOrHashMismatchError) return 'TRUST_MISMATCH';
  if (cause instanceof ExpiredMetadataError) return 'TRUST_EXPIRED';
  // That the library means “other than named above”, not “older”, is told apart where it is called.
  if (cause instanceof BadVersionError) return 'TRUST_ROLLBACK';
  return 'TRUST_MALFORMED';
}
