import { UsageError } from '../../errors.ts';
import type { Architecture } from '../../model/architecture/architecture.ts';
import { efficientNetLite } from '../../model/networks/efficientnet-lite.ts';
import { qana } from '../../model/networks/qana.ts';
import { qanaAkd1000 } from '../../model/networks/qana-akd1000.ts';
import type { NetworkRecipe } from './recipe.ts';

/** The architecture that a recipe names. @throws UsageError `INITIAL` where it names that of another file */
export function networkOf(recipe: NetworkRecipe, classes: number): Architecture {
  switch (recipe.kind) {
    case 'qana':
      return qana({ ...recipe, classes });
    case 'qana-akd1000':
      return qanaAkd1000({ ...recipe, classes });
    case 'efficientnet-lite':
      return efficientNetLite({ ...recipe, classes });
    case 'imported':
      throw new UsageError('INITIAL', 'The recipe has no network of its own', {
        expected: 'an ONNX model to start from',
        received: 'none',
        remedy: 'give one with --initial',
      });
  }
}
