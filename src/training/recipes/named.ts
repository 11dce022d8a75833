import { EFFICIENTNET_LITE_VARIANTS } from '../../model/networks/efficientnet-lite.ts';
import {
  EFFICIENTNET_LITE0_PLAIN,
  EFFICIENTNET_LITE0_SECOND_CYCLE,
  EFFICIENTNET_LITE0_TAUGHT,
  EFFICIENTNET_LITE0_WARM_UP,
  efficientNetLiteRecipe,
  FINE_TUNING,
} from './fine-tuning.ts';
import { QANA_FOURTH_CYCLE, QANA_RECIPE, QANA_SECOND_CYCLE, QANA_THIRD_CYCLE } from './qana.ts';
import { QANA_AKD1000_RECIPE } from './qana-akd1000.ts';
import type { Recipe } from './recipe.ts';
import { QANA_TAUGHT, QANA_TAUGHT_AGAIN, QANA128 } from './taught.ts';

/** Networks of ours; each has a recipe of its name. */
export const ARCHITECTURES: readonly string[] = [
  'qana',
  'qana-akd1000',
  ...EFFICIENTNET_LITE_VARIANTS.map((variant) => `efficientnet-lite${variant}`),
];

/** The recipes that ship. Those that bear an architecture's name are its own. */
export const RECIPES: Readonly<Record<string, Recipe | undefined>> = {
  qana: QANA_RECIPE,
  'qana-second-cycle': QANA_SECOND_CYCLE,
  'qana-third-cycle': QANA_THIRD_CYCLE,
  'qana-fourth-cycle': QANA_FOURTH_CYCLE,
  'qana-taught': QANA_TAUGHT,
  'qana-taught-again': QANA_TAUGHT_AGAIN,
  qana128: QANA128,
  'qana-akd1000': QANA_AKD1000_RECIPE,
  ...Object.fromEntries(
    EFFICIENTNET_LITE_VARIANTS.map(efficientNetLiteRecipe).map((recipe) => [recipe.name, recipe]),
  ),
  'efficientnet-lite0-plain': EFFICIENTNET_LITE0_PLAIN,
  'efficientnet-lite0-second-cycle': EFFICIENTNET_LITE0_SECOND_CYCLE,
  'efficientnet-lite0-warm-up': EFFICIENTNET_LITE0_WARM_UP,
  'efficientnet-lite0-taught': EFFICIENTNET_LITE0_TAUGHT,
  'fine-tune': FINE_TUNING,
};
