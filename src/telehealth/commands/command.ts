import { z } from 'zod';
import { deviceSchema, timeSchema } from '../payload.ts';

export const COMMAND_SCHEMA = 'spikescope/command/1';
export const RESPONSE_SCHEMA = 'spikescope/response/1';

export const COMMAND_NAMES = ['capture', 'label', 'undo', 'status', 'restart'] as const;
export type CommandName = (typeof COMMAND_NAMES)[number];
export const commandNameSchema = z.enum(COMMAND_NAMES);

const head = {
  schema: z.literal(COMMAND_SCHEMA),
  id: z
    .string()
    .regex(/^[A-Za-z0-9][A-Za-z0-9_.:-]{7,63}$/)
    .describe(
      'Chosen by the sender, new for each command: a second one with the same is refused as replayed',
    ),
};

/** What a command carries, by its name, which stands in the topic. */
export const commandSchemas = {
  capture: z.strictObject(head),
  label: z.strictObject({
    ...head,
    result: z.uuid().describe('The result that is labelled'),
    label: z
      .string()
      .min(1)
      .max(64)
      .describe('A class of the model, or the code of a new one: a letter, then letters, digits and hyphens'),
  }),
  undo: z.strictObject(head),
  status: z.strictObject(head),
  restart: z.strictObject(head),
} as const satisfies Record<CommandName, z.ZodType>;

/** A command that was admitted. */
export type Command = {
  readonly [Name in CommandName]: { readonly name: Name } & Readonly<z.infer<(typeof commandSchemas)[Name]>>;
}[CommandName];

export const commandSchema = z.union([commandSchemas.label, commandSchemas.capture]).meta({
  title: 'spikescope command',
  description: 'Sent to command/<name>. With result and label for the command label, without for all others.',
});

/** What the device can say in answer. */
export const responseSchema = z
  .strictObject({
    schema: z.literal(RESPONSE_SCHEMA),
    device: deviceSchema,
    command: z.string().max(64).describe('As in the topic'),
    id: z.string().max(64).optional().describe('As in the command, where that could be read'),
    at: timeSchema,
    outcome: z
      .enum(['done', 'refused', 'failed'])
      .describe('refused: not admitted, nothing was done. failed: admitted, but it did not work'),
    code: z
      .string()
      .regex(/^[A-Z][A-Z0-9_]{0,63}$/)
      .optional()
      .describe('Why, where the outcome is not done'),
    data: z
      .record(z.string().max(64), z.union([z.string().max(256), z.number(), z.boolean(), z.null()]))
      .optional(),
  })
  .meta({ title: 'spikescope response', description: 'The answer to a command.' });
export type CommandResponse = z.infer<typeof responseSchema>;

/** What became of a command that was admitted. */
export type CommandAnswer =
  | { readonly outcome: 'done'; readonly data?: NonNullable<CommandResponse['data']> }
  | { readonly outcome: 'failed'; readonly code: string };

/** Does what an admitted command asks for. A rejection counts as failed, with the error's code. */
export interface CommandHandler {
  handle(command: Command): Promise<CommandAnswer>;
  /** Whether a label can name a class; false refuses the command as `LABEL_INVALID` before it is recorded. */
  isLabel?(label: string): boolean;
}
