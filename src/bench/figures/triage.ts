/** What triage is worth, as figures beside what was wanted of it. */
import type { EvaluationDocument } from '../../evaluation/document.ts';
import type { Estimate } from '../../statistics/shares.ts';
import { type Figure, formatted, notMeasured } from './figure.ts';

type Unit = 'share' | 'ratio';

/** Wanted on the test split alone: on validation the threshold was chosen. */
const WANTED = { auc: 0.93, sensitivity: 0.94, specificity: 0.58, watchedRoutine: 0.06 } as const;

export function triageFigures(validation: EvaluationDocument, test: EvaluationDocument): Figure[] {
  if (test.triage === null) {
    return [notMeasured('triage', 'Triage', 'share', 'the bundle has no rule for it')];
  }
  return [...figuresOn('validation', validation), ...figuresOn('test', test)];
}

function figuresOn(split: 'validation' | 'test', { triage }: EvaluationDocument): Figure[] {
  if (triage === null) return [];
  const { auc, overall, watched, withheld } = triage;
  const isTest = split === 'test';
  const figure = (name: string, estimate: Estimate, unit: Unit, bounds: Partial<Figure> = {}): Figure => ({
    ...{ subject: 'triage', name: `${name}, ${split}`, value: estimate.value, unit },
    ...(isTest && bounds),
    remark: intervalText(estimate, unit),
  });
  return [
    figure('AUC, malignant against benign', auc, 'ratio', { minimum: WANTED.auc }),
    figure('Malignant referred', overall.sensitivity, 'share', { minimum: WANTED.sensitivity }),
    ...(watched === null ? [] : [figure(`${watched} referred`, overall.watchedSensitivity, 'share')]),
    figure('Benign spared', overall.specificity, 'share', { minimum: WANTED.specificity }),
    figure('Malignant called routine', overall.malignantRoutine, 'share'),
    ...(watched === null
      ? []
      : [
          figure(`${watched} called routine`, overall.watchedRoutine, 'share', {
            maximum: WANTED.watchedRoutine,
          }),
        ]),
    figure('Benign names withheld', withheld.all, 'share'),
  ];
}

function intervalText({ low, high }: Estimate, unit: Unit): string {
  if (low === null || high === null) return 'no lesion of the kind';
  return `95 % by lesion: ${formatted({ value: low, unit })} … ${formatted({ value: high, unit })}`;
}
