/** Documents as JSON, bounded before anything goes through them. */

/** Bytes of a document at most; what ships has fifty thousand. */
export const MAXIMUM_DOCUMENT_BYTES = 8 * 2 ** 20;
/** Values in a document at most, objects and lists included; a layer of a graph has about a hundred. */
export const MAXIMUM_VALUES = 2 ** 19;
/** Documents of this program nest less deep by far; what goes through one calls itself. */
export const MAXIMUM_DEPTH = 32;

/**
 * Why a document is more than any of this program's, in words; null where it is not. With plain loops: at a start this code
 * is cold, and what it would allocate costs more than what it looks at.
 */
export function excessOf(document: unknown): string | null {
  let seen = 0;
  const isModest = (value: unknown, depth: number): boolean => {
    if (++seen > MAXIMUM_VALUES) return false;
    if (typeof value !== 'object' || value === null) return true;
    if (depth >= MAXIMUM_DEPTH) return false;
    for (const key in value) if (!isModest(value[key as keyof typeof value], depth + 1)) return false;
    return true;
  };
  if (isModest(document, 0)) return null;
  return seen > MAXIMUM_VALUES
    ? `more than ${MAXIMUM_VALUES} values`
    : `values within values, more than ${MAXIMUM_DEPTH} deep`;
}
