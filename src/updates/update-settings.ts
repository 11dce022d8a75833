import { z } from 'zod';
import { CHANNELS, plainName } from './release.ts';

const WINDOW = 'a time of day to another, for example 02:00-04:00';

/** Where a device takes releases from by itself, and when; the section `updates` of its configuration. */
export const updateSettingsSchema = z.strictObject({
  from: z.string().min(1).optional().describe('Address of the repository, or a folder; a stick needs none'),
  root: z
    .string()
    .min(1)
    .optional()
    .describe('Root that this device is set up with; the first counts, and it is kept'),
  channel: z.enum(CHANNELS, CHANNELS.join(', ')).default('stable').describe('Whose releases it takes'),
  site: plainName.optional().describe('Site whose own office releases to it too'),
  window: z
    .string(WINDOW)
    .regex(/^([01]\d|2[0-3]):[0-5]\d-([01]\d|2[0-3]):[0-5]\d$/, WINDOW)
    .optional()
    .describe('Hours in which it asks, local time; by default any'),
  jitter: z
    .int('whole minutes, up to 720')
    .min(0)
    .max(720, 'whole minutes, up to 720')
    .default(0)
    .describe('Minutes of which a random part passes before it asks'),
  bandwidth: z
    .int('kB/s, a whole number from 1')
    .min(1, 'kB/s, a whole number from 1')
    .max(1_000_000)
    .optional()
    .describe('Of the network at most, in thousands of bytes per second; by default all there is'),
});
export type UpdateSettings = z.infer<typeof updateSettingsSchema>;
