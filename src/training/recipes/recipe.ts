/** A recipe: everything that decides what a training makes of a data set, but for the seed. */
import { z } from 'zod';
import { EFFICIENTNET_LITE_VARIANTS } from '../../model/networks/efficientnet-lite.ts';
import { augmentationSchema } from '../data/augmentation.ts';

const share = z.number().min(0).max(1);
const whole = z.int().min(1);
const widths = z.array(z.int().min(1).max(4096)).min(1).max(8).readonly();
const rate = z.number().min(0).lt(1);

const networkSchema = z.discriminatedUnion('kind', [
  z.strictObject({
    kind: z.literal('qana'),
    inputSize: whole,
    widths,
    ghost: z.boolean(),
    spatialAttention: z.boolean(),
    squeezeExcite: z.boolean(),
    /** Rates of the dropouts in the blocks and before the head. */
    dropout: rate,
    headDropout: rate,
  }),
  z.strictObject({ kind: z.literal('qana-akd1000'), inputSize: whole, widths, headDropout: rate }),
  z.strictObject({
    kind: z.literal('efficientnet-lite'),
    variant: z.literal(EFFICIENTNET_LITE_VARIANTS),
    inputSize: whole,
    headDropout: rate,
  }),
  /** That of the ONNX model which training starts from. */
  z.strictObject({ kind: z.literal('imported'), inputSize: whole, headDropout: rate }),
]);

const rateSchema = z.strictObject({
  /** Highest learning rate. */
  peak: z.number().positive().max(1),
  /** Share of all steps in which it rises. */
  warmUp: share,
  /** Share of the peak that is left at the end. */
  floor: share,
});

const lossSchema = z.strictObject({
  balance: z.discriminatedUnion('kind', [
    z.strictObject({ kind: z.literal('none') }),
    z.strictObject({ kind: z.literal('inverseFrequency'), power: share }),
    z.strictObject({ kind: z.literal('effectiveNumber'), beta: share.lt(1) }),
  ]),
  /** τ of logit adjustment; 0 is none. */
  logitAdjustment: z.number().min(0).max(4),
  labelSmoothing: rate,
  /** Used where teachers are given. */
  distillation: z.strictObject({ temperature: z.number().positive().max(100), weight: share }).nullable(),
});

const stageSchema = z.strictObject({
  /** Epochs at each side of the training images, in turn. The last side is the network's own. */
  schedule: z.array(z.strictObject({ inputSize: whole, epochs: whole })).min(1),
  batch: whole.max(4096),
  rate: rateSchema,
  /** `muon` for the pointwise convolutions that do not read the image, AdamW for all else; or AdamW for all. */
  optimiser: z.enum(['adamw', 'muon']),
  weightDecay: z.number().min(0).max(10),
  /** Decay of the moving averages that answer, per step. */
  averageDecay: rate,
  loss: lossSchema,
  augmentation: augmentationSchema,
  /**
   * Epochs that show views of their own; then the same views come again, and what teachers said of them is remembered.
   * Default: every epoch's are its own.
   */
  distinctEpochs: whole.optional(),
  /** Epochs without a better validation macro F1 after which a stage ends; null: never. */
  patience: whole.nullable(),
  /** Which epoch's averages are the result. */
  select: z.enum(['best', 'last']),
});

const bits = z.union([z.literal(4), z.literal(8)]);

const quantisationSchema = z.strictObject({
  bits: z.strictObject({ activations: bits, weights: bits, firstWeights: bits }),
  /** Whether the activations' steps learn too, or stay as calibrated. Steps of weights below eight bits always learn. */
  learnActivationSteps: z.boolean(),
  /** Images of the training split on which quantised training's first steps are calibrated. */
  calibrationImages: whole,
  stage: stageSchema,
});

export const recipeSchema = z.strictObject({
  name: z.string().min(1).max(64),
  network: networkSchema,
  float: stageSchema,
  /** Null: the float network is the result. */
  quantisation: quantisationSchema.nullable(),
});

export type Recipe = Readonly<z.infer<typeof recipeSchema>>;
export type NetworkRecipe = z.infer<typeof networkSchema>;
export type StageRecipe = z.infer<typeof stageSchema>;
export type QuantisationRecipe = z.infer<typeof quantisationSchema>;
export type LossRecipe = z.infer<typeof lossSchema>;
export type RateRecipe = z.infer<typeof rateSchema>;
