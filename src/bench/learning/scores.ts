/** What a way of naming lesions gets right. */
import type { HeadInput } from '../../runtime/inference/head.ts';

/** An image of the data set, and what the device keeps of it after reading it. */
export interface ReadImage {
  readonly imageId: string;
  readonly lesionId: string;
  /** The class, as HAM10000 writes it. */
  readonly dx: string;
  /** Acquisition site. */
  readonly site: string;
  readonly split: string;
  readonly headInput: HeadInput;
}

/** Recall of each class and their mean, in per cent. */
export function score(nameOf: (headInput: HeadInput) => string, images: readonly ReadImage[]) {
  const counts = new Map<string, { right: number; all: number }>();
  for (const { dx, headInput } of images) {
    const { right, all } = counts.get(dx) ?? { right: 0, all: 0 };
    counts.set(dx, { right: right + Number(nameOf(headInput) === dx), all: all + 1 });
  }
  const recall = Object.fromEntries([...counts].map(([name, { right, all }]) => [name, (100 * right) / all]));
  return { recall, balancedAccuracy: mean(Object.values(recall)) };
}

export function mean(numbers: readonly number[]): number {
  return numbers.reduce((sum, number) => sum + number, 0) / numbers.length;
}

/** Balanced accuracies in per cent: on what is new, and on all else. */
export interface Scores {
  readonly new: number;
  readonly others: number;
}

/** Figures before a stream, and after each number of cases. */
export interface StreamRun {
  readonly before: Scores;
  readonly after: ReadonlyMap<number, Scores>;
}

export interface StreamSummary {
  readonly before: number;
  readonly after: number;
  readonly lowest: number;
  readonly highest: number;
}

/** Mean before and after of runs, and how far the runs lie apart. */
export function summary(runs: readonly StreamRun[], cases: number, figure: keyof Scores): StreamSummary {
  const after = runs.map((run) => run.after.get(cases)?.[figure] ?? Number.NaN);
  return {
    before: mean(runs.map(({ before }) => before[figure])),
    after: mean(after),
    lowest: Math.min(...after),
    highest: Math.max(...after),
  };
}
