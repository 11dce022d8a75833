import type { LearningSection } from '../../model/bundle/learning-section.ts';
import { largestIndex } from '../inference/readout.ts';
import { caseOf } from './hold-out.ts';
import { type Metric, metricOf } from './metric.ts';

/** What a new case is compared with: the bundle's cases, without their labels, so that the hold-out set may lend its own. */
export interface Background {
  /** How they scatter. */
  readonly metric: Metric;
  /** Index of the class that the factory head takes each for. */
  readonly named: readonly number[];
}

export function backgroundOf({ features, guard, rehearsal }: LearningSection): Background {
  const cases = [guard, rehearsal].flatMap((set) =>
    Array.from(set.labels, (_, i) => caseOf(set, i, features)),
  );
  const pooled = new Int16Array(cases.length * features);
  cases.forEach((each, i) => {
    pooled.set(each.pooled, i * features);
  });
  return {
    metric: metricOf(pooled, features),
    named: cases.map(({ potentials }) => largestIndex(potentials)),
  };
}
