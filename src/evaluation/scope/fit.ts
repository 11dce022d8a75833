/** The section that tells what is no lesion, and which lesion is unlike those of training. */
import type { ScopeSection } from '../../model/bundle/scope-section.ts';
import { scopeOf, scopeTerms } from '../../runtime/inference/scope/scope.ts';
import type { Measured, MeasuredNothing } from './features.ts';
import { fitGaussian } from './gaussian.ts';
import { fitLogistic } from './logistic.ts';

/** Axes kept of the embedding; with 256 channels 34 kB. */
const EMBEDDING_AXES = 32;
/** Share of validation captures, plain and as other cameras would take them, that may be refused. */
const REFUSED = 0.005;
/** Share of validation captures that may be called unfamiliar. */
const UNFAMILIAR = 0.02;

/** Frames at least: of fewer nothing can be promised. */
export const LEAST = { training: 200, validation: 200 } as const;

export interface ScopeFit {
  readonly section: ScopeSection;
  /** Share of drawn frames that are refused, with those of the quality check, by kind; the fit never saw the kind. */
  readonly heldOut: Readonly<Record<string, number>>;
}

export interface ScopeFrames {
  /** Captures that the network was trained on. */
  readonly training: readonly Measured[];
  /** Captures that it never learned from: they choose the thresholds. */
  readonly validation: readonly Measured[];
  readonly nothing: readonly MeasuredNothing[];
}

/** Null where there are too few captures. */
export function fitScope({ training, validation, nothing }: ScopeFrames): ScopeFit | null {
  if (training.length < LEAST.training || validation.length < LEAST.validation) return null;
  const seen = training.flatMap(viewsOf);
  const statistics = fitGaussian(
    seen.map((features) => features.statistics),
    seen[0].statistics.length,
  );
  const embedding = fitGaussian(
    seen.map((features) => features.pooled),
    EMBEDDING_AXES,
  );
  const termsOf = (features: Measured['plain']) => scopeTerms({ statistics, embedding }, features);
  const lesions = seen.map((features) => termsOf(features).values);
  const captures = validation.flatMap(viewsOf).map(termsOf);
  const drawn = nothing.map((frame) => ({
    ...frame,
    terms: viewsOf(frame).map((view) => termsOf(view).values),
  }));

  /** Fitted without one kind, or with all; rounded as the bundle stores it, before the threshold is chosen by it. */
  const fitWithout = (kind: string | null) => {
    const frames = drawn.filter((frame) => frame.kind !== kind).flatMap(({ terms }) => terms);
    const { weights, bias } = fitLogistic(lesions, frames);
    const stored = Float32Array.from(weights);
    const scoreOf = (values: Float64Array) => values.reduce((sum, value, i) => sum + value * stored[i], bias);
    const outOfScope = upperQuantile(
      captures.map(({ values }) => scoreOf(values)),
      REFUSED,
    );
    return { weights: stored, bias, outOfScope, scoreOf };
  };
  const heldOut: Record<string, number> = {};
  for (const kind of new Set(nothing.map((frame) => frame.kind))) {
    const { scoreOf, outOfScope } = fitWithout(kind);
    const frames = drawn.filter((frame) => frame.kind === kind);
    heldOut[kind] = shareOf(frames, ({ isSentBack, terms }) => isSentBack || scoreOf(terms[0]) > outOfScope);
  }
  const { weights, bias, outOfScope } = fitWithout(null);
  const plain = validation.map((measured) => measured.plain);
  const unfamiliar = upperQuantile(
    plain.map((features) => termsOf(features).distance),
    UNFAMILIAR,
  );
  const model = { statistics, embedding, weights, bias, outOfScope, unfamiliar };
  const section: ScopeSection = {
    version: 1,
    method: 'outlier-exposure',
    ...model,
    fittedOn: {
      images: training.length,
      frames: nothing.length,
      validationImages: validation.length,
    },
    expected: { outOfScope: 0, unfamiliar: 0, nothing: meanOf(Object.values(heldOut)) },
  };
  const verdicts = plain.map((features) => scopeOf(section, features));
  const expected = {
    ...section.expected,
    outOfScope: shareOf(verdicts, ({ isOutOfScope }) => isOutOfScope),
    unfamiliar: shareOf(verdicts, ({ isUnfamiliar }) => isUnfamiliar),
  };
  return { section: { ...section, expected }, heldOut };
}

const viewsOf = ({ plain, other }: Measured) => [plain, other];

/**
 * The value above which a share of values to come lies at most, in the mean over draws of these (split conformal
 * prediction: Vovk, Gammerman, Shafer 2005): the ⌈(n + 1)(1 − share)⌉-th smallest, or the largest.
 */
function upperQuantile(values: readonly number[], share: number): number {
  const rank = Math.ceil((values.length + 1) * (1 - share));
  return values.toSorted((a, b) => a - b)[Math.min(rank, values.length) - 1];
}

function shareOf<T>(items: readonly T[], holds: (item: T) => boolean): number {
  return items.length === 0 ? 0 : items.filter(holds).length / items.length;
}

function meanOf(values: readonly number[]): number {
  return values.length === 0 ? 0 : values.reduce((sum, value) => sum + value, 0) / values.length;
}
