import { createHash } from 'node:crypto';
import type { IntegerGraph } from './graph.ts';

/**
 * SHA-256 in hexadecimal of an integer graph, whatever else is in its bundle and whatever the order of members: what was
 * compiled from a graph belongs to graphs of the same digest.
 */
export function graphDigest(graph: IntegerGraph): string {
  const hash = createHash('sha256');
  const text = JSON.stringify(graph, (_, value: unknown) => {
    if (ArrayBuffer.isView(value)) {
      hash.update(new Uint8Array(value.buffer, value.byteOffset, value.byteLength));
      return { type: value.constructor.name, bytes: value.byteLength };
    }
    if (typeof value !== 'object' || value === null || Array.isArray(value)) return value;
    return Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)));
  });
  return hash.update(text).digest('hex');
}
