/** What can go wrong with a card, as far as whoever talks to it sees. */
import { z } from 'zod';

export const FAULTS = [
  /** Every register and all memory reads as ones. */
  'dead',
  /** The driver gives transfers up. */
  'timeout',
  /** Nothing answers, not even the driver. */
  'silent',
  /** Three of four bytes are missing. */
  'short-transfer',
  /** Pulled out of its slot. */
  'unplugged',
  /** It identifies itself as an earlier chip. */
  'other-version',
  /** The end of a configuration is never told. */
  'no-interrupt',
  /** The size of a queue reads back otherwise than it was written. */
  'register',
  /** Images stay in the queue. */
  'full-queue',
  /** Images are taken and never done with. */
  'stale-job',
  /** A job is done that nobody asked for. */
  'unknown-job',
  /** An event lies outside the output. */
  'event-outside',
  /** The header announces more words than fit. */
  'too-many-words',
  /** Answers are random, most of them near what is right. */
  'random-output',
] as const;

export const faultSchema = z.strictObject({
  kind: z.enum(FAULTS),
  /** Images that are answered before. Default 0: it is there from the start. */
  afterImages: z.number().int().min(0).optional(),
  /** For what is random. */
  seed: z.number().int().optional(),
});
export type Fault = z.infer<typeof faultSchema>;
export type FaultKind = Fault['kind'];
