import type { RateRecipe } from '../recipes/recipe.ts';

/**
 * Learning rate of a step: up in a straight line over the first `warmUp` share of all steps, then down along half a cosine
 * to `peak` × `floor` (Loshchilov and Hutter 2017, equation 5, without restarts).
 * @param step from 0
 */
export function learningRateAt({ peak, warmUp, floor }: RateRecipe, step: number, steps: number): number {
  const warm = warmUp * steps;
  if (step < warm) return (peak * (step + 1)) / Math.max(warm, 1);
  const share = (step - warm) / Math.max(steps - warm, 1);
  return peak * (floor + (1 - floor) * 0.5 * (1 + Math.cos(Math.PI * share)));
}
