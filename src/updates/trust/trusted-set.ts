import type { Metadata, Root, Snapshot, Targets, Timestamp } from '@tufjs/models';
import { BadVersionError, EqualVersionError, RepositoryError } from 'tuf-js/dist/error.js';
import { TrustedMetadataStore } from 'tuf-js/dist/store.js';
import { TrustError, trustFault } from './faults.ts';
import { checkForm } from './form.ts';
import { signersOf } from './signers.ts';

/** Private to the library, which offers no other way to a clock. */
const CLOCK = 'referenceTime';

/**
 * What is trusted in the course of one update: tuf-js checks each document against those before it, in the order that The
 * Update Framework gives (§5.3 to §5.6 of its specification). Around it: a clock that is given, forms that the library does
 * not look at, and errors with a code and the file that they are about.
 */
export class TrustedSet {
  readonly #store: TrustedMetadataStore;

  /** @throws TrustError when the root is none or does not sign itself */
  constructor(root: Uint8Array, file = 'root.json') {
    checkForm(root, file);
    this.#store = guarded(file, () => new TrustedMetadataStore(Buffer.from(root)));
  }

  /** The time by which expiry is judged from now on. */
  setTime(time: Date): void {
    if (!(Reflect.get(this.#store, CLOCK) instanceof Date)) {
      throw new TypeError('tuf-js keeps its time elsewhere in this version');
    }
    Reflect.set(this.#store, CLOCK, time);
  }

  get root(): Metadata<Root> {
    return this.#store.root;
  }

  get timestamp(): Metadata<Timestamp> | undefined {
    return this.#store.timestamp;
  }

  get snapshot(): Metadata<Snapshot> | undefined {
    return this.#store.snapshot;
  }

  targetsOf(role: string): Targets | undefined {
    return this.#store.getRole(role)?.signed;
  }

  /** Identifiers of the keys that have signed what is trusted of a role that lists targets, and may. */
  targetSigners(role: string): string[] {
    const metadata = this.#store.getRole(role);
    if (metadata === undefined) return [];
    const { signed } = this.root;
    const delegations = this.targetsOf('targets')?.delegations;
    const isTop = role === 'targets';
    const keys = (isTop ? signed.keys : delegations?.keys) ?? {};
    const keyIDs = (isTop ? signed.roles.targets : delegations?.roles?.[role])?.keyIDs ?? [];
    return signersOf(metadata, keyIDs, keys);
  }

  updateRoot(bytes: Uint8Array, file: string): void {
    checkForm(bytes, file);
    guarded(file, () => {
      try {
        this.#store.updateRoot(Buffer.from(bytes));
      } catch (error) {
        // Of a root it means that the file holds another version than its name says.
        throw error instanceof BadVersionError ? mismatch(file, error) : error;
      }
    });
  }

  /** @returns whether it is newer than what was trusted before */
  updateTimestamp(bytes: Uint8Array, file: string): boolean {
    checkForm(bytes, file);
    return guarded(file, () => {
      try {
        this.#store.updateTimestamp(Buffer.from(bytes));
        return true;
      } catch (error) {
        if (error instanceof EqualVersionError) return false;
        throw error;
      }
    });
  }

  /** @param isLocal whether it was trusted before: it is then not held against the hash that the timestamp names */
  updateSnapshot(bytes: Uint8Array, file: string, isLocal = false): void {
    checkForm(bytes, file);
    guarded(file, () => {
      try {
        this.#store.updateSnapshot(Buffer.from(bytes), isLocal);
      } catch (error) {
        const isOther = error instanceof BadVersionError && error.message.includes("doesn't match timestamp");
        throw isOther ? mismatch(file, error) : error;
      }
    });
  }

  /** @param delegator whose delegation lets this role sign */
  updateTargets(bytes: Uint8Array, file: string, role: string, delegator: string): void {
    checkForm(bytes, file);
    guarded(file, () => {
      try {
        this.#store.updateDelegatedTargets(Buffer.from(bytes), role, delegator);
      } catch (error) {
        throw error instanceof BadVersionError ? mismatch(file, error) : error;
      }
    });
  }
}

function mismatch(file: string, cause: Error): TrustError {
  return new TrustError('TRUST_MISMATCH', { file, received: cause.message, cause });
}

function guarded<T>(file: string, action: () => T): T {
  try {
    return action();
  } catch (error) {
    throw trustFault(isRemoval(error) ? rollback(file, error) : error, file);
  }
}

/** A role that the snapshot before had, and this one has no more. */
function isRemoval(error: unknown): error is Error {
  return error instanceof RepositoryError && /^Missing file .+ in new snapshot$/.test(error.message);
}

function rollback(file: string, cause: Error): TrustError {
  return new TrustError('TRUST_ROLLBACK', { file, received: cause.message, cause });
}
