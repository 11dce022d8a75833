import { z } from 'zod';
import { UsageError } from '../../errors.ts';
import { firstIssue } from '../../schema.ts';
import { COMMAND_NAMES, type CommandName, commandNameSchema } from '../../telehealth/commands/command.ts';
import { DEFAULT_DISCOVERY_PREFIX } from '../../telehealth/discovery.ts';

function wholeNumber(low: number, high: number) {
  const expected = `a whole number from ${low} to ${high}`;
  return z
    .string()
    .regex(/^\d+$/, expected)
    .transform(Number)
    .refine((value) => value >= low && value <= high, expected);
}

/** Levels of a topic, without wildcards. */
const topicLevels = z
  .string()
  .regex(
    /^[A-Za-z0-9_-]{1,32}(\/[A-Za-z0-9_-]{1,32}){0,3}$/,
    'a prefix of topics, for example homeassistant',
  );

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
  trigger: z.enum(['auto', 'buttons'], 'auto or buttons').optional(),
  seed: wholeNumber(0, 2 ** 32 - 1),
  allowCommands: z
    .string()
    .transform((list) => list.split(',').filter((name) => name !== ''))
    .pipe(z.array(commandNameSchema, `names of ${COMMAND_NAMES.join(', ')}, separated by commas`))
    .transform((names): ReadonlySet<CommandName> => new Set(names)),
  fhir: z.boolean().default(false),
  homeAssistant: z.union([z.literal(true).transform(() => DEFAULT_DISCOVERY_PREFIX), topicLevels]).optional(),
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
