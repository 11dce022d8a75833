/** What `sites --json` prints and `sites.json` holds. */
import type { meansOf, SiteComparison } from './figures.ts';

export interface SitesDocument {
  readonly seed: number;
  readonly dataset: string;
  /** The split whose images compare left out with kept in. */
  readonly measured: 'val' | 'test';
  readonly classes: readonly string[];
  readonly recipe: string;
  /** Finished so far, in the order of the sites' names. */
  readonly sites: readonly SiteComparison[];
  readonly means: ReturnType<typeof meansOf>;
}
