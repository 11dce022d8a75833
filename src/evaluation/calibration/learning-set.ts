/** Chooses of a validation split what the bundle carries for learning on the device. */
import { createHash } from 'node:crypto';
import type { Sample } from '../../dataset/dataset.ts';
import { type ClassTable, classTableOf, watchedClassOf } from '../../model/bundle/class-table.ts';
import type { LabelledEmbeddings, LearningSection } from '../../model/bundle/learning-section.ts';
import { embeddingShape, MAXIMUM_PLACES } from '../../model/embedding.ts';
import type { IntegerGraph } from '../../model/graph.ts';
import type { PooledView } from './views.ts';

/**
 * Images of a class at most. One image of a full guard set is one point of the class's recall, the most that the gate lets
 * be lost. With seven classes and 256 channels at most 470 kB together.
 */
const LARGEST = { guard: 100, rehearsal: 24 } as const;

/** What of `PooledViews` is needed here. */
export interface LabelledViews {
  readonly sample: Pick<Sample, 'imageId' | 'label' | 'lesionId'>;
  readonly centred: Pick<PooledView, 'whole' | 'pooled'>;
  readonly cropped: Pick<PooledView, 'whole' | 'pooled'>;
}

/**
 * Class-balanced as far as the split goes: of each class every third lesion for rehearsal until that is full, all others for
 * the guard set, in an order that only depends on their names, so that no lesion is in both. Null where pooled embeddings do
 * not fit the format or a set would be empty.
 * @param table says which class is watched
 */
export function learningSectionOf(
  graph: IntegerGraph,
  views: readonly LabelledViews[],
  cropped: boolean,
  table: ClassTable = classTableOf({ graph }),
): LearningSection | null {
  const [rows, columns, features] = embeddingShape(graph);
  if (rows * columns > MAXIMUM_PLACES || graph.classes.length > 256) return null;
  const chosen = { guard: [] as LabelledViews[], rehearsal: [] as LabelledViews[] };
  graph.classes.forEach((_, c) => {
    const lesions = lesionsOf(views.filter(({ sample }) => sample.label === c));
    const guard: LabelledViews[] = [];
    const rehearsal: LabelledViews[] = [];
    lesions.forEach((images, i) => {
      const isThird = i % 3 === 2 && rehearsal.length < LARGEST.rehearsal;
      (isThird ? rehearsal : guard).push(...images);
    });
    chosen.guard.push(...guard.slice(0, LARGEST.guard));
    chosen.rehearsal.push(...rehearsal.slice(0, LARGEST.rehearsal));
  });
  if (chosen.guard.length === 0 || chosen.rehearsal.length === 0) return null;
  const setOf = (members: readonly LabelledViews[]): LabelledEmbeddings => {
    const seen = members.map(({ centred, cropped: crop }) => (cropped ? crop : centred));
    return {
      pooled: Int16Array.from(seen.flatMap(({ pooled }) => [...pooled])),
      potentials: Int32Array.from(seen.flatMap(({ whole }) => [...whole])),
      labels: Uint8Array.from(members, ({ sample }) => sample.label),
    };
  };
  return {
    version: 1,
    features,
    watchedClass: watchedClassOf(table),
    guard: setOf(chosen.guard),
    rehearsal: setOf(chosen.rehearsal),
  };
}

/** The images of each lesion, lesions in an order that has nothing to do with how the data set was collected. */
function lesionsOf(views: readonly LabelledViews[]): LabelledViews[][] {
  const lesions = new Map<string, LabelledViews[]>();
  for (const view of views) {
    const name = view.sample.lesionId ?? view.sample.imageId;
    lesions.set(name, [...(lesions.get(name) ?? []), view]);
  }
  const keyOf = (name: string) => createHash('sha256').update(name).digest('hex');
  return [...lesions]
    .map(([name, members]) => ({ key: keyOf(name), members }))
    .sort((a, b) => (a.key < b.key ? -1 : 1))
    .map(({ members }) => members);
}
