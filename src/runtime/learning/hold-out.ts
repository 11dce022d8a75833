/** What a head makes of the bundle's hold-out set (`guard`): cases that nothing is ever learned from. */
import { type ClassTable, classTableOf, withBenign } from '../../model/bundle/class-table.ts';
import type { LabelledEmbeddings, LearningSection } from '../../model/bundle/learning-section.ts';
import { largestIndex, softmax } from '../inference/readout.ts';
import { malignancyOf, type TriageRule } from '../inference/triage.ts';
import { type Correction, correctedPotentials } from './correction.ts';

/** On the hold-out set; 0…1. */
export interface HoldOutFigures {
  /** Mean recall of the classes that have cases, of the class with the largest potential. */
  readonly balancedAccuracy: number;
  /** Recall of the watched class; null where none is watched or it has no case. */
  readonly sensitivity: number | null;
  /** Share of the malignant cases that are referred; null without a case, absent where the bundle does not triage. */
  readonly triageSensitivity?: number | null;
  /** The same of the watched class alone. */
  readonly watchedTriageSensitivity?: number | null;
}

/** A head's figures, counted in two ways. */
export interface HoldOutJudgement {
  /** Each case is right or wrong. */
  readonly counted: HoldOutFigures;
  /**
   * Each case counts by how far it lies from where it would be wrong (smoothed counting, Glick 1978): as it would on average
   * over further photographs of its lesion. A case that passes a boundary by a hair changes these figures by a hair.
   */
  readonly smoothed: HoldOutFigures;
}

/**
 * Of the logistic function, per logit. How far two photographs of one lesion lie from a boundary scatters by 1.1 logits
 * around their mean (docs/results/learning.md); this slope is the one nearest to a normal distribution of that width.
 */
const STEEPNESS = 1.6;

/** The case `index` of a set. */
export function caseOf(set: LabelledEmbeddings, index: number, features: number) {
  const classes = set.potentials.length / set.labels.length;
  return {
    pooled: set.pooled.subarray(index * features, (index + 1) * features),
    potentials: set.potentials.subarray(index * classes, (index + 1) * classes),
    label: set.labels[index],
  };
}

/** How much of each case is right, 0…1, in the order of the set. */
interface Answers {
  readonly named: number[];
  readonly referred: number[];
}

/** What of a bundle its reading follows. */
type ReadBundle = Parameters<typeof classTableOf>[0] & {
  readonly readout: { readonly alpha: number };
  readonly triage?: TriageRule | undefined;
};

/** The hold-out set, and by what rules a bundle reads it. */
export class HoldOut {
  /** The class of which no case may be missed for what was learned; null where there is none. */
  readonly watchedClass: string | null;
  readonly #section: LearningSection;
  readonly #alpha: number;
  readonly #triage: TriageRule | null;
  readonly #factoryClasses: readonly string[];
  readonly #table: ClassTable;
  /** Indices of the cases of each class that has any. */
  readonly #byClass: readonly (readonly number[])[];
  readonly #watched: readonly number[];
  readonly #malignant: readonly number[];

  constructor(bundle: ReadBundle, section: LearningSection) {
    this.watchedClass = section.watchedClass;
    this.#section = section;
    this.#alpha = bundle.readout.alpha;
    this.#triage = bundle.triage ?? null;
    this.#factoryClasses = bundle.graph.classes;
    this.#table = classTableOf(bundle);
    const { labels } = section.guard;
    const casesOf = (isMeant: (name: string) => boolean) =>
      [...labels.keys()].filter((i) => isMeant(bundle.graph.classes[labels[i]]));
    this.#byClass = bundle.graph.classes
      .map((name) => casesOf((each) => each === name))
      .filter((cases) => cases.length > 0);
    this.#watched = casesOf((name) => name === section.watchedClass);
    this.#malignant = casesOf((name) => this.#triage?.malignant.includes(name) ?? false);
  }

  /** What one case alone can take from each figure. */
  get grain(): HoldOutFigures {
    const ofOne = (cases: readonly number[]) => (cases.length === 0 ? null : 1 / cases.length);
    const largest = Math.max(...this.#byClass.map((cases) => 1 / cases.length));
    return this.#figures({
      balancedAccuracy: largest / this.#byClass.length,
      named: ofOne,
      referred: ofOne,
    });
  }

  judge(correction: Correction): HoldOutJudgement {
    const { guard, features } = this.#section;
    const counted: Answers = { named: [], referred: [] };
    const smoothed: Answers = { named: [], referred: [] };
    for (let i = 0; i < guard.labels.length; i++) {
      const { pooled, potentials, label } = caseOf(guard, i, features);
      const read = correctedPotentials(correction, potentials, pooled);
      counted.named.push(Number(largestIndex(read) === label));
      smoothed.named.push(logistic(this.#alpha * lead(read, label)));
      if (this.#triage === null) continue;
      const malignancy = this.#malignancy(this.#triage, correction, read);
      counted.referred.push(Number(malignancy >= this.#triage.threshold));
      smoothed.referred.push(logistic(logit(malignancy) - logit(this.#triage.threshold)));
    }
    return { counted: this.#figuresOf(counted), smoothed: this.#figuresOf(smoothed) };
  }

  #malignancy(rule: TriageRule, { classes, benign }: Correction, read: Int32Array): number {
    return malignancyOf(rule, classes, softmax(this.#alpha, read), {
      factoryClasses: this.#factoryClasses,
      table: withBenign(this.#table, benign),
    });
  }

  #figuresOf({ named, referred }: Answers): HoldOutFigures {
    const recalls = this.#byClass.map((cases) => mean(named, cases) ?? 0);
    return this.#figures({
      balancedAccuracy: recalls.reduce((sum, recall) => sum + recall, 0) / recalls.length,
      named: (cases) => mean(named, cases),
      referred: (cases) => mean(referred, cases),
    });
  }

  #figures({ balancedAccuracy, named, referred }: Figuring): HoldOutFigures {
    return {
      balancedAccuracy,
      sensitivity: named(this.#watched),
      ...(this.#triage !== null && {
        triageSensitivity: referred(this.#malignant),
        watchedTriageSensitivity: referred(this.#malignant.filter((i) => this.#watched.includes(i))),
      }),
    };
  }
}

/** How to come by each figure. */
interface Figuring {
  readonly balancedAccuracy: number;
  readonly named: (cases: readonly number[]) => number | null;
  readonly referred: (cases: readonly number[]) => number | null;
}

function mean(values: readonly number[], cases: readonly number[]): number | null {
  return cases.length === 0 ? null : cases.reduce((sum, i) => sum + values[i], 0) / cases.length;
}

/** How much larger the potential of the right class is than that of any other. */
function lead(potentials: Int32Array, label: number): number {
  return potentials[label] - Math.max(...potentials.filter((_, c) => c !== label));
}

function logistic(logits: number): number {
  return 1 / (1 + Math.exp(-STEEPNESS * logits));
}

/** Finite for certainty too. */
function logit(share: number): number {
  const within = Math.min(1 - 1e-9, Math.max(1e-9, share));
  return Math.log(within / (1 - within));
}
