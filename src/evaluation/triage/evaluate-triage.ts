/** What triage is worth on a split: against chance, against referring everybody or nobody, and for whom. */
import type { ModelBundle } from '../../model/bundle/bundle.ts';
import { classTableOf, riskOf, watchedClassOf } from '../../model/bundle/class-table.ts';
import { orderByScore, weightedAuc } from '../../statistics/auc.ts';
import { netBenefit, rocOf } from '../../statistics/operating.ts';
import { estimateOf } from '../../statistics/shares.ts';
import type { Outcome } from '../read-split.ts';
import { type TriageCase, triageCases } from './case.ts';
import type { DecisionPoint, TriageDocument } from './document.ts';
import { ratesOf } from './rates.ts';
import { withheldOf } from './withheld.ts';

/** Threshold probabilities of the decision curve: 0.01, 0.02 … 0.99. */
const THRESHOLDS = Array.from({ length: 99 }, (_, i) => (i + 1) / 100);

/**
 * @param skinTones individual typology angles by image identifier
 * @returns null where the bundle does not triage
 */
export function evaluateTriage(
  outcomes: readonly Outcome[],
  bundle: Pick<ModelBundle, 'graph' | 'readout' | 'triage' | 'classTable'>,
  skinTones: ReadonlyMap<string, number>,
): TriageDocument | null {
  const { graph, triage: rule } = bundle;
  if (rule === undefined) return null;
  const { classes } = graph;
  const table = classTableOf(bundle);
  const watched = watchedClassOf(table);
  const cases = triageCases(outcomes, bundle, { rule, watched }, skinTones);
  const order = orderByScore(Float64Array.from(cases, ({ malignancy }) => malignancy));
  const isMalignant = (image: number) => cases[image].isMalignant;
  return {
    ...{ threshold: rule.threshold, promised: rule.sensitivity, malignant: rule.malignant, watched },
    auc: estimateOf(cases, (weights) => weightedAuc(order, isMalignant, weights)),
    ...ratesOf(cases),
    withheld: withheldOf(
      cases,
      classes.filter((name) => riskOf(table, name) === 'benign'),
    ),
    roc: rocOf(order, isMalignant),
    decisionCurve: decisionCurveOf(cases),
    netBenefit: netBenefitOf(cases, rule.threshold),
  };
}

function decisionCurveOf(cases: readonly TriageCase[]): DecisionPoint[] {
  const truth = cases.map(({ isMalignant }) => isMalignant);
  const everybody = truth.map(() => true);
  const once = new Float64Array(cases.length).fill(1);
  return THRESHOLDS.map((threshold) => ({
    threshold,
    model: netBenefit(
      truth,
      cases.map(({ malignancy }) => malignancy >= threshold),
      threshold,
      once,
    ),
    referAll: netBenefit(truth, everybody, threshold, once),
  }));
}

/** Of what triage says, at the weighing of benefit and harm that its own threshold stands for. */
function netBenefitOf(cases: readonly TriageCase[], threshold: number): TriageDocument['netBenefit'] {
  const truth = cases.map(({ isMalignant }) => isMalignant);
  const isReferred = cases.map(({ triage }) => triage === 'refer');
  const everybody = truth.map(() => true);
  // A threshold of 1 refers next to nobody; no journey would then be worth anything.
  const p = Math.min(threshold, 1 - 1e-9);
  return {
    model: estimateOf(cases, (weights) => netBenefit(truth, isReferred, p, weights)),
    referAll: estimateOf(cases, (weights) => netBenefit(truth, everybody, p, weights)),
  };
}
