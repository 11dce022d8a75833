import { z } from 'zod';
import { faultCodeSchema } from './payload.ts';

/** How the card is that reads where it can. */
export const cardStateSchema = z.strictObject({
  serves: z.boolean().describe('Whether it reads now; else the processor does'),
  fault: faultCodeSchema.nullable().describe('Code of the error for which it does not; null while it does'),
  faults: z.int().min(0).describe('How often it has failed since the start'),
});
export type CardState = Readonly<z.infer<typeof cardStateSchema>>;

const count = z.int().min(0);

/** The same, and what the system says of its link. */
export const cardHealthSchema = z.strictObject({
  ...cardStateSchema.shape,
  link: z
    .string()
    .max(64)
    .nullable()
    .describe('Speed and lanes, for example 5.0 GT/s PCIe x1; null where the system does not say'),
  linkErrors: z
    .strictObject({ correctable: count, nonfatal: count, fatal: count })
    .nullable()
    .describe('Since the start of the system; null where it does not count'),
});
export type CardHealth = Readonly<z.infer<typeof cardHealthSchema>>;
