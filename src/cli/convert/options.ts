import path from 'node:path';
import { z } from 'zod';
import { GHOST_POLICIES } from '../../conversion/compose/choose.ts';
import type { Normalisation } from '../../conversion/fold/input.ts';
import type { Bits, Precision } from '../../conversion/quantise/precision.ts';
import { RULES, TARGETS, type Target } from '../../conversion/targets/check.ts';
import { UsageError } from '../../errors.ts';
import { firstIssue } from '../../schema.ts';
import { normalisationOf } from '../shared/normalisation.ts';
import { optionName } from '../shared/options.ts';

const bits = z.enum(['4', '8']).optional();

const rawSchema = z.object({
  from: z.string(),
  calibration: z.string().optional(),
  out: z.string(),
  target: z.enum(TARGETS),
  allowHost: z.boolean().default(false),
  perTensor: z.boolean().default(false),
  perChannel: z.boolean().default(false),
  ghost: z.enum(GHOST_POLICIES).optional(),
  weightBits: bits,
  activationBits: bits,
  averages: z.boolean().default(true),
  mean: z.string().optional(),
  std: z.string().optional(),
  size: z.coerce.number().int().min(1).max(1024).optional(),
  output: z.string().min(1).optional(),
  acceptAgreement: z.coerce.number().min(0).max(1).optional(),
  images: z.coerce.number().int().min(1).max(100_000),
  splitFile: z.string().optional(),
  split: z.string(),
  name: z.string().min(1).max(128).optional(),
  versionLabel: z.string().min(1).max(64),
  classes: z.string().optional(),
  card: z.string().optional(),
  classesTable: z.string().optional(),
  json: z.boolean().default(false),
});

type RawOptions = z.infer<typeof rawSchema>;

export interface ConvertOptions
  extends Omit<RawOptions, 'mean' | 'std' | 'classes' | 'name' | 'weightBits' | 'activationBits'> {
  readonly name: string;
  readonly classes: readonly string[] | undefined;
  readonly normalisation: Normalisation | undefined;
  readonly precision: Precision;
  /** Options given that say how to quantise, which a network that was trained quantised already knows. */
  readonly quantising: readonly string[];
}

/** @throws UsageError `OPTION_VALUE`, `NORMALISATION` */
export function parseConvertOptions(raw: unknown): ConvertOptions {
  const parsed = rawSchema.safeParse(raw);
  if (!parsed.success) {
    const { field, expected } = firstIssue(parsed.error);
    throw new UsageError('OPTION_VALUE', 'An option has a value that it cannot have', {
      field: optionName(field),
      expected,
    });
  }
  const { mean, std, classes, name, weightBits, activationBits, ...rest } = parsed.data;
  const { perTensor, perChannel, ghost, averages } = rest;
  return {
    ...rest,
    name: name ?? path.parse(rest.from).name.slice(0, 128),
    classes: classes?.split(',').map((part) => part.trim()),
    normalisation: normalisationOf(mean, std),
    precision: {
      weights: bitsOf(weightBits, rest.target),
      activations: bitsOf(activationBits, rest.target),
    },
    quantising: given({
      '--mean': mean,
      '--std': std,
      '--ghost': ghost,
      '--weight-bits': weightBits,
      '--activation-bits': activationBits,
      '--per-tensor': perTensor || undefined,
      '--per-channel': perChannel || undefined,
      '--no-averages': !averages || undefined,
    }),
  };
}

function bitsOf(text: '4' | '8' | undefined, target: Target): Bits {
  if (text === undefined) return RULES[target].bits;
  return text === '4' ? 4 : 8;
}

function given(options: Readonly<Record<string, unknown>>): string[] {
  return Object.keys(options).filter((name) => options[name] !== undefined);
}
