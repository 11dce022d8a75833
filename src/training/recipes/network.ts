import type { Architecture } from '../../model/architecture/architecture.ts';
import { qana } from '../../model/networks/qana.ts';
import { qanaAkd1000 } from '../../model/networks/qana-akd1000.ts';
import type { NetworkRecipe } from './recipe.ts';

/** The architecture that a recipe names. */
export function networkOf(recipe: NetworkRecipe, classes: number): Architecture {
  return recipe.kind === 'qana' ? qana({ ...recipe, classes }) : qanaAkd1000({ ...recipe, classes });
}
