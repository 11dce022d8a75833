/** What `ablation --json` prints and `ablation.json` holds. Shares are 0…1. */
import type { Recipe } from '../recipes/recipe.ts';
import type { MeasuredRow } from './figures.ts';

export interface AblationDocument {
  readonly seed: number;
  readonly backend: string;
  /** Of the row with everything; the others leave parts of it out. */
  readonly recipe: Recipe;
  readonly dataset: {
    readonly name: string;
    /** `lesion`: no lesion lies in two splits. */
    readonly protocol: 'lesion' | 'image';
  };
  readonly classes: readonly string[];
  /** The classes with the fewest training images, which balancing is for. */
  readonly rareClasses: readonly string[];
  /** Rows that are finished, in the order of the table. */
  readonly rows: readonly MeasuredRow[];
}

/** The three classes with the fewest images, in the order of the classes. */
export function rarestClasses(classes: readonly string[], counts: readonly number[]): string[] {
  const rarest = classes
    .map((name, c) => ({ name, count: counts[c] }))
    .sort((a, b) => a.count - b.count)
    .slice(0, 3)
    .map(({ name }) => name);
  return classes.filter((name) => rarest.includes(name));
}

/** Epochs that every row sees, at whatever image size. */
export function epochsOf({ float, quantisation }: Recipe): number {
  const schedule = [...float.schedule, ...(quantisation?.stage.schedule ?? [])];
  return schedule.reduce((sum, { epochs }) => sum + epochs, 0);
}
