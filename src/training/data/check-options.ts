import { z } from 'zod';
import { UsageError } from '../../errors.ts';
import { firstIssue } from '../../schema.ts';
import { augmentationSchema, DEFAULT_AUGMENTATION } from './augmentation.ts';
import type { TrainingDataOptions } from './training-data.ts';

const SIDE = z.number().int().min(1).max(16_384);
const SEED = z
  .number()
  .int()
  .min(0)
  .max(2 ** 32 - 1);

const optionsSchema = z.object({
  classes: z.array(z.string()).min(1).readonly(),
  splitSeed: SEED.default(0),
  inputSizes: z.array(SIDE).min(1).readonly(),
  batch: z.number().int().min(1).max(65_536),
  seed: SEED,
  augmentation: augmentationSchema.nullable(),
  copyAugmentation: augmentationSchema.default(DEFAULT_AUGMENTATION),
  shuffle: z.boolean().optional(),
  dropLast: z.boolean().default(false),
  classWeights: z.array(z.number().nonnegative()).readonly().nullable().default(null),
  frameSide: SIDE.nullable().default(150),
  unreadable: z.enum(['refuse', 'skip']).default('refuse'),
});

type Parsed = z.infer<typeof optionsSchema>;

/** The options with what was left out filled in. */
export type CheckedOptions = Omit<TrainingDataOptions, keyof Parsed> &
  Omit<Parsed, 'shuffle'> & { readonly shuffle: boolean };

/** @throws UsageError `TRAINING_OPTIONS` */
export function checkOptions(options: TrainingDataOptions): CheckedOptions {
  const parsed = optionsSchema.safeParse(options);
  if (!parsed.success) {
    const { field, problem } = firstIssue(parsed.error);
    throw new UsageError('TRAINING_OPTIONS', `The training data cannot be opened like this: ${problem}`, {
      field,
    });
  }
  const { classWeights, classes, augmentation, shuffle = augmentation !== null } = parsed.data;
  if (classWeights !== null && classWeights.length !== classes.length) {
    throw new UsageError('TRAINING_OPTIONS', 'There must be one sampling weight per class', {
      field: 'classWeights',
      expected: `${classes.length} numbers`,
      received: `${classWeights.length}`,
    });
  }
  return { ...options, ...parsed.data, shuffle };
}
