/** Whether the learned head may be used: judged on cases of the bundle that nothing is ever learned from. */
import type { LabelledEmbeddings, LearningSection } from '../../model/bundle/learning-section.ts';
import { largestIndex } from '../inference/readout.ts';
import { type Correction, correctedPotentials } from './correction.ts';

/** How much either figure may lie below the factory head's: one point. */
export const TOLERANCE = 0.01;

/** On the hold-out set (`guard` in the bundle), of the class with the largest potential; 0…1. */
export interface HoldOutFigures {
  /** Mean recall of the classes that have cases. */
  readonly balancedAccuracy: number;
  /** Recall of the watched class; null where none is watched or it has no case. */
  readonly sensitivity: number | null;
}

/** The case `index` of a set. */
export function caseOf(set: LabelledEmbeddings, index: number, features: number) {
  const classes = set.potentials.length / set.labels.length;
  return {
    pooled: set.pooled.subarray(index * features, (index + 1) * features),
    potentials: set.potentials.subarray(index * classes, (index + 1) * classes),
    label: set.labels[index],
  };
}

export function holdOutFigures(
  { guard, features, watchedClass }: LearningSection,
  correction: Correction,
): HoldOutFigures {
  const counts = new Map<number, { cases: number; right: number }>();
  for (let i = 0; i < guard.labels.length; i++) {
    const { pooled, potentials, label } = caseOf(guard, i, features);
    const winner = largestIndex(correctedPotentials(correction, potentials, pooled));
    const { cases, right } = counts.get(label) ?? { cases: 0, right: 0 };
    counts.set(label, { cases: cases + 1, right: right + Number(winner === label) });
  }
  const recalls = [...counts].map(([label, { cases, right }]) => ({ label, recall: right / cases }));
  const watched = recalls.find(({ label }) => correction.classes[label] === watchedClass);
  return {
    balancedAccuracy: recalls.reduce((sum, { recall }) => sum + recall, 0) / recalls.length,
    sensitivity: watched?.recall ?? null,
  };
}

/**
 * Why a head must not be used, in words for a person; null when it may. The comparison is with the factory head, not with
 * the head before, so that many small losses do not add up.
 */
export function gateCheck(
  factory: HoldOutFigures,
  learned: HoldOutFigures,
  watchedClass: string | null,
): string | null {
  const faults = [
    fault('balanced accuracy', factory.balancedAccuracy, learned.balancedAccuracy),
    fault(`sensitivity for ${watchedClass}`, factory.sensitivity, learned.sensitivity),
  ].filter((each) => each !== null);
  return faults.length === 0
    ? null
    : `on the guard set ${faults.join(' and ')}; at most ${percent(TOLERANCE)} below the factory head is allowed`;
}

function fault(what: string, factory: number | null, learned: number | null): string | null {
  if (factory === null || learned === null || learned >= factory - TOLERANCE) return null;
  return `${what} would be ${percent(learned)} instead of ${percent(factory)}`;
}

function percent(share: number): string {
  return `${(100 * share).toFixed(1)} %`;
}
