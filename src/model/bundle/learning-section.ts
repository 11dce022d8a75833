/** What a bundle carries so that its head can learn on the device; a bundle without it cannot learn. */
import { z } from 'zod';
import { embeddingShape, MAXIMUM_PLACES } from '../embedding.ts';
import type { IntegerGraph } from '../graph.ts';
import { areWithin } from '../validate/within.ts';
import { ARRAYS } from './arrays.ts';

/** n cases of the model's own classes, pooled: no image can be made of them. */
export interface LabelledEmbeddings {
  /** n × features: sum of each channel over the places of the embedding. */
  readonly pooled: Int16Array;
  /** n × classes: what the factory head makes of them. */
  readonly potentials: Int32Array;
  /** Index of the true class. */
  readonly labels: Uint8Array;
}

export interface LearningSection {
  readonly version: 1;
  /** Channels of the embedding. */
  readonly features: number;
  /** The class of which no case may be missed for what was learned; null where there is none. */
  readonly watchedClass: string | null;
  /** Judges every update and is never learned from. */
  readonly guard: LabelledEmbeddings;
  /** Learned from together with the device's own cases, so that these do not displace what the factory knew. */
  readonly rehearsal: LabelledEmbeddings;
}

const set = z.strictObject({ pooled: ARRAYS.int16, potentials: ARRAYS.int32, labels: ARRAYS.uint8 });

export const learningSchema = z.strictObject({
  version: z.literal(1),
  features: z.int().min(1).max(65_536),
  watchedClass: z.string().nullable(),
  guard: set,
  rehearsal: set,
});

/** What does not fit the graph, in words; null when all does. */
export function learningProblem(
  { features, watchedClass, guard, rehearsal }: LearningSection,
  graph: IntegerGraph,
): string | null {
  const [rows, columns, channels] = embeddingShape(graph);
  if (features !== channels) return `${features} features for an embedding of ${channels} channels`;
  if (rows * columns > MAXIMUM_PLACES) return `an embedding of ${rows * columns} places`;
  if (watchedClass !== null && !graph.classes.includes(watchedClass)) {
    return `no class is named ${watchedClass}`;
  }
  const largest = 255 * rows * columns;
  for (const [name, { pooled, potentials, labels }] of Object.entries({ guard, rehearsal })) {
    const n = labels.length;
    if (n === 0) return `${name} is empty`;
    if (pooled.length !== n * features || potentials.length !== n * graph.classes.length) {
      return `${name} has ${n} labels for ${pooled.length} features and ${potentials.length} potentials`;
    }
    if (labels.some((label) => label >= graph.classes.length))
      return `${name} names a class that is not there`;
    if (!areWithin(pooled, 0, largest)) {
      return `${name} has a sum that no embedding makes`;
    }
  }
  return null;
}
