/** What `calibrate --json` prints. Shares are 0…1. */

import type { Dataset } from '../../dataset/dataset.ts';
import { identityOf, type ModelBundle, type ModelIdentity } from '../../model/bundle/bundle.ts';
import type { LightSection } from '../../model/bundle/light-section.ts';
import type { ScopeSection } from '../../model/bundle/scope-section.ts';
import type { TriageSection } from '../../model/bundle/triage-section.ts';
import type { Unreadable } from '../read-split.ts';
import type { ScopeFit } from '../scope/fit.ts';
import type { Calibration, Choice, Fit } from './calibrate.ts';
import type { OperatingPoints } from './thresholds.ts';

type FitFigures = Omit<Fit, 'reliability'>;

export interface CalibrationDocument {
  readonly protocol: Dataset['protocol'];
  readonly split: string;
  readonly n: number;
  /** The bundle that was given. */
  readonly model: ModelIdentity;
  /** The bundle that was written. */
  readonly written: ModelIdentity & { readonly file: string };
  readonly dataset: {
    readonly name: string;
    readonly splitFile: string | null;
    readonly unreadable: readonly Unreadable[];
  };
  /** Plain softmax of the logits, and softmax with the fitted α; both untiled, on the images of the fit. */
  readonly before: FitFigures;
  readonly after: FitFigures;
  readonly crop: Choice;
  readonly tiling: Choice & { readonly tau: number; readonly triggerShare: number };
  readonly operatingPoints: OperatingPoints;
  readonly thresholds: Readonly<
    Record<string, { readonly threshold: number; readonly sensitivity: number | null }>
  >;
  readonly indeterminateShare: number;
  /** Of the readings as the device will make them. */
  readonly final: { readonly top1: number; readonly macroF1: number; readonly ece: number };
  /** As the bundle carries it; null where nothing is known of which classes are malignant. */
  readonly triage: TriageSection | null;
  /** As the bundle carries it; null where every light is taken as it comes. */
  readonly light: LightSection | null;
  /** What was fitted to tell what is no lesion; null where it was not. */
  readonly scope:
    | (ScopeSection['expected'] & {
        readonly fittedOn: ScopeSection['fittedOn'];
        /** Share refused of drawn frames by kind, by a fit that never saw the kind. */
        readonly heldOut: ScopeFit['heldOut'];
      })
    | null;
}

export function documentOf(
  calibration: Calibration,
  context: {
    readonly dataset: Dataset;
    readonly split: string;
    readonly n: number;
    readonly unreadable: readonly Unreadable[];
    readonly before: ModelBundle;
    readonly after: ModelBundle;
    readonly file: string;
    readonly operatingPoints: OperatingPoints;
    readonly scope: ScopeFit | null;
  },
): CalibrationDocument {
  const { crop, tiling, tau, triggerShare, thresholds, sensitivities, final, triage } = calibration;
  const { dataset, split, n, unreadable, before, after, file, operatingPoints, scope } = context;
  return {
    protocol: dataset.protocol,
    split,
    n,
    model: identityOf(before),
    written: { ...identityOf(after), file },
    dataset: { name: dataset.name, splitFile: dataset.splitFile, unreadable },
    before: figuresOf(calibration.uncalibrated),
    after: figuresOf(calibration.calibrated),
    crop,
    tiling: { ...tiling, tau, triggerShare },
    operatingPoints,
    thresholds: Object.fromEntries(
      before.graph.classes.map((name, c) => [
        name,
        { threshold: thresholds[c], sensitivity: sensitivities[c] },
      ]),
    ),
    indeterminateShare: calibration.indeterminateShare,
    final: { top1: final.top1, macroF1: final.macroF1, ece: final.ece },
    triage,
    light: after.light ?? null,
    scope: scope && {
      ...scope.section.expected,
      fittedOn: scope.section.fittedOn,
      heldOut: scope.heldOut,
    },
  };
}

function figuresOf({ alpha, ece, eceByImage, negativeLogLikelihood }: Fit): FitFigures {
  return { alpha, ece, eceByImage, negativeLogLikelihood };
}
