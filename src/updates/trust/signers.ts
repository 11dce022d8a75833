import type { Key, Metadata, Root, Snapshot, Targets, Timestamp } from '@tufjs/models';

/** Of some keys the identifiers of those that have signed a document. */
export function signersOf(
  metadata: Metadata<Root | Snapshot | Targets | Timestamp>,
  keyIDs: readonly string[],
  keys: Readonly<Record<string, Key>>,
): string[] {
  return keyIDs.filter((id) => {
    try {
      keys[id]?.verifySignature(metadata);
      return Object.hasOwn(keys, id);
    } catch {
      return false;
    }
  });
}
