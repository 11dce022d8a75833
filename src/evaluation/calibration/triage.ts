/** The rule of triage for a bundle, chosen on a split that the network never learned from. */
import {
  type ClassTable,
  isMalignantOrPremalignant,
  watchedClassOf,
} from '../../model/bundle/class-table.ts';
import type { TriageSection } from '../../model/bundle/triage-section.ts';
import { malignancyOf } from '../../runtime/inference/triage.ts';
import type { Prediction } from '../../statistics/prediction.ts';
import { type Share, sharesOf } from '../../statistics/shares.ts';
import { type Malignancy, triageThreshold } from './triage-threshold.ts';

/** What a threshold keeps of malignant lesions, and of those of the watched class alone, unless told otherwise. */
export const TRIAGE_SENSITIVITY = 0.95;

/**
 * @param predictions as the device will make them
 * @returns null where the table knows no class that is to be referred, or none that is not
 */
export function fitTriage(
  classes: readonly string[],
  predictions: readonly Prediction[],
  table: ClassTable,
  sensitivity = TRIAGE_SENSITIVITY,
): TriageSection | null {
  const malignant = classes.filter((name) => isMalignantOrPremalignant(table, name));
  if (malignant.length === 0 || malignant.length === classes.length) return null;
  const watched = watchedClassOf(table);
  const scores = predictions.map(({ probabilities }) =>
    malignancyOf({ malignant }, classes, probabilities, { factoryClasses: classes, table }),
  );
  const isMalignant = predictions.map(({ label }) => malignant.includes(classes[label]));
  const isWatched = predictions.map(({ label }) => classes[label] === watched);
  const groupOf = (members: readonly boolean[]): Malignancy[] =>
    predictions.flatMap(({ group }, i) => (members[i] ? [{ score: scores[i], lesionId: group }] : []));
  const groups = {
    malignant: groupOf(isMalignant),
    ...(watched !== null && { watched: groupOf(isWatched) }),
  };
  const { threshold, lesions } = triageThreshold(groups, sensitivity);
  const isReferred = scores.map((score) => score >= threshold);
  const [found, watchedFound, spared] = sharesOf(predictions, [
    { among: (i) => isMalignant[i], holds: (i) => isReferred[i] },
    { among: (i) => isWatched[i], holds: (i) => isReferred[i] },
    { among: (i) => !isMalignant[i], holds: (i) => !isReferred[i] },
  ]);
  return {
    version: 1,
    score: 'sum',
    malignant,
    threshold,
    method: 'conformal-risk-control',
    sensitivity,
    lesions: { malignant: lesions.malignant, watched: watched === null ? null : lesions.watched },
    expected: {
      sensitivity: figureOf(found),
      watchedSensitivity: watched === null ? null : figureOf(watchedFound),
      specificity: figureOf(spared),
    },
  };
}

/** Nothing is known of a share without an image: it lies anywhere. */
function figureOf({ value, low, high }: Share): TriageSection['expected']['specificity'] {
  return { value: value ?? 0, low: low ?? 0, high: high ?? 1 };
}
