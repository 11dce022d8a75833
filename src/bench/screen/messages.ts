/** What the screen's bench and its device, a process of its own, say to each other. */
import { z } from 'zod';

export const argumentsSchema = z.strictObject({
  data: z.string(),
  cameraSize: z.string(),
  cameraRate: z.int().min(1),
  hasScreen: z.boolean(),
});
export type DeviceArguments = z.infer<typeof argumentsSchema>;

export const requestSchema = z.strictObject({
  id: z.int(),
  /** capture and undo: as the buttons do. framed: when the flow was given each frame. memory and cpu: what it uses. */
  ask: z.enum(['capture', 'undo', 'framed', 'memory', 'cpu', 'end']),
});
export type DeviceRequest = z.infer<typeof requestSchema>;

export const answerSchema = z.strictObject({
  id: z.int(),
  /** Address of the page; in the first answer alone, whose `id` is 0. */
  url: z.string().nullish(),
  /** The result of a capture; null where none was made. */
  result: z.string().nullish(),
  /** By result: milliseconds since 1970. */
  framed: z.record(z.string(), z.number()).optional(),
  memory: z
    .strictObject({ resident: z.number(), reachable: z.number() })
    .optional()
    .describe('Bytes: resident, and of the heap and beside it after a collection'),
  /** Milliseconds of a core since the start. */
  cpu: z.number().optional(),
});
export type DeviceAnswer = z.infer<typeof answerSchema>;
export type MemoryUse = NonNullable<DeviceAnswer['memory']>;

/** To somebody hostile: ask, or be silent and say what was answered. */
export const hostileWordSchema = z.enum(['go', 'pause']);
export type HostileWord = z.infer<typeof hostileWordSchema>;

export const hostileAnswerSchema = z.strictObject({
  sent: z.int(),
  answers: z.record(z.string(), z.int()).describe('How many of each since the start'),
});
export type HostileAnswer = z.infer<typeof hostileAnswerSchema>;
