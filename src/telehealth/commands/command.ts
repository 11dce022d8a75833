import { z } from 'zod';
import { RISKS } from '../../model/bundle/class-table-section.ts';
import { deviceSchema, faultCodeSchema, timeSchema } from '../payload.ts';

export const COMMAND_SCHEMA = 'spikescope/command/1';
export const RESPONSE_SCHEMA = 'spikescope/response/1';

const head = {
  schema: z.literal(COMMAND_SCHEMA),
  id: z
    .string()
    .regex(/^[A-Za-z0-9][A-Za-z0-9_.:-]{7,63}$/)
    .describe(
      'Chosen by the sender, new for each command: a second one with the same is refused as replayed',
    ),
};

/**
 * The commands, by the name that stands in the topic, and what each carries. A new one is a line here and a case in
 * `ApplianceCommands`: settings, help, admission and published schema follow.
 */
export const commandSchemas = {
  capture: command('capture', {}),
  label: command('label', {
    result: z.uuid().describe('The result that is labelled'),
    label: z
      .string()
      .min(1)
      .max(64)
      .describe('A class of the model, or the code of a new one: a letter, then letters, digits and hyphens'),
    risk: z
      .enum(RISKS)
      .optional()
      .describe('How bad lesions of a new class are; where it is not said, triage takes them for malignant'),
  }),
  undo: command('undo', {}),
  status: command('status', {}),
  restart: command('restart', {}),
  // It asks, and no more: where from, and what, is never a message's to say.
  update: command('update', {}),
} as const;

/** What is sent under `name`, read as the command that it is. @param fields beside schema and id */
function command<Name extends string, Fields extends z.ZodRawShape>(name: Name, fields: Fields) {
  return z.strictObject({ ...head, ...fields }).transform((payload) => ({ name, ...payload }));
}

export const commandNameSchema = z.strictObject(commandSchemas).keyof();
export const COMMAND_NAMES = commandNameSchema.options;
export type CommandName = z.infer<typeof commandNameSchema>;

/** A command that was admitted. */
export type Command = Readonly<z.output<(typeof commandSchemas)[CommandName]>>;

/** Fields beside schema and id, of the commands that have any. */
const fieldsOf = new Map(
  COMMAND_NAMES.map(
    (name) => [name, Object.keys(commandSchemas[name].in.shape).filter(isField)] as const,
  ).filter(([, fields]) => fields.length > 0),
);

function isField(key: string): boolean {
  return !Object.hasOwn(head, key);
}

export const commandSchema = z
  .union([...[...fieldsOf.keys()].map((name) => commandSchemas[name].in), z.strictObject(head)])
  .meta({
    title: 'spikescope command',
    description: `Sent to command/<name>. ${[...fieldsOf].map(describeFields).join(' ')}, without for all others.`,
  });

function describeFields([name, fields]: readonly [CommandName, readonly string[]]): string {
  const { required = [] } = z.toJSONSchema(commandSchemas[name].in);
  const needed = fields.filter((field) => required.includes(field));
  const optional = fields.filter((field) => !required.includes(field));
  const more = optional.length === 0 ? '' : `, and optionally ${optional.join(' and ')},`;
  return `With ${needed.join(' and ')}${more} for the command ${name}`;
}

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
    code: faultCodeSchema.optional().describe('Why, where the outcome is not done'),
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
