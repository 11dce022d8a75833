/** What a new camera costs: a site's images read by a network that never saw the site, and by one that did. */
import { bootstrapDifferences, type Difference } from '../../statistics/difference.ts';
import { measure } from '../../statistics/metrics.ts';
import { type Share, sharesOf } from '../../statistics/shares.ts';
import type { SiteAnswer } from './answers.ts';

/** Shares 0…1. */
export interface SiteFigures {
  readonly images: number;
  readonly top1: number;
  readonly balancedAccuracy: number;
  /** Malignant lesions called routine. */
  readonly reassured: Share;
  /** Benign lesions called routine. */
  readonly spared: Share;
}

export interface SiteComparison {
  readonly site: string;
  /** All images of the site outside the test split, none of which this network has learned or was calibrated on. */
  readonly unseen: SiteFigures;
  /** The same network on the measured split alone. */
  readonly leftOut: SiteFigures;
  /** The network that learned from the site's other images, on the measured split. */
  readonly keptIn: SiteFigures;
  /** Balanced accuracy, left out minus kept in, on the same images. */
  readonly balancedAccuracy: Difference;
}

/** @param malignant by class index */
export function figuresOf(
  classes: readonly string[],
  malignant: readonly boolean[],
  answers: readonly SiteAnswer[],
): SiteFigures {
  const { top1, balancedAccuracy } = measure(classes, answers);
  const isRoutine = (image: number) => answers[image].triage === 'routine';
  const isMalignant = (image: number) => malignant[answers[image].label];
  const [reassured, spared] = sharesOf(answers, [
    { among: isMalignant, holds: isRoutine },
    { among: (image) => !isMalignant(image), holds: isRoutine },
  ]);
  return { images: answers.length, top1, balancedAccuracy, reassured, spared };
}

export interface SiteReadings {
  readonly site: string;
  readonly unseen: readonly SiteAnswer[];
  /** The same images in the same order. */
  readonly leftOut: readonly SiteAnswer[];
  readonly keptIn: readonly SiteAnswer[];
}

export function comparisonOf(
  classes: readonly string[],
  malignant: readonly boolean[],
  { site, unseen, leftOut, keptIn }: SiteReadings,
): SiteComparison {
  return {
    site,
    unseen: figuresOf(classes, malignant, unseen),
    leftOut: figuresOf(classes, malignant, leftOut),
    keptIn: figuresOf(classes, malignant, keptIn),
    balancedAccuracy: bootstrapDifferences(classes, keptIn, leftOut).values.balancedAccuracy,
  };
}

/** Means over the sites, each counting once; a site without a malignant image has no share of them. */
export function meansOf(comparisons: readonly SiteComparison[]): {
  readonly reassured: number | null;
  readonly spared: number | null;
  readonly balancedAccuracyLost: number | null;
} {
  const mean = (values: readonly (number | null)[]) => {
    const known = values.filter((value) => value !== null);
    return known.length === 0 ? null : known.reduce((sum, value) => sum + value, 0) / known.length;
  };
  const lost = mean(comparisons.map(({ balancedAccuracy }) => balancedAccuracy.value));
  return {
    reassured: mean(comparisons.map(({ unseen }) => unseen.reassured.value)),
    spared: mean(comparisons.map(({ unseen }) => unseen.spared.value)),
    balancedAccuracyLost: lost === null ? null : -lost,
  };
}
