import type { EfficientNetLiteVariant } from '../../model/networks/efficientnet-lite.ts';
import { QANA_RECIPE } from './qana.ts';
import type { NetworkRecipe, Recipe, StageRecipe } from './recipe.ts';
import { DISTINCT_EPOCHS, TAUGHT_AUGMENTATION } from './taught.ts';

const FLOAT: StageRecipe = {
  ...QANA_RECIPE.float,
  schedule: [
    { inputSize: 96, epochs: 6 },
    { inputSize: 128, epochs: 12 },
  ],
  optimiser: 'adamw',
  rate: { peak: 5e-4, warmUp: 0.05, floor: 0 },
  weightDecay: 0.02,
  loss: { ...QANA_RECIPE.float.loss, distillation: { temperature: 2, weight: 0.5 } },
  augmentation: TAUGHT_AUGMENTATION,
  distinctEpochs: DISTINCT_EPOCHS,
};

function fineTuning(name: string, network: NetworkRecipe): Recipe {
  return { name, network, float: FLOAT, quantisation: null };
}

/** A network that was trained on photographs of other things, at 128×128; `--initial` gives its weights. */
export function efficientNetLiteRecipe(variant: EfficientNetLiteVariant): Recipe {
  const name = `efficientnet-lite${variant}`;
  return fineTuning(name, { kind: 'efficientnet-lite', variant, inputSize: 128, headDropout: 0.2 });
}

/** A second cycle on the result of the first (`--initial`), taught by it and by others. */
export const EFFICIENTNET_LITE0_SECOND_CYCLE: Recipe = {
  ...efficientNetLiteRecipe(0),
  name: 'efficientnet-lite0-second-cycle',
  float: {
    ...FLOAT,
    schedule: [{ inputSize: 128, epochs: 9 }],
    rate: { peak: 4e-4, warmUp: 0.05, floor: 0 },
  },
};

/** At its own size throughout, on photographs as one camera takes them: a teacher of what is seen there. */
export const EFFICIENTNET_LITE0_PLAIN: Recipe = {
  ...efficientNetLiteRecipe(0),
  name: 'efficientnet-lite0-plain',
  float: {
    ...QANA_RECIPE.float,
    schedule: [{ inputSize: 128, epochs: 14 }],
    optimiser: 'adamw',
    rate: FLOAT.rate,
    weightDecay: FLOAT.weightDecay,
  },
};

/** The same, taught by QANA of both sizes besides: what `efficientnet128` is made by. */
const TAUGHT: StageRecipe = {
  ...EFFICIENTNET_LITE0_PLAIN.float,
  loss: { ...EFFICIENTNET_LITE0_PLAIN.float.loss, distillation: { temperature: 2, weight: 0.4 } },
};

/** From ImageNet weights, at a rate that hardly falls. */
export const EFFICIENTNET_LITE0_WARM_UP: Recipe = {
  ...efficientNetLiteRecipe(0),
  name: 'efficientnet-lite0-warm-up',
  float: {
    ...TAUGHT,
    schedule: [{ inputSize: 96, epochs: 4 }],
    rate: { ...FLOAT.rate, warmUp: 0.36, floor: 0.979 },
  },
};

/** Goes on from that (`--initial`). */
export const EFFICIENTNET_LITE0_TAUGHT: Recipe = {
  ...efficientNetLiteRecipe(0),
  name: 'efficientnet-lite0-taught',
  float: {
    ...TAUGHT,
    schedule: [
      { inputSize: 96, epochs: 9 },
      { inputSize: 128, epochs: 10 },
    ],
    rate: { ...FLOAT.rate, warmUp: 0.02 },
  },
};

/** Fine-tuning of any network of the kinds that `convert` takes. */
export const FINE_TUNING: Recipe = fineTuning('fine-tune', {
  kind: 'imported',
  inputSize: 128,
  headDropout: 0.2,
});
