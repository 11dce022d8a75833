/** Architectures from outside, checked. */
import { z } from 'zod';
import { SpikescopeError } from '../../errors.ts';
import type { Architecture } from './architecture.ts';
import { shapesOf } from './shapes.ts';

const name = z.string().min(1).max(256);
const size = z.int().min(1).max(65_536);
const window = {
  name,
  input: name,
  kernel: z.int().min(1).max(31),
  stride: z.int().min(1).max(31),
  bias: z.boolean(),
};

const layer = z.discriminatedUnion('op', [
  z.strictObject({ op: z.literal('convolution'), ...window, filters: size }),
  z.strictObject({ op: z.literal('depthwise'), ...window }),
  z.strictObject({ op: z.literal('dense'), name, input: name, units: size, bias: z.boolean() }),
  z.strictObject({ op: z.literal('batchNorm'), name, input: name, epsilon: z.number().positive() }),
  z.strictObject({ op: z.literal('relu'), name, input: name, maximum: z.number().positive().nullable() }),
  z.strictObject({ op: z.literal('sigmoid'), name, input: name }),
  z.strictObject({ op: z.literal('concat'), name, inputs: z.array(name).min(1) }),
  z.strictObject({ op: z.literal('add'), name, inputs: z.array(name).min(1) }),
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
      shapesOf(architecture);
    } catch (error) {
      if (!(error instanceof SpikescopeError)) throw error;
      context.addIssue({ code: 'custom', message: error.describe() });
    }
  });
