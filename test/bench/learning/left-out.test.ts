/** A bundle and images without a class, as far as learning looks at them. */
import { describe, expect, it } from 'vitest';
import { bundleWithout, imageWithout } from '../../../src/bench/learning/left-out.ts';
import { learningProblem } from '../../../src/model/bundle/learning-section.ts';
import { HoldOut } from '../../../src/runtime/learning/hold-out.ts';
import { CLASSES, FEATURES, learnableBundle } from '../../support/learnable.ts';

describe('a class that is left out', () => {
  const bundle = learnableBundle();
  const { learning } = bundle;
  if (learning === undefined) throw new Error('The bundle cannot learn');

  it.each([...CLASSES.keys()])('leaves a section that fits the rest (class %i)', (index) => {
    const without = bundleWithout(bundle, index);
    const section = without.learning;
    if (section === undefined) throw new Error('It cannot learn any more');
    expect(without.graph.classes).toEqual(CLASSES.filter((_, c) => c !== index));
    expect(learningProblem(section, without.graph)).toBeNull();
    expect(section.watchedClass).toBe(CLASSES[index] === 'mel' ? null : 'mel');
    expect(without.triage?.malignant ?? []).not.toContain(CLASSES[index]);
    expect(() => new HoldOut(without, section)).not.toThrow();
  });

  it('takes its cases and its potentials, and nothing else', () => {
    const index = 1;
    const { guard } = bundleWithout(bundle, index).learning ?? learning;
    const kept = [...learning.guard.labels.keys()].filter((i) => learning.guard.labels[i] !== index);
    expect(guard.labels).toHaveLength(kept.length);
    for (const [at, i] of kept.entries()) {
      const rows = <Row extends Int16Array | Int32Array>(values: Row, row: number, width: number) => [
        ...values.subarray(row * width, (row + 1) * width),
      ];
      expect(rows(guard.pooled, at, FEATURES)).toEqual(rows(learning.guard.pooled, i, FEATURES));
      expect(rows(guard.potentials, at, CLASSES.length - 1)).toEqual(
        rows(learning.guard.potentials, i, CLASSES.length).filter((_, c) => c !== index),
      );
      expect(guard.labels[at]).toBe(learning.guard.labels[i] - (learning.guard.labels[i] > index ? 1 : 0));
    }
  });

  it('has no potential in an image', () => {
    const headInput = { pooled: Int16Array.of(1, 2), potentials: Int32Array.of(10, 20, 30) };
    const image = { imageId: 'a', lesionId: 'b', dx: 'c', site: 'd', split: 'val', headInput };
    expect(imageWithout(image, 1).headInput).toEqual({ ...headInput, potentials: Int32Array.of(10, 30) });
  });
});
