/** The retained documents of a device: whether it is there, and which model it runs. */
import { z } from 'zod';
import { type CardState, cardStateSchema } from './card.ts';
import { type ClockState, clockSchema } from './clock.ts';
import {
  backendSchema,
  bytesOf,
  deviceSchema,
  MAXIMUM_MESSAGE_BYTES,
  modelIdentitySchema,
  timeSchema,
} from './payload.ts';

export const STATUS_SCHEMA = 'spikescope/status/1';
const MAXIMUM_CLASSES = 64;
export const MODEL_SCHEMA = 'spikescope/model/1';

export const statusSchema = z
  .strictObject({
    schema: z.literal(STATUS_SCHEMA),
    device: deviceSchema,
    status: z
      .enum(['online', 'stopped', 'offline'])
      .describe(
        'online: connected. stopped: ended on purpose. offline: lost, said by the broker in its name',
      ),
    at: timeSchema.optional().describe('Absent in offline, which was written when the device connected'),
    clock: clockSchema
      .optional()
      .describe(
        'Where the time may be wrong: why; absent once a time source has set the clock, and in offline',
      ),
    card: cardStateSchema.optional().describe('How the card is; absent where none is in use, and in offline'),
  })
  .meta({ title: 'spikescope status', description: 'Retained: whether the device is there.' });
export type Status = z.infer<typeof statusSchema>;

export const modelSchema = z
  .strictObject({
    schema: z.literal(MODEL_SCHEMA),
    device: deviceSchema,
    model: modelIdentitySchema,
    backend: backendSchema,
    instructionSet: z.string().max(32).describe('What the engine uses of the processor'),
    classes: z
      .array(z.string().min(1).max(64))
      .max(MAXIMUM_CLASSES)
      .describe('The first of them, as many as fit the message'),
    classCount: z.int().min(1),
  })
  .meta({ title: 'spikescope model', description: 'Retained: the model that the device runs.' });
export type ModelAnnouncement = z.infer<typeof modelSchema>;

export function statusOf(
  device: string,
  status: Status['status'],
  at?: Date,
  { clock = null, card = null }: { readonly clock?: ClockState; readonly card?: CardState | null } = {},
): Status {
  const now = at && {
    at: at.toISOString(),
    ...(clock !== null && { clock }),
    ...(card !== null && { card: { serves: card.serves, fault: card.fault, faults: card.faults } }),
  };
  return { schema: STATUS_SCHEMA, device, status, ...now };
}

export interface ModelInUse extends Pick<ModelAnnouncement, 'model' | 'backend' | 'instructionSet'> {
  readonly classes: readonly string[];
}

export function modelAnnouncementOf(device: string, { classes, ...use }: ModelInUse): ModelAnnouncement {
  const announcement = (shown: number): ModelAnnouncement => ({
    schema: MODEL_SCHEMA,
    device,
    ...use,
    classes: classes.slice(0, shown),
    classCount: classes.length,
  });
  let shown = Math.min(classes.length, MAXIMUM_CLASSES);
  while (shown > 0 && bytesOf(JSON.stringify(announcement(shown))) > MAXIMUM_MESSAGE_BYTES) shown--;
  return announcement(shown);
}
