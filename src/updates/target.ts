import { RefusedError } from '../errors.ts';
import type { FoundTarget } from './trust/find-target.ts';
import { findTarget } from './trust/find-target.ts';
import type { Refresh } from './trust/refresh.ts';

/** Algorithms that a target's bytes are held to; each that is named must agree. */
const ALGORITHMS = ['sha256', 'sha512'] as const;
export type HashAlgorithm = (typeof ALGORITHMS)[number];
/** Bytes of a target at most: far above an image of the application. */
const MAXIMUM_LENGTH = 8 * 2 ** 30;

/** A file that signed metadata answers for. */
export interface Target {
  /** Its name in the metadata, such as `stable/qana64-1.2.0.spikescope`. */
  readonly name: string;
  /** Bytes. */
  readonly length: number;
  /** Hexadecimal by algorithm; at least one. */
  readonly hashes: ReadonlyMap<HashAlgorithm, string>;
  /** Names of the folders and of the file below the repository. */
  readonly place: readonly string[];
  /** The role that answers for it. */
  readonly role: string;
  /** Identifiers of the keys that have signed it for that role. */
  readonly keys: readonly string[];
  /** What is signed with it, not yet looked at. */
  readonly custom: unknown;
}

/** @throws RefusedError `TARGET_UNKNOWN`, `TARGET_FORM`; `TRUST_*` @throws SpikescopeError `SOURCE_*` */
export async function targetOf(refresh: Refresh, name: string): Promise<Target> {
  const found = await findTarget(refresh, name);
  if (found !== null) return describeTarget(refresh, found);
  throw new RefusedError('TARGET_UNKNOWN', 'No role that may sign it answers for this target', {
    field: name,
    remedy: '`spikescope provision verify` lists what the repository has for this device',
  });
}

/** @throws RefusedError `TARGET_FORM` */
export function describeTarget({ set }: Refresh, { file, role }: FoundTarget): Target {
  const { path: name, length, custom } = file;
  const entries = Object.entries(file.hashes);
  const isKnown = (algorithm: string): algorithm is HashAlgorithm =>
    ALGORITHMS.some((each) => each === algorithm);
  const hashes = new Map<HashAlgorithm, string>();
  for (const [algorithm, hash] of entries) {
    if (!isKnown(algorithm)) throw misformed(name, `${ALGORITHMS.join(' or ')}`, algorithm);
    hashes.set(algorithm, hash);
  }
  const [first] = hashes.values();
  if (first === undefined || [...hashes.values()].some((hash) => !/^[0-9a-f]{64,128}$/.test(hash))) {
    throw misformed(name, 'a hash in hexadecimal', 'none');
  }
  if (!Number.isSafeInteger(length) || length > MAXIMUM_LENGTH) {
    throw misformed(name, `at most ${MAXIMUM_LENGTH} bytes`, `${length}`);
  }
  const folders = name.split('/');
  const base = folders.pop() ?? '';
  const stored = set.root.signed.consistentSnapshot ? `${first}.${base}` : base;
  return {
    name,
    length,
    hashes,
    place: ['targets', ...folders, stored],
    role,
    keys: set.targetSigners(role),
    custom,
  };
}

function misformed(field: string, expected: string, received: string): RefusedError {
  return new RefusedError(
    'TARGET_FORM',
    'The metadata describes a target in a way that cannot be relied on',
    {
      field,
      expected,
      received,
      remedy: 'tell the publisher of the repository',
    },
  );
}
