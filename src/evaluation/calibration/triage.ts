/** The rule of triage for a bundle, chosen on a split that the network never learned from. */
import {
  type ClassTable,
  isMalignantOrPremalignant,
  watchedClassOf,
} from '../../model/bundle/class-table.ts';
import type { TriageSection } from '../../model/bundle/triage-section.ts';
import { malignancyOf } from '../../runtime/inference/triage.ts';
import type { Prediction } from '../../statistics/prediction.ts';
import { percentileInterval, RESAMPLING, resamplesOf } from '../../statistics/resampling.ts';
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
  const shareOf = (members: readonly boolean[], hits: readonly boolean[]) =>
    shareWithInterval(predictions, members, hits);
  return {
    version: 1,
    score: 'sum',
    malignant,
    threshold,
    method: 'conformal-risk-control',
    sensitivity,
    lesions: { malignant: lesions.malignant, watched: watched === null ? null : lesions.watched },
    expected: {
      sensitivity: shareOf(isMalignant, isReferred),
      watchedSensitivity: watched === null ? null : shareOf(isWatched, isReferred),
      specificity: shareOf(
        isMalignant.map((is) => !is),
        isReferred.map((is) => !is),
      ),
    },
  };
}

/** Share of hits among the members, with its bootstrap interval over lesions; 0…1 where there is no member. */
function shareWithInterval(
  predictions: readonly Prediction[],
  members: readonly boolean[],
  hits: readonly boolean[],
): TriageSection['expected']['specificity'] {
  const shareBy = (weightOf: (image: number) => number): number | null => {
    let [among, hit] = [0, 0];
    members.forEach((isMember, image) => {
      if (!isMember) return;
      among += weightOf(image);
      if (hits[image]) hit += weightOf(image);
    });
    return among === 0 ? null : hit / among;
  };
  const value = shareBy(() => 1);
  if (value === null) return { value: 0, low: 0, high: 1 };
  const resampled: (number | null)[] = [];
  for (const weights of resamplesOf(predictions, RESAMPLING)) resampled.push(shareBy((i) => weights[i]));
  const [low, high] = percentileInterval(resampled, RESAMPLING.level) ?? [0, 1];
  return { value, low, high };
}
