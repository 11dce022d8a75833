/** What triage made of one image, and what was true. */
import type { Attributes } from '../../dataset/dataset.ts';
import type { Triage } from '../../model/answers.ts';
import type { ModelBundle } from '../../model/bundle/bundle.ts';
import type { TriageSection } from '../../model/bundle/triage-section.ts';
import { decide } from '../../runtime/inference/readout.ts';
import type { Grouped } from '../../statistics/resampling.ts';
import type { Outcome } from '../read-split.ts';

/** What the rates of triage look at. */
export interface JudgedCase extends Grouped {
  readonly isMalignant: boolean;
  readonly isWatched: boolean;
  readonly triage: Triage;
  readonly attributes: Attributes;
  /** Individual typology angle in degrees; null where it was not measured. */
  readonly skinTone: number | null;
}

export interface TriageCase extends JudgedCase {
  /** The true class. */
  readonly truth: string;
  /** 0…1. */
  readonly malignancy: number;
  /** The diagnosis as it is said. */
  readonly named: string;
  /** The diagnosis by the classes' thresholds alone, were nothing withheld. */
  readonly unguarded: string;
}

export interface TriageTruth {
  readonly rule: Pick<TriageSection, 'malignant' | 'threshold'>;
  /** The class that is watched, null where there is none. */
  readonly watched: string | null;
}

/** Of an image of which the metadata say nothing. */
export const UNKNOWN: Attributes = { age: null, sex: null, bodySite: null, acquisitionSite: null };

/** The cases behind the readings that say what to do; a reading that does not is none. */
export function triageCases(
  outcomes: readonly Outcome[],
  { graph, readout }: Pick<ModelBundle, 'graph' | 'readout'>,
  { rule, watched }: TriageTruth,
  skinTones: ReadonlyMap<string, number>,
): TriageCase[] {
  return outcomes.flatMap(({ sample, reading }) => {
    const { triage, malignancy } = reading;
    if (triage === undefined || triage === null || malignancy === undefined || malignancy === null) return [];
    const probabilities = graph.classes.map((name) => reading.probabilities[name]);
    const truth = graph.classes[sample.label];
    return {
      truth,
      ...{
        group: sample.lesionId,
        isMalignant: rule.malignant.includes(truth),
        isWatched: truth === watched,
      },
      ...{ triage, malignancy, named: reading.diagnosis },
      unguarded: decide(graph.classes, probabilities, readout.thresholds),
      attributes: sample.attributes ?? UNKNOWN,
      skinTone: skinTones.get(sample.imageId) ?? null,
    };
  });
}
