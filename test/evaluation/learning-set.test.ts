import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { learningSectionOf } from '../../src/evaluation/calibration/learning-set.ts';
import type { PooledViews } from '../../src/evaluation/calibration/views.ts';
import { classTableOf } from '../../src/model/bundle/class-table.ts';
import { learningProblem } from '../../src/model/bundle/learning-section.ts';
import { CLASSES, drawCase, FEATURES, learnableBundle } from '../support/learnable.ts';
import { Random } from '../support/random.ts';

const { graph } = learnableBundle();

/** Images of every class, two of each lesion; every image has embeddings of its own. */
function views(perClass: number): PooledViews[] {
  const random = new Random(perClass);
  return CLASSES.flatMap((name, label) =>
    Array.from({ length: perClass }, (_, i) => {
      const { pooled, potentials } = drawCase(random, label);
      const view = { whole: potentials, tiled: potentials, pooled };
      const sample = {
        imageId: `${name}-${i}`,
        lesionId: `lesion-${name}-${Math.floor(i / 2)}`,
        file: `${name}-${i}.jpg`,
        label,
        split: 'val' as const,
      };
      return { sample, centred: view, cropped: view };
    }),
  );
}

const key = (pooled: Int16Array) => [...pooled].join(',');
function rowsOf(pooled: Int16Array): string[] {
  return Array.from({ length: pooled.length / FEATURES }, (_, i) =>
    key(pooled.subarray(i * FEATURES, (i + 1) * FEATURES)),
  );
}

describe('what calibration chooses for learning', () => {
  it('is class-balanced, bounded, fits the graph, and has no lesion on both sides', () => {
    const all = views(200);
    const section = learningSectionOf(graph, all, false);
    if (section === null) throw new Error('nothing was chosen');
    expect(learningProblem(section, graph)).toBeNull();
    expect(section.watchedClass).toBe('mel');
    for (const [set, each] of [
      [section.guard, 100],
      [section.rehearsal, 24],
    ] as const) {
      const counts = CLASSES.map((_, c) => set.labels.filter((label) => label === c).length);
      expect(counts).toEqual(CLASSES.map(() => each));
    }
    const lesionOf = new Map(all.map(({ sample, centred }) => [key(centred.pooled), sample.lesionId]));
    const guarded = new Set(rowsOf(section.guard.pooled).map((row) => lesionOf.get(row)));
    const rehearsed = rowsOf(section.rehearsal.pooled).map((row) => lesionOf.get(row));
    expect(rehearsed.some((lesion) => guarded.has(lesion))).toBe(false);
    expect(guarded.has(undefined)).toBe(false);
  });

  it('does not depend on the order of the images of different lesions', () => {
    const all = views(40);
    const lesionOf = ({ sample }: PooledViews) => sample.lesionId ?? '';
    const turned = [...all].sort((a, b) => lesionOf(b).localeCompare(lesionOf(a)));
    expect(learningSectionOf(graph, turned, false)).toEqual(learningSectionOf(graph, all, false));
  });

  it('watches the class that the table says, and none where it says none; all else stays the same', () => {
    const all = views(40);
    const known = learningSectionOf(graph, all, false);
    expect(known?.watchedClass).toBe('mel');
    const classTable = {
      version: 1 as const,
      classes: [{ code: 'two', names: { en: 'two' }, risk: 'malignant' as const, watched: true as const }],
    };
    const told = learningSectionOf(graph, all, false, classTableOf({ graph, classTable }));
    expect(told).toEqual({ ...known, watchedClass: 'two' });
    expect(learningSectionOf(graph, all, false, new Map())).toEqual({ ...known, watchedClass: null });
  });

  it('watches `mel` of any selection of HAM10000’s classes that has it, as bundles without a table always did', () => {
    const seven = ['akiec', 'bcc', 'bkl', 'df', 'mel', 'nv', 'vasc'];
    fc.assert(
      fc.property(
        fc.shuffledSubarray([...seven, 'scar', 'other'], { minLength: 4, maxLength: 4 }),
        (classes) => {
          const section = learningSectionOf({ ...graph, classes }, views(6), false);
          expect(section?.watchedClass).toBe(classes.includes('mel') ? 'mel' : null);
        },
      ),
      { numRuns: 30 },
    );
  });

  it('is nothing where one of the two sets would be empty', () => {
    expect(learningSectionOf(graph, views(2), false)).toBeNull();
  });
});
