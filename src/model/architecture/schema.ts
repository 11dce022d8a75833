/** Architectures from outside, checked. */
import { z } from 'zod';
import { SpikescopeError } from '../../errors.ts';
import { elementCount } from '../graph.ts';
import type { Architecture } from './architecture.ts';
import { multiplyAdds, shapesOf } from './shapes.ts';

/** What one image may cost, elements of all tensors and multiply-adds: an integer graph may cost no more. */
const MAXIMUM_ACTIVATIONS = 2 ** 27;
const MAXIMUM_MULTIPLY_ADDS = 2 ** 35;

const name = z.string().min(1).max(256);
const size = z.int().min(1).max(65_536);
const window = {
  name,
  input: name,
  kernel: z.int().min(1).max(31),
  stride: z.int().min(1).max(31),
  bias: z.boolean(),
  border: z.literal('centred').exactOptional(),
};

const layer = z.discriminatedUnion('op', [
  z.strictObject({ op: z.literal('convolution'), ...window, filters: size }),
  z.strictObject({ op: z.literal('depthwise'), ...window }),
  z.strictObject({ op: z.literal('dense'), name, input: name, units: size, bias: z.boolean() }),
  z.strictObject({ op: z.literal('batchNorm'), name, input: name, epsilon: z.number().min(1e-12).max(1) }),
  z.strictObject({
    op: z.literal('relu'),
    name,
    input: name,
    maximum: z.number().min(1e-6).max(1e6).nullable(),
  }),
  z.strictObject({ op: z.literal('sigmoid'), name, input: name }),
  z.strictObject({ op: z.literal('concat'), name, inputs: z.array(name).min(1).max(4096) }),
  z.strictObject({ op: z.literal('add'), name, inputs: z.array(name).min(1).max(4096) }),
  z.strictObject({ op: z.literal('multiply'), name, input: name, gate: name }),
  z.strictObject({ op: z.enum(['averagePool', 'maxPool']), name, input: name, size }),
  z.strictObject({ op: z.literal('globalMean'), name, input: name }),
  z.strictObject({ op: z.literal('flatten'), name, input: name }),
  z.strictObject({ op: z.literal('dropout'), name, input: name, rate: z.number().min(0).lt(1) }),
]);

export const architectureSchema: z.ZodType<Architecture> = z
  .strictObject({
    name: z.string().min(1).max(128),
    inputShape: z.tuple([size, size, size]),
    layers: z.array(layer).min(1).max(10_000),
    output: name,
  })
  .superRefine((architecture, context) => {
    try {
      const excess = excessOf(architecture);
      if (excess !== null) context.addIssue({ code: 'custom', message: excess });
    } catch (error) {
      if (!(error instanceof SpikescopeError)) throw error;
      context.addIssue({ code: 'custom', message: error.describe() });
    }
  });

/** What is too large in it, in words; null where nothing is. @throws SpikescopeError `ARCHITECTURE` */
function excessOf(architecture: Architecture): string | null {
  const activations = [...shapesOf(architecture).values()].reduce(
    (sum, shape) => sum + elementCount(shape),
    0,
  );
  if (activations > MAXIMUM_ACTIVATIONS) {
    return `expected at most ${MAXIMUM_ACTIVATIONS} activations, received ${activations}`;
  }
  const work = multiplyAdds(architecture);
  return work > MAXIMUM_MULTIPLY_ADDS
    ? `expected at most ${MAXIMUM_MULTIPLY_ADDS} multiply-adds, received ${work}`
    : null;
}
