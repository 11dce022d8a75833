import { z } from 'zod';
import type { InstalledKind, InstalledRelease, InstalledView } from '../updates/installed-view.ts';
import { progressSchema, UPDATE_SCHEMA, type UpdateOperation } from '../updates/progress.ts';
import { RELEASE_KINDS } from '../updates/release.ts';
import { bytesOf, deviceSchema, MAXIMUM_MESSAGE_BYTES, timeSchema } from './payload.ts';

const releaseSchema = z.strictObject({
  name: z.string().max(128),
  version: z.string().max(128),
  installedAt: z.string().max(32).describe('ISO 8601, UTC, by the clock of the device'),
});

const kindSchema = z.strictObject({
  active: releaseSchema.nullable().describe('In use; null where that is what came with the program'),
  pending: releaseSchema.nullable().describe('Proven, and waits for the next start'),
  trial: z.boolean().describe('Whether what is in use is still watched'),
  refused: z
    .array(releaseSchema.extend({ reason: z.string().max(240) }))
    .max(2)
    .describe('What the device has given up, and why'),
});

/** Nothing in it is of a person, a place or a file of the device. */
export const updateSchema = z
  .strictObject({
    schema: z.literal(UPDATE_SCHEMA),
    device: deviceSchema,
    at: timeSchema,
    application: z.string().max(64).describe('Version of the program that runs'),
    operation: progressSchema.shape.operation
      .nullable()
      .describe('The update that is under way, or was the last; null where there was none'),
    installed: z
      .strictObject({
        model: kindSchema.optional(),
        application: kindSchema.optional(),
        configuration: kindSchema.optional(),
        system: kindSchema.optional(),
      })
      .nullable()
      .describe('By kind of release; null where nothing was ever installed'),
  })
  .meta({
    title: 'spikescope update',
    description: 'Retained: the update that is under way or was the last, and what is installed.',
  });
export type UpdateAnnouncement = z.infer<typeof updateSchema>;

/** What there is to tell of updates. */
export interface UpdateState {
  readonly operation: UpdateOperation | null;
  readonly installed: InstalledView | null;
}

/** @param application version of the program */
export function updateAnnouncementOf(
  device: string,
  application: string,
  { operation, installed }: UpdateState,
  at = new Date(),
): UpdateAnnouncement {
  const announcement = (detailed: boolean): UpdateAnnouncement => ({
    ...{ schema: UPDATE_SCHEMA, device, at: at.toISOString(), application, operation },
    installed:
      installed &&
      Object.fromEntries(
        RELEASE_KINDS.flatMap((kind) => {
          const found = installed[kind];
          return found === undefined ? [] : [[kind, kindOf(found, detailed)]];
        }),
      ),
  });
  const whole = announcement(true);
  return bytesOf(JSON.stringify(whole)) <= MAXIMUM_MESSAGE_BYTES ? whole : announcement(false);
}

/** @param detailed false to say of what was given up no more than that it was */
function kindOf({ active, pending, onTrial, refused }: InstalledKind, detailed: boolean) {
  return {
    active: active && shown(active),
    pending: pending && shown(pending),
    trial: onTrial,
    refused: refused.map((each) => ({ ...shown(each), reason: detailed ? each.reason : '' })),
  };
}

function shown({ name, version, installedAt }: InstalledRelease) {
  return { name, version, installedAt };
}
