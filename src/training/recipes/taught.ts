/** QANA taught by networks that have seen other things first (`--teacher`); they look at the same views as their pupil. */
import { type Augmentation, CAMERAS } from '../data/augmentation.ts';
import { QANA_RECIPE } from './qana.ts';
import type { Recipe, StageRecipe } from './recipe.ts';

/** What teachers and pupils see alike, so that an answer that is remembered serves them all. */
export const TAUGHT_AUGMENTATION: Augmentation = { ...QANA_RECIPE.float.augmentation, camera: CAMERAS };

/** After so many epochs the views come again. */
export const DISTINCT_EPOCHS = 32;

const FLOAT: StageRecipe = {
  ...QANA_RECIPE.float,
  rate: { peak: 2e-3, warmUp: 0.04, floor: 0 },
  loss: { ...QANA_RECIPE.float.loss, distillation: { temperature: 2, weight: 0.8 } },
  augmentation: TAUGHT_AUGMENTATION,
  distinctEpochs: DISTINCT_EPOCHS,
};

/** Goes on from QANA's fourth cycle (`--initial`). */
export const QANA_TAUGHT: Recipe = {
  ...QANA_RECIPE,
  name: 'qana-taught',
  float: {
    ...FLOAT,
    schedule: [
      { inputSize: 48, epochs: 6 },
      { inputSize: 64, epochs: 22 },
    ],
  },
};

/** Goes on from that, with a better teacher (`--initial`). The mean of the two ships (`spikescope average`). */
export const QANA_TAUGHT_AGAIN: Recipe = {
  ...QANA_TAUGHT,
  name: 'qana-taught-again',
  float: {
    ...FLOAT,
    schedule: [
      { inputSize: 48, epochs: 4 },
      { inputSize: 64, epochs: 18 },
    ],
  },
};

/**
 * The same network on images of 128×128; goes on from that at 64×64 (`--initial`), which may teach it: half of what it
 * learns is the labels', since its teacher has not seen what only the larger image shows.
 */
export const QANA128: Recipe = {
  ...QANA_RECIPE,
  name: 'qana128',
  network: { ...QANA_RECIPE.network, inputSize: 128 },
  float: {
    ...FLOAT,
    loss: { ...FLOAT.loss, distillation: { temperature: 2, weight: 0.5 } },
    schedule: [
      { inputSize: 96, epochs: 5 },
      { inputSize: 128, epochs: 11 },
    ],
  },
};
