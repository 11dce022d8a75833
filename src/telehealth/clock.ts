import { z } from 'zod';

/**
 * What a device knows of its clock where that is not certain. `unsynchronised`: the system says that no time source has set
 * it, or the time is certainly wrong. `unknown`: the system tells nothing.
 */
export const clockSchema = z.enum(['unsynchronised', 'unknown']);

/** Null: a time source has set the clock. */
export type ClockState = z.infer<typeof clockSchema> | null;
