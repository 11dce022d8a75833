import { createHash } from 'node:crypto';
import type { RecordDraft } from '../../store/chain.ts';
import type { Correction } from './correction.ts';
import type { Example } from './teach.ts';

/** What a digest names. */
export interface HeadAndMemory {
  readonly correction: Correction;
  /** Cases confirmed on this device, replayed with each new one; pooled embeddings, no images. */
  readonly memory: readonly Example[];
}

/** What can be taken back: the head as it was before an update. */
export interface Earlier extends HeadAndMemory {
  /** Identifier of the case that was learned after it. */
  readonly caseId: string;
}

/** All that learning changes. Values, never altered in place: an earlier state can be taken up again as it was. */
export interface LearnedState extends HeadAndMemory {
  /** Newest last. */
  readonly history: readonly Earlier[];
  /** The journal's record of the change that led here; null for the factory head as it came. */
  readonly record: RecordDraft | null;
}

/** Updates that can be taken back. */
export const HISTORY_LENGTH = 64;
/** Cases in the memory: 2 KiB each at most with 1,000 features, about 0.3 MB with 256. */
export const MEMORY_LENGTH = 512;

/** SHA-256 in hexadecimal over the bundle it belongs to, the head and the memory. */
export function headDigest(bundle: string, { correction, memory }: HeadAndMemory): string {
  const { classes, factoryClasses, benign, features, weights, shift, bias } = correction;
  const hash = createHash('sha256');
  const stated = benign.length > 0 ? [benign] : [];
  hash.update(JSON.stringify([bundle, classes, factoryClasses, features, shift, memory.length, ...stated]));
  for (const array of [weights, bias]) hash.update(bytesOf(array));
  for (const { pooled, potentials, label } of memory) {
    hash.update(bytesOf(pooled)).update(bytesOf(potentials)).update(Uint8Array.of(label));
  }
  return hash.digest('hex');
}

function bytesOf(array: Int16Array | Int32Array): Uint8Array {
  return new Uint8Array(array.buffer, array.byteOffset, array.byteLength);
}

/**
 * The memory with one more case. A full memory forgets one of its most frequent class, drawn by chance, so that rare
 * classes stay.
 * @param random uniform in [0, 1)
 */
export function remembering(
  memory: readonly Example[],
  example: Example,
  random: () => number = Math.random,
  capacity = MEMORY_LENGTH,
): Example[] {
  const all = [...memory, example];
  if (all.length <= capacity) return all;
  const counts = new Map<number, number>();
  for (const { label } of all) counts.set(label, (counts.get(label) ?? 0) + 1);
  const most = Math.max(...counts.values());
  const crowded = memory.map(({ label }, i) => (counts.get(label) === most ? i : -1)).filter((i) => i >= 0);
  // Where only the new case makes its class the most frequent, and is alone in it, any old case may go.
  const candidates = crowded.length > 0 ? crowded : [...memory.keys()];
  all.splice(candidates[Math.floor(random() * candidates.length)], 1);
  return all;
}
