import { QANA_RECIPE } from './qana.ts';
import { QANA_AKD1000_RECIPE } from './qana-akd1000.ts';
import type { Recipe } from './recipe.ts';

/** The recipes that ship, by the name of the architecture that they are for. */
export const RECIPES: Readonly<Record<string, Recipe | undefined>> = {
  qana: QANA_RECIPE,
  'qana-akd1000': QANA_AKD1000_RECIPE,
};
