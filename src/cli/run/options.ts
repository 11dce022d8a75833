import { z } from 'zod';
import { UsageError } from '../../errors.ts';
import { firstIssue } from '../../schema.ts';

function wholeNumber(low: number, high: number) {
  const expected = `a whole number from ${low} to ${high}`;
  return z
    .string()
    .regex(/^\d+$/, expected)
    .transform(Number)
    .refine((value) => value >= low && value <= high, expected);
}

const optionsSchema = z.object({
  source: z.string(),
  cameraSize: z
    .string()
    .regex(/^\d{1,5}x\d{1,5}$/, 'WIDTHxHEIGHT in pixels, for example 1280x960')
    .transform((size) => size.split('x').map(Number)),
  cameraRate: wholeNumber(1, 120),
  cameraStride: wholeNumber(2, 65_536).optional(),
  count: wholeNumber(1, 1_000_000_000).optional(),
  broker: z.string(),
  brokerPort: wholeNumber(0, 65_535).optional(),
  ca: z.string().optional(),
  cert: z.string().optional(),
  key: z.string().optional(),
  model: z.string().optional(),
  data: z.string().min(1, 'the path of a folder').optional(),
  deviceId: z.string().optional(),
  interval: wholeNumber(0, 86_400_000).optional(),
  seed: wholeNumber(0, 2 ** 32 - 1),
  json: z.boolean().default(false),
});
export type RunOptions = z.infer<typeof optionsSchema>;

/** @throws UsageError `OPTION_VALUE`, `OPTION_COMBINATION` */
export function parseRunOptions(raw: unknown): RunOptions {
  const parsed = optionsSchema.safeParse(raw);
  if (!parsed.success) {
    const { field, problem } = firstIssue(parsed.error);
    throw new UsageError('OPTION_VALUE', 'An option has a value that it cannot have', {
      field: optionOf(field),
      expected: problem,
    });
  }
  const options = parsed.data;
  const external = options.broker !== 'embedded';
  if (external && options.brokerPort !== undefined) {
    throw new UsageError('OPTION_COMBINATION', '--broker-port is for the embedded broker', {
      received: `--broker ${options.broker}`,
      remedy: 'write the port into the broker’s URL',
    });
  }
  if (!external && (options.ca ?? options.cert ?? options.key) !== undefined) {
    throw new UsageError('OPTION_COMBINATION', '--ca, --cert and --key are for a broker at mqtts://…', {
      received: '--broker embedded',
    });
  }
  return options;
}

function optionOf(field: string): string {
  return `--${field.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;
}
