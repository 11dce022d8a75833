/** The budget of the ablation: every row the same, small enough for two cores. */

import type { RebalanceRecipe } from '../rebalance/rebalance.ts';
import { QANA_RECIPE } from '../recipes/qana.ts';
import type { Recipe, StageRecipe } from '../recipes/recipe.ts';
import { SMOTE_DEFAULTS } from '../smote/smote.ts';

/** Images below this side show a network of QANA's depth too little to learn from. */
const SMALLEST_SIDE = 32;

/**
 * QANA's own recipe with fewer epochs: four fifths of them on images of half the side, where that is not too small, then
 * one that rounds.
 */
export function ablationRecipe(epochs: number, inputSize = QANA_RECIPE.network.inputSize): Recipe {
  const halves = inputSize / 2 >= SMALLEST_SIDE ? Math.min(Math.round(0.8 * epochs), epochs - 1) : 0;
  const schedule = [
    { inputSize: inputSize / 2, epochs: halves },
    { inputSize, epochs: epochs - halves },
  ].filter((part) => part.epochs > 0);
  const { float, quantisation, ...rest } = QANA_RECIPE;
  return {
    ...rest,
    network: { ...rest.network, inputSize },
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
