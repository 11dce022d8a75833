import { printable } from '../../errors.ts';
import type { Choice } from '../../evaluation/calibration/calibrate.ts';
import type { CalibrationDocument } from '../../evaluation/calibration/document.ts';
import type { TriageSection } from '../../model/bundle/triage-section.ts';
import { fixed, percent } from '../../report/page.ts';
import { colour } from '../../ui/terminal/console.ts';
import { counted } from '../../ui/terminal/layout.ts';
import { tableLines } from '../../ui/terminal/table.ts';

/** What was fitted and decided, for people, as lines. */
export function calibrationLines(document: CalibrationDocument): string[] {
  const { model, dataset, split, n, before, after, crop, tiling, thresholds, written } = document;
  return [
    colour.bold(
      printable(
        `${model.name} ${model.version}, fitted on ${counted(n, 'image')} of ${dataset.name}, ${split}`,
      ),
    ),
    '',
    ...tableLines([
      ['', 'plain softmax', 'fitted'].map(colour.dim),
      ['α', before.alpha.toExponential(4), after.alpha.toExponential(4)],
      ['ECE', fixed(before.ece, 4), colour.bold(fixed(after.ece, 4))],
      [
        'Negative log-likelihood',
        fixed(before.negativeLogLikelihood, 4),
        fixed(after.negativeLogLikelihood, 4),
      ],
    ]),
    '',
    ...tableLines([
      ['', 'Top-1 without', 'with', 'macro F1 without', 'with', 'default'].map(colour.dim),
      choiceRow('Saliency crop', crop),
      choiceRow('Tiling when unsure', tiling),
    ]),
    '',
    ...tableLines([
      ['class', 'threshold', 'sensitivity'].map(colour.dim),
      ...Object.entries(thresholds).map(([name, { threshold, sensitivity }]) => [
        printable(name),
        fixed(threshold, 4),
        percent(sensitivity),
      ]),
    ]),
    '',
    ...triageLines(document),
    ...lightLines(document),
    ...scopeLines(document),
    `τ = ${fixed(tiling.tau, 4)} triggers tiling on ${percent(tiling.triggerShare)}; indeterminate: ${percent(document.indeterminateShare)}`,
    `Written to ${printable(written.file)}, digest ${written.digest.slice(0, 16)}…`,
  ];
}

function triageLines({ triage }: CalibrationDocument): string[] {
  if (triage === null) return ['Triage: none, nothing is known of which classes are malignant', ''];
  const { threshold, expected, lesions, sensitivity } = triage;
  const row = (name: string, { value, low, high }: TriageSection['expected']['specificity']) => [
    name,
    percent(value),
    `${percent(low)} … ${percent(high)}`,
  ];
  return [
    `Triage refers from a malignancy of ${fixed(threshold, 4)}, for a sensitivity of ${percent(sensitivity)}`,
    ...tableLines([
      ['on this split', 'share', '95 % by lesion'].map(colour.dim),
      row(`malignant, ${counted(lesions.malignant, 'lesion')}`, expected.sensitivity),
      ...(expected.watchedSensitivity === null
        ? []
        : [row(`watched, ${counted(lesions.watched ?? 0, 'lesion')}`, expected.watchedSensitivity)]),
      row('benign and routine', expected.specificity),
    ]),
    '',
  ];
}

function lightLines({ light }: CalibrationDocument): string[] {
  if (light === null)
    return ['Light: taken as it comes; to know that of training takes 100 of its images', ''];
  const { images, within } = light.fittedOn;
  return [
    `Light: known from ${counted(images, 'training image')}; brought back where it is farther off than in ${percent(within)} of them`,
    '',
  ];
}

function scopeLines({ scope }: CalibrationDocument): string[] {
  if (scope === null) return ['Scope: not fitted; that takes 200 training and 200 validation images', ''];
  const kinds = Object.values(scope.heldOut);
  return [
    `Scope: refuses ${percent(scope.outOfScope)} of these images, calls ${percent(scope.unfamiliar)} unfamiliar`,
    `of frames without a lesion it refuses ${percent(scope.nothing)}, each of ${kinds.length} kinds left out of the fit in turn`,
    '',
  ];
}

function choiceRow(name: string, { without, with: withIt, enabled, decidedBy }: Choice): string[] {
  const state = enabled ? colour.green('on') : 'off';
  return [
    name,
    percent(without.top1, 2),
    percent(withIt.top1, 2),
    percent(without.macroF1, 2),
    percent(withIt.macroF1, 2),
    decidedBy === 'option' ? `${state} (told)` : state,
  ];
}
