import { z } from 'zod';
import { cardHealthSchema } from './card.ts';
import { deviceSchema, modelIdentitySchema, timeSchema } from './payload.ts';

export const HEALTH_SCHEMA = 'spikescope/health/1';

/** Nothing in it is of a person, a place or a file. */
export const healthSchema = z
  .strictObject({
    schema: z.literal(HEALTH_SCHEMA),
    device: deviceSchema,
    at: timeSchema,
    uptime: z.int().min(0).describe('Seconds since the program started'),
    model: modelIdentitySchema,
    outbox: z.strictObject({
      depth: z.int().min(0).describe('Messages that the broker has not acknowledged'),
      oldest: timeSchema.nullable().describe('When the first of them was recorded'),
    }),
    storage: z.strictObject({
      level: z.enum(['ample', 'low', 'full']),
      headroom: z.number().min(0).describe('Bytes that results may still take'),
    }),
    captures: z.int().min(0).describe('Since the start'),
    frameAge: z
      .number()
      .min(0)
      .nullable()
      .describe('Milliseconds since the camera gave a frame; null without one'),
    temperature: z.number().nullable().describe('Of the processor, °C; null where it cannot be read'),
    throttled: z
      .boolean()
      .nullable()
      .describe('Whether the board slows down for heat or a weak supply; null where it cannot be read'),
    memory: z.int().min(0).describe('Bytes of resident memory'),
    card: cardHealthSchema.optional().describe('Absent where no card is in use'),
  })
  .meta({ title: 'spikescope health', description: 'Retained: how the device is, about once a minute.' });
export type Health = z.infer<typeof healthSchema>;
