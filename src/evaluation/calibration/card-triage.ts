/** What the card says of triage: its operating point, what that is worth, and on whom this was measured. */
import type { Sample } from '../../dataset/dataset.ts';
import type { CardTriage } from '../../model/bundle/card.ts';
import { type ClassTable, watchedClassOf } from '../../model/bundle/class-table.ts';
import type { TriageSection } from '../../model/bundle/triage-section.ts';
import { malignancyOf, triageOf } from '../../runtime/inference/triage.ts';
import type { Prediction } from '../../statistics/prediction.ts';
import type { Estimate } from '../../statistics/shares.ts';
import { type JudgedCase, UNKNOWN } from '../triage/case.ts';
import { ATTRIBUTES, NOT_KNOWN } from '../triage/groups.ts';
import { ratesOf } from '../triage/rates.ts';

export interface CardTriageContext {
  readonly classes: readonly string[];
  readonly table: ClassTable;
  /** Individual typology angles by image identifier. */
  readonly skinTones?: ReadonlyMap<string, number>;
}

/**
 * The groups are those that were measured; of images of which something is not known the card says nothing.
 * @param predictions of the samples, in their order, as the device will make them
 */
export function cardTriageOf(
  rule: TriageSection,
  samples: readonly Sample[],
  predictions: readonly Prediction[],
  context: CardTriageContext,
): Omit<CardTriage, 'split'> {
  const { groups } = ratesOf(judgedCases(rule, samples, predictions, context));
  const { threshold, sensitivity: promised, expected } = rule;
  return {
    ...{ threshold, promised, ...expected },
    groups: ATTRIBUTES.flatMap((attribute) =>
      groups[attribute]
        .filter(({ name }) => name !== NOT_KNOWN)
        .map(({ name, sensitivity, watchedSensitivity, specificity }) => ({
          ...{ attribute, name, malignant: sensitivity.images, benign: specificity.images },
          sensitivity: figureOf(sensitivity),
          watchedSensitivity: figureOf(watchedSensitivity),
          specificity: figureOf(specificity),
        })),
    ),
  };
}

function judgedCases(
  rule: TriageSection,
  samples: readonly Sample[],
  predictions: readonly Prediction[],
  { classes, table, skinTones }: CardTriageContext,
): JudgedCase[] {
  const watched = watchedClassOf(table);
  return samples.map(({ imageId, label, lesionId, attributes = UNKNOWN }, i) => {
    const context = { factoryClasses: classes, table };
    const malignancy = malignancyOf(rule, classes, predictions[i].probabilities, context);
    return {
      group: lesionId,
      isMalignant: rule.malignant.includes(classes[label]),
      isWatched: classes[label] === watched,
      triage: triageOf(rule, malignancy, true),
      attributes,
      skinTone: skinTones?.get(imageId) ?? null,
    };
  });
}

function figureOf({ value, low, high }: Estimate): CardTriage['groups'][number]['sensitivity'] {
  return value === null || low === null || high === null ? null : { value, low, high };
}
