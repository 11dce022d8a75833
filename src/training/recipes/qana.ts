import { type Augmentation, DEFAULT_AUGMENTATION } from '../data/augmentation.ts';
import type { Recipe, StageRecipe } from './recipe.ts';

/** Any rotation and flip; sizes, shapes, shifts and light as photographs of one lesion differ. */
const AUGMENTATION: Augmentation = {
  ...DEFAULT_AUGMENTATION,
  geometry: {
    probability: 1,
    rotation: 180,
    scale: [0.8, 1.25],
    aspect: [0.89, 1.13],
    shift: 0.1,
    shear: 7,
  },
  mixing: { kind: 'mixup', probability: 1, alpha: 0.2 },
};

const FLOAT: StageRecipe = {
  schedule: [
    { inputSize: 32, epochs: 14 },
    { inputSize: 48, epochs: 6 },
    { inputSize: 64, epochs: 6 },
  ],
  batch: 32,
  rate: { peak: 3e-3, warmUp: 0.06, floor: 0 },
  optimiser: 'muon',
  weightDecay: 0.05,
  averageDecay: 0.998,
  loss: {
    balance: { kind: 'inverseFrequency', power: 0.25 },
    logitAdjustment: 0,
    labelSmoothing: 0.05,
    distillation: { temperature: 2, weight: 0.7 },
  },
  augmentation: AUGMENTATION,
  patience: null,
  select: 'last',
};

/** QANA at 64×64, eight bits throughout. */
export const QANA_RECIPE: Recipe = {
  name: 'qana',
  network: {
    kind: 'qana',
    inputSize: 64,
    widths: [32, 64, 128, 256],
    ghost: true,
    spatialAttention: true,
    squeezeExcite: true,
    dropout: 0,
    headDropout: 0.2,
  },
  float: FLOAT,
  quantisation: {
    bits: { activations: 8, weights: 8, firstWeights: 8 },
    learnActivationSteps: false,
    calibrationImages: 128,
    stage: {
      ...FLOAT,
      schedule: [{ inputSize: 64, epochs: 1 }],
      optimiser: 'adamw',
      rate: { peak: 1e-4, warmUp: 0.1, floor: 0 },
      averageDecay: 0.995,
    },
  },
};

/** A second cycle on the result of the first (`--initial`), mostly at the full image size. */
export const QANA_SECOND_CYCLE: Recipe = {
  ...QANA_RECIPE,
  name: 'qana-second-cycle',
  float: {
    ...FLOAT,
    schedule: [
      { inputSize: 48, epochs: 6 },
      { inputSize: 64, epochs: 18 },
    ],
    rate: { peak: 2e-3, warmUp: 0.04, floor: 0 },
  },
};

/**
 * A third cycle: from the second, and taught by it (`--initial` and `--teacher` name the same checkpoint; self-distillation
 * as in Furlanello et al. 2018, Born-Again Neural Networks).
 */
export const QANA_THIRD_CYCLE: Recipe = {
  ...QANA_RECIPE,
  name: 'qana-third-cycle',
  float: {
    ...FLOAT,
    schedule: [
      { inputSize: 48, epochs: 4 },
      { inputSize: 64, epochs: 28 },
    ],
    rate: { peak: 3e-3, warmUp: 0.04, floor: 0 },
    loss: { ...FLOAT.loss, distillation: { temperature: 2, weight: 0.5 } },
  },
};

/** A fourth: from the third, and taught by it. */
export const QANA_FOURTH_CYCLE: Recipe = {
  ...QANA_THIRD_CYCLE,
  name: 'qana-fourth-cycle',
  float: {
    ...QANA_THIRD_CYCLE.float,
    schedule: [{ inputSize: 64, epochs: 18 }],
    rate: { peak: 2e-3, warmUp: 0.04, floor: 0 },
  },
};
