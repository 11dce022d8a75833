/**
 * Fits the readout on a split, in the order in which one choice changes what the next one sees: crop, α, τ, tiling,
 * thresholds (specification §6).
 */

import type { Sample } from '../../dataset/dataset.ts';
import type { ModelContents } from '../../model/bundle/bundle.ts';
import type { CardTriage, ModelCard } from '../../model/bundle/card.ts';
import { classTableOf, knownClassTable } from '../../model/bundle/class-table.ts';
import type { Readout } from '../../model/bundle/contract.ts';
import type { LearningSection } from '../../model/bundle/learning-section.ts';
import type { ScopeSection } from '../../model/bundle/scope-section.ts';
import type { TriageSection } from '../../model/bundle/triage-section.ts';
import { isUncertain, softmax } from '../../runtime/inference/readout.ts';
import { type Metrics, measure, prepare } from '../../statistics/metrics.ts';
import type { Prediction } from '../../statistics/prediction.ts';
import { calibrationError, type ReliabilityBin, reliabilityOf } from '../../statistics/reliability.ts';
import { fitAlpha, lesionWeights, negativeLogLikelihood, type Scored } from './alpha.ts';
import { cardTriageOf } from './card-triage.ts';
import { fitTau, fitThresholds, type OperatingPoints, sensitivityAt } from './thresholds.ts';
import { fitTriage } from './triage.ts';
import type { View, Views } from './views.ts';

/** A way of reading the images: figures of accuracy with it and without it. */
export interface Choice {
  readonly enabled: boolean;
  /** Decided by these figures, or told by the caller. */
  readonly decidedBy: 'evidence' | 'option';
  readonly without: Accuracy;
  readonly with: Accuracy;
}

export interface Accuracy {
  readonly top1: number;
  readonly macroF1: number;
}

/** How well probabilities fit, at one α, untiled. */
export interface Fit {
  readonly alpha: number;
  /** Every lesion counting once, as in the fit. */
  readonly ece: number;
  readonly negativeLogLikelihood: number;
  readonly reliability: readonly ReliabilityBin[];
  /** Every image counting once, as in `evaluate`. */
  readonly eceByImage: number;
}

export interface Calibration {
  readonly crop: Choice;
  /** α = the scale of the potentials: the plain softmax of the logits. */
  readonly uncalibrated: Fit;
  readonly calibrated: Fit;
  readonly tau: number;
  /** Share of the split on which tiling triggers. */
  readonly triggerShare: number;
  readonly tiling: Choice;
  /** In the order of the classes, 0…1. */
  readonly thresholds: readonly number[];
  /** Share of each class's images that reach its threshold; null for a class without an image. */
  readonly sensitivities: readonly (number | null)[];
  readonly indeterminateShare: number;
  /** Of the readings as the device will make them with these values. */
  readonly final: Metrics;
  /** Null where nothing is known of which classes are malignant. */
  readonly triage: TriageSection | null;
  /** The same for people, with the groups on which it was measured; null likewise. */
  readonly cardTriage: Omit<CardTriage, 'split'> | null;
}

export interface CalibrateOptions {
  /** Told, not decided. */
  readonly crop?: boolean;
  readonly tiling?: boolean;
  readonly operatingPoints?: OperatingPoints;
  /** What triage keeps of malignant lesions, 0…1. */
  readonly triageSensitivity?: number;
  /** Individual typology angles by image identifier. */
  readonly skinTones?: ReadonlyMap<string, number>;
}

/** @throws RangeError without a single image */
export function calibrate(
  { graph, readout, classTable }: Pick<ModelContents, 'graph' | 'readout' | 'classTable'>,
  views: readonly Views[],
  { crop: toldCrop, tiling: toldTiling, operatingPoints = {}, ...options }: CalibrateOptions = {},
): Calibration {
  const { classes } = graph;
  const { scale } = graph.head;
  const samples = views.map(({ sample }) => sample);
  const centred = views.map((view) => view.centred);
  const cropped = views.map((view) => view.cropped);
  // The winning class does not depend on α, so the crop can be decided before it is fitted.
  const crop = chooseBetween(
    measure(classes, predictionsOf(samples, wholeOf(centred), scale)),
    measure(classes, predictionsOf(samples, wholeOf(cropped), scale)),
    toldCrop,
  );
  const chosen = crop.enabled ? cropped : centred;
  const scored = scoredOf(samples, wholeOf(chosen));
  const alpha = fitAlpha(scored, scale);

  const whole = predictionsOf(samples, wholeOf(chosen), alpha);
  const tiles = predictionsOf(samples, tiledOf(chosen), alpha);
  const tau = fitTau(whole.map(({ probabilities }) => Math.max(...probabilities)));
  const unsure = whole.map(({ probabilities }) => isUncertain(probabilities, { ...readout.tiling, tau }));
  const tiledWhenUnsure = whole.map((prediction, i) => (unsure[i] ? tiles[i] : prediction));
  const tiling = chooseBetween(measure(classes, whole), measure(classes, tiledWhenUnsure), toldTiling);

  const final = tiling.enabled ? tiledWhenUnsure : whole;
  const thresholds = fitThresholds(classes, final, operatingPoints);
  const table = classTableOf({ graph, classTable });
  const triage = fitTriage(classes, final, table, options.triageSensitivity);
  const isIndeterminate = ({ probabilities }: Prediction) => probabilities.every((p, c) => p < thresholds[c]);
  return {
    crop,
    uncalibrated: fitAt(scale, classes, samples, scored),
    calibrated: fitAt(alpha, classes, samples, scored),
    tau,
    triggerShare: unsure.filter(Boolean).length / views.length,
    tiling,
    thresholds,
    sensitivities: classes.map((_, c) => sensitivityAt(final, c, thresholds[c])),
    indeterminateShare: final.filter(isIndeterminate).length / final.length,
    final: measure(classes, final),
    triage,
    cardTriage: triage === null ? null : cardTriageOf(triage, samples, final, { classes, table, ...options }),
  };
}

function fitAt(
  alpha: number,
  classes: readonly string[],
  samples: readonly Sample[],
  scored: readonly Scored[],
): Fit {
  const potentials = scored.map((image) => image.potentials);
  const prepared = prepare(classes, predictionsOf(samples, potentials, alpha));
  const isRight = (image: number) => prepared.labels[image] === prepared.winners[image];
  const weights = scored.map(({ weight }) => weight);
  const reliability = reliabilityOf(prepared.confidences, isRight, weights);
  return {
    alpha,
    ece: calibrationError(reliability),
    negativeLogLikelihood: negativeLogLikelihood(alpha, scored),
    reliability,
    eceByImage: calibrationError(reliabilityOf(prepared.confidences, isRight)),
  };
}

const wholeOf = (views: readonly View[]) => views.map(({ whole }) => whole);
const tiledOf = (views: readonly View[]) => views.map(({ tiled }) => tiled);

function predictionsOf(
  samples: readonly Sample[],
  potentials: readonly ArrayLike<number>[],
  alpha: number,
): Prediction[] {
  return samples.map(({ label, lesionId }, i) => ({
    label,
    probabilities: softmax(alpha, potentials[i]),
    group: lesionId,
  }));
}

function scoredOf(samples: readonly Sample[], potentials: readonly Int32Array[]): Scored[] {
  const weights = lesionWeights(samples.map(({ lesionId }) => lesionId));
  return samples.map(({ label }, i) => ({ potentials: potentials[i], label, weight: weights[i] }));
}

/** On only where it helps: neither Top-1 nor macro F1 falls, and one of them rises. */
function chooseBetween(without: Metrics, withIt: Metrics, told: boolean | undefined): Choice {
  const noneFalls = withIt.top1 >= without.top1 && withIt.macroF1 >= without.macroF1;
  const oneRises = withIt.top1 > without.top1 || withIt.macroF1 > without.macroF1;
  return {
    enabled: told ?? (noneFalls && oneRises),
    decidedBy: told === undefined ? 'evidence' : 'option',
    without: { top1: without.top1, macroF1: without.macroF1 },
    with: { top1: withIt.top1, macroF1: withIt.macroF1 },
  };
}

/**
 * The bundle with the fitted values and what learning needs in it.
 * @param scope null where it was not fitted
 * Its card states what the readings on this split are
 * worth.
 */
export function applyCalibration<Contents extends ModelContents>(
  bundle: Contents,
  { crop, calibrated, thresholds, tiling, tau, final, triage, cardTriage }: Calibration,
  fittedOn: Omit<NonNullable<Readout['fittedOn']>, 'crop'>,
  learning: LearningSection | null,
  scope: ScopeSection | null = null,
): Contents {
  const { preprocessing, readout, card } = bundle;
  const figures = {
    ...{ top1: final.top1, macroF1: final.macroF1, ece: final.ece },
    ...(triage !== null && {
      'triage.sensitivity': triage.expected.sensitivity.value,
      'triage.specificity': triage.expected.specificity.value,
    }),
    ...(scope !== null && {
      'scope.refused': scope.expected.outOfScope,
      'scope.unfamiliar': scope.expected.unfamiliar,
    }),
  };
  return {
    ...bundle,
    learning: learning ?? undefined,
    classTable: bundle.classTable ?? knownClassTable(bundle.graph.classes),
    triage: triage ?? undefined,
    // What was fitted before still holds for the same network.
    scope: scope ?? bundle.scope,
    preprocessing: { ...preprocessing, crop: { ...preprocessing.crop, enabled: crop.enabled } },
    readout: {
      alpha: calibrated.alpha,
      thresholds: [...thresholds],
      tiling: { ...readout.tiling, enabled: tiling.enabled, tau },
      fittedOn: { ...fittedOn, crop: crop.enabled },
    },
    card: cardWith(card, fittedOn.split, figures, cardTriage),
  };
}

function cardWith(
  { triage: _, ...card }: ModelCard,
  split: string,
  figures: Readonly<Record<string, number>>,
  triage: Calibration['cardTriage'],
): ModelCard {
  const measured = Object.entries(figures).map(([name, value]) => [`${split}.${name}`, value]);
  return {
    ...card,
    metrics: { ...card.metrics, ...Object.fromEntries(measured) },
    ...(triage !== null && { triage: { split, ...triage } }),
  };
}
