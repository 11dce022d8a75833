/** The JSON document of a checkpoint: its schema, and the way back. */
import { z } from 'zod';
import { sizeOf } from '../architecture/parameters.ts';
import { architectureSchema } from '../architecture/schema.ts';
import { ARRAYS, ArrayWriter } from '../bundle/arrays.ts';
import { classNames, scale, share, whole } from '../bundle/fields.ts';
import type { Arrays, Checkpoint } from './format.ts';

const count = z.int().min(0);
/** Epochs at most: years of training. */
const epochs = whole(0, 1_000_000);

/** A map is stored as a list of pairs, which keeps its order and any name. */
function byName<Value>(value: z.ZodType<Value>) {
  return z.array(z.tuple([z.string().min(1), value])).transform((pairs, context) => {
    const map: ReadonlyMap<string, Value> = new Map(pairs);
    if (map.size !== pairs.length) context.addIssue('a name comes twice');
    return map;
  });
}

const array = z
  .strictObject({ shape: z.array(z.int().min(1)).max(4), values: ARRAYS.float32 })
  .refine(({ shape, values }) => sizeOf(shape) === values.length, 'an array does not have its shape');
const arrays = byName(array);
const activation = z
  .strictObject({
    scale,
    zeroPoint: count,
    maximum: z.int().min(1).max(255),
    group: z.string().min(1),
  })
  .refine(({ zeroPoint, maximum }) => zeroPoint <= maximum, 'a zero point lies outside the range');
const scales = ARRAYS.float64.refine(
  (values) => values.every((value) => scale.safeParse(value).success),
  'a scale lies outside its range',
);
const weights = z.strictObject({ limit: z.int().min(1).max(127), scales });

/** Schema of the whole document, its references resolved by `withArrays`. */
export const checkpointSchema: z.ZodType<Checkpoint> = z.strictObject({
  architecture: architectureSchema,
  classes: classNames,
  parameters: arrays,
  statistics: arrays,
  averages: arrays.nullable(),
  quantisation: z.strictObject({ activations: byName(activation), weights: byName(weights) }).nullable(),
  optimiser: z.strictObject({ steps: count, first: arrays, second: arrays }).nullable(),
  progress: z.strictObject({
    seed: count,
    epochs,
    best: z.strictObject({ epoch: epochs, macroF1: share }).nullable(),
    finished: z.boolean(),
  }),
  metrics: z.record(z.string(), z.number()),
  recipe: z.json(),
});

/** Replaces every typed array by a reference into the returned data. */
export function checkpointDocument(checkpoint: Checkpoint): { document: unknown; data: Uint8Array } {
  const writer = new ArrayWriter();
  const pairs = (arrays: Arrays) =>
    Array.from(arrays, ([name, { shape, values }]) => [name, { shape, values: writer.add(values) }]);
  const { parameters, statistics, averages, quantisation, optimiser } = checkpoint;
  const document = {
    architecture: checkpoint.architecture,
    classes: checkpoint.classes,
    parameters: pairs(parameters),
    statistics: pairs(statistics),
    averages: averages && pairs(averages),
    quantisation: quantisation && {
      activations: [...quantisation.activations],
      weights: Array.from(quantisation.weights, ([layer, { limit, scales }]) => [
        layer,
        { limit, scales: writer.add(scales) },
      ]),
    },
    optimiser: optimiser && {
      steps: optimiser.steps,
      first: pairs(optimiser.first),
      second: pairs(optimiser.second),
    },
    progress: checkpoint.progress,
    metrics: checkpoint.metrics,
    recipe: checkpoint.recipe,
  };
  return { document, data: writer.bytes() };
}
