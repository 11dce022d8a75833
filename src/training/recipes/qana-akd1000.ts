import { QANA_RECIPE } from './qana.ts';
import type { Recipe, StageRecipe } from './recipe.ts';

const FLOAT: StageRecipe = {
  ...QANA_RECIPE.float,
  optimiser: 'adamw',
  augmentation: { ...QANA_RECIPE.float.augmentation, mixing: { kind: 'none', probability: 0, alpha: 0.2 } },
};

/** After so many epochs the views come again, so that teachers need not answer them anew. */
const DISTINCT_EPOCHS = 16;

/** The variant that lies whole on Akida 1.0: four bits, eight in the layer that reads the image. */
export const QANA_AKD1000_RECIPE: Recipe = {
  name: 'qana-akd1000',
  network: { kind: 'qana-akd1000', inputSize: 64, widths: [32, 64, 128, 256, 256], headDropout: 0.2 },
  float: {
    ...FLOAT,
    schedule: [
      { inputSize: 32, epochs: 8 },
      { inputSize: 64, epochs: 28 },
    ],
    distinctEpochs: DISTINCT_EPOCHS,
  },
  quantisation: {
    bits: { activations: 4, weights: 4, firstWeights: 8 },
    learnActivationSteps: true,
    calibrationImages: 128,
    stage: {
      ...FLOAT,
      schedule: [{ inputSize: 64, epochs: 6 }],
      rate: { peak: 5e-4, warmUp: 0.05, floor: 0 },
      averageDecay: 0.995,
      distinctEpochs: DISTINCT_EPOCHS,
    },
  },
};
