/** Documents as JSON, bounded before anything goes through them. */

/** Bytes of a document at most; what ships has fifty thousand. */
export const MAXIMUM_DOCUMENT_BYTES = 8 * 2 ** 20;
/** Values in a document at most, objects and lists included; a layer of a graph has about a hundred. */
export const MAXIMUM_VALUES = 2 ** 19;
/** Documents of this program nest less deep by far; what goes through one calls itself. */
export const MAXIMUM_DEPTH = 32;

/** Why a document is more than any of this program's, in words; null where it is not. */
export function excessOf(document: unknown): string | null {
  const waiting: [value: unknown, depth: number][] = [[document, 0]];
  let seen = 0;
  for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
    const [value, depth] = next;
    if (++seen + waiting.length > MAXIMUM_VALUES) return `more than ${MAXIMUM_VALUES} values`;
    if (typeof value !== 'object' || value === null) continue;
    if (depth >= MAXIMUM_DEPTH) return `values within values, more than ${MAXIMUM_DEPTH} deep`;
    for (const item of Object.values(value)) waiting.push([item, depth + 1]);
  }
  return null;
}
