import { createHash } from 'node:crypto';
import type { ModelContents } from './bundle/bundle.ts';
import { type GraphNode, INPUT_NAME } from './graph.ts';

/** What of a node is no integer that an engine computes with: names for people, and real values of integer steps. */
const BESIDE_THE_INTEGERS = ['sources', 'weightScales', 'scale', 'function'];
/** Members that name tensors. */
const REFERENCES = ['name', 'input', 'inputs', 'gate'];

/**
 * SHA-256 in hexadecimal of all that makes an embedding of an image: two models of the same digest make the same integers of
 * the same square, whatever their heads, thresholds and the names of their nodes. Where a square is looked for by saliency
 * the head has a say in which it is: that is another view of the lesion, not another embedding.
 */
export function embeddingDigest({
  graph,
  preprocessing,
  light,
}: Pick<ModelContents, 'graph' | 'preprocessing' | 'light'>): string {
  const { quality: _, ...seen } = preprocessing;
  const hash = createHash('sha256');
  const places = new Map([INPUT_NAME, ...graph.nodes.map(({ name }) => name)].map((name, i) => [name, i]));
  const plain = (value: unknown): unknown => {
    if (ArrayBuffer.isView(value)) {
      hash.update(new Uint8Array(value.buffer, value.byteOffset, value.byteLength));
      return [value.constructor.name, value.byteLength];
    }
    if (typeof value !== 'object' || value === null) return value;
    return Array.isArray(value) ? value.map(plain) : membersOf(value, plain);
  };
  const node = (each: GraphNode) =>
    membersOf(each, plain, (name, value) =>
      REFERENCES.includes(name) ? [value].flat().map((tensor) => places.get(String(tensor))) : plain(value),
    );
  const { input, nodes, head } = graph;
  const text = [plain(input), nodes.map(node), places.get(head.input), plain(seen), plain(light ?? null)];
  return hash.update(JSON.stringify(text)).digest('hex');
}

/** In an order of their own, so that the order in which they were written does not count. */
function membersOf(
  object: object,
  plain: (value: unknown) => unknown,
  member: (name: string, value: unknown) => unknown = (_, value) => plain(value),
): unknown[] {
  return Object.entries(object)
    .filter(([name, value]) => !BESIDE_THE_INTEGERS.includes(name) && value !== undefined)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, value]) => [name, member(name, value)]);
}
