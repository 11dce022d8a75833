/** The budget of the ablation: every row the same, small enough for two cores. */

import type { RebalanceRecipe } from '../rebalance/rebalance.ts';
import { QANA_RECIPE } from '../recipes/qana.ts';
import type { Recipe, StageRecipe } from '../recipes/recipe.ts';
import { SMOTE_DEFAULTS } from '../smote/smote.ts';

/** QANA's own recipe with fewer epochs: four fifths of them on images of half the side, then one that rounds. */
export function ablationRecipe(epochs: number): Recipe {
  const { inputSize } = QANA_RECIPE.network;
  const small = Math.min(Math.round(0.8 * epochs), epochs - 1);
  const schedule = [
    { inputSize: inputSize / 2, epochs: small },
    { inputSize, epochs: epochs - small },
  ].filter((part) => part.epochs > 0);
  const { float, quantisation, ...rest } = QANA_RECIPE;
  return {
    ...rest,
    float: { ...float, schedule },
    quantisation: quantisation && {
      ...quantisation,
      stage: { ...quantisation.stage, schedule: [{ inputSize, epochs: 1 }] },
    },
  };
}

/** Head and last block after training: five epochs of the head as published, then a short tuning. */
export function rebalanceRecipe(base: Recipe): RebalanceRecipe {
  const stage: StageRecipe = base.quantisation?.stage ?? base.float;
  const { seed: _, ...smote } = SMOTE_DEFAULTS;
  return {
    smote,
    head: {
      epochs: 5,
      batch: 128,
      rate: { peak: 1e-4, warmUp: 0.05, floor: 0.01 },
      weightDecay: 0.01,
      averageDecay: 0,
    },
    fineTune: {
      ...stage,
      schedule: [{ inputSize: base.network.inputSize, epochs: 1 }],
      rate: { ...stage.rate, peak: 5e-5 },
    },
  };
}
