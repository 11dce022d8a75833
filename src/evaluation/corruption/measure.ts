/** How many answers a model loses when the photographs are corrupted, on the device's own path. */
import type { Sample } from '../../dataset/dataset.ts';
import type { ModelBundle } from '../../model/bundle/bundle.ts';
import type { Engine } from '../../runtime/engine/contract.ts';
import { largestIndex } from '../../runtime/inference/readout.ts';
import { percentileInterval, RESAMPLING, resamplesOf } from '../../statistics/resampling.ts';
import { type Outcome, type ReadOptions, readSplit } from '../read-split.ts';
import { CORRUPTIONS, type Corruption, corruptionSeed } from './corruptions.ts';
import type { CorruptionDocument, Estimate, TriageFigures } from './document.ts';

type Options = Pick<ReadOptions, 'crop' | 'tiling' | 'onImage'>;

/** @param clean the same images without corruption, one at least */
export async function measureCorruption(
  clean: readonly Outcome[],
  bundle: ModelBundle,
  engine: Engine,
  options: Options,
  corruptions: readonly Corruption[] = CORRUPTIONS,
): Promise<CorruptionDocument> {
  const { classes } = bundle.graph;
  const samples = clean.map(({ sample }) => sample);
  const isRight = rightOf(clean, classes);
  const rows: {
    readonly row: Omit<CorruptionDocument['corruptions'][number], 'lost'>;
    lost: Float64Array;
  }[] = [];
  for (const corruption of corruptions) {
    const outcomes = await readCorrupted(samples, corruption, bundle, engine, options);
    const right = rightOf(outcomes, classes);
    const row = {
      ...{ name: corruption.name, words: corruption.words, top1: meanOf(right) },
      ...triageFigures(outcomes, bundle),
      retakeShare: meanOf(outcomes.map(({ retake }) => Number(retake.length > 0))),
    };
    rows.push({ row, lost: Float64Array.from(right, (value, i) => isRight[i] - value) });
  }
  const mean = Float64Array.from(samples, (_, i) => meanOf(rows.map(({ lost }) => lost[i])));
  const [meanLost, ...lost] = estimates(samples, [mean, ...rows.map((row) => row.lost)]);
  return {
    corruptions: rows.map(({ row }, i) => ({ ...row, lost: lost[i] })),
    clean: triageFigures(clean, bundle),
    meanLost,
    intervals: {
      ...RESAMPLING,
      unit: samples.some(({ lesionId }) => lesionId !== null) ? 'lesion' : 'image',
    },
  };
}

async function readCorrupted(
  samples: readonly Sample[],
  { name, apply }: Corruption,
  bundle: ModelBundle,
  engine: Engine,
  options: Options,
): Promise<readonly Outcome[]> {
  const { outcomes, unreadable } = await readSplit(samples, bundle, engine, {
    ...options,
    change: (frame, { imageId }) => apply(frame, corruptionSeed(name, imageId)),
  });
  if (unreadable.length > 0) throw new Error(`${unreadable[0].file} was readable a moment ago`);
  return outcomes;
}

/** 1 where the most probable class is the true one, else 0. */
function rightOf(outcomes: readonly Outcome[], classes: readonly string[]): number[] {
  return outcomes.map(({ sample, reading }) =>
    Number(largestIndex(classes.map((name) => reading.probabilities[name])) === sample.label),
  );
}

function triageFigures(outcomes: readonly Outcome[], { graph, triage }: ModelBundle): TriageFigures {
  if (triage === undefined) return { sensitivity: null, specificity: null };
  const referredOf = (malignant: boolean) =>
    outcomes
      .filter(({ sample }) => triage.malignant.includes(graph.classes[sample.label]) === malignant)
      .map(({ reading }) => Number(reading.triage === 'refer'));
  const [malignant, benign] = [referredOf(true), referredOf(false)];
  return {
    sensitivity: malignant.length === 0 ? null : meanOf(malignant),
    specificity: benign.length === 0 ? null : 1 - meanOf(benign),
  };
}

/** Means of what each image contributes, all over the same bootstrap resamples of lesions. */
function estimates(samples: readonly Sample[], contributions: readonly Float64Array[]): Estimate[] {
  const units = samples.map(({ label, lesionId }) => ({ label, group: lesionId, probabilities: [] }));
  const drawn = contributions.map((): number[] => []);
  for (const weights of resamplesOf(units, RESAMPLING)) {
    const total = weights.reduce((sum, weight) => sum + weight, 0);
    contributions.forEach((values, c) => {
      drawn[c].push(values.reduce((sum, value, i) => sum + weights[i] * value, 0) / total);
    });
  }
  return contributions.map((values, c) => {
    const value = meanOf(values);
    return { value, interval: percentileInterval(drawn[c], RESAMPLING.level) ?? [value, value] };
  });
}

function meanOf(values: ArrayLike<number>): number {
  return Array.from(values).reduce((sum, value) => sum + value, 0) / values.length;
}
