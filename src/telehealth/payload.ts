/** Parts that several published documents share. */
import { z } from 'zod';
import { BACKEND_NAMES } from '../backend-names.ts';
import { deviceIdSchema } from '../store/identity.ts';

/** No published message is larger than this, in bytes of UTF-8. */
export const MAXIMUM_MESSAGE_BYTES = 4000;

export const deviceSchema = deviceIdSchema.describe('Name of the device, as in the topic');

export const timeSchema = z.iso.datetime().describe('ISO 8601, UTC, by the clock of the device');

/** SHA-256 in hexadecimal. */
export const digestSchema = z.string().regex(/^[0-9a-f]{64}$/);

/** Of an error, as docs/use/errors.md has it. */
export const faultCodeSchema = z.string().regex(/^[A-Z][A-Z0-9_]{0,63}$/);

export const modelIdentitySchema = z
  .strictObject({
    name: z.string().min(1).max(128),
    version: z.string().min(1).max(64),
    digest: digestSchema.describe('SHA-256 of the model bundle'),
  })
  .describe('The model that made the reading');

export const backendSchema = z.enum(BACKEND_NAMES).describe('What ran the model');

/** Bytes that a text takes in a message. */
export function bytesOf(text: string): number {
  return Buffer.byteLength(text, 'utf8');
}
