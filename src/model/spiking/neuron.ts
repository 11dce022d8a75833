/**
 * Integrate and fire with subtractive reset (specification §6, equation 15), under a drive that is constant
 * over a window of T steps:
 *
 *   v(0) = θ/2;  at each step  v ← v + drive;  where v ≥ θ: one spike, v ← v − θ
 *
 * With drive in 0…θ the number of spikes is floor(1/2 + T × drive/θ): a drive rounded to T levels, ties upwards,
 * which is how the integer engine rounds a value to 0…255.
 */

/**
 * Spikes of one neuron over a window: 0…steps.
 * @param drive current per step, 0…threshold
 */
export type Neuron = (drive: number, threshold: number, steps: number) => number;

/** Step by step, as the equation says. Judges `countSpikes`. */
export const integrateAndFire: Neuron = (drive, threshold, steps) => {
  let potential = threshold / 2;
  let spikes = 0;
  for (let step = 0; step < steps; step++) {
    potential += drive;
    if (potential >= threshold) {
      spikes++;
      potential -= threshold;
    }
  }
  return spikes;
};

/** The same number at once. Exact for the drives of a graph: every term is below 2^53. */
export const countSpikes: Neuron = (drive, threshold, steps) =>
  Math.floor((threshold / 2 + steps * drive) / threshold);
