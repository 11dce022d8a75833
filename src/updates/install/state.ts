/** What is installed on a device, as it is kept: of each kind two slots, which of them serves, whether it is on trial. */
import { isDeepStrictEqual } from 'node:util';
import { z } from 'zod';
import { LEARNING, plainName, RELEASE_KINDS } from '../release.ts';
import { SLOTS, type Slot } from './contract.ts';

export type Kind = (typeof RELEASE_KINDS)[number];

export const STATE_SCHEMA = 'spikescope/installed/1';
/** Releases that were refused, and names of releases whose versions are known, at most; the oldest go first. */
const REMEMBERED = 32;
/** Characters of a text that is kept, at most. */
const TEXT = 1_000;

const slot = z.enum(SLOTS);
const text = z.string().max(TEXT + 1);
const digest = z.string().regex(/^([0-9a-f]{64}|[0-9a-f]{128})$/);
const time = z.iso.datetime();
const count = z.int().min(0);

const proofSchema = z.strictObject({
  passed: z.boolean(),
  items: z
    .array(
      z.strictObject({
        name: z.string().max(200),
        passed: z.boolean(),
        measured: z.number().nullable(),
        required: text,
      }),
    )
    .max(64),
});

const occupantSchema = z.strictObject({
  target: z.string().min(1).max(1_000),
  /** The role that signed it. */
  role: z.string().max(200),
  name: plainName,
  version: plainName,
  kind: z.enum(RELEASE_KINDS),
  /** SHA-256 or SHA-512 of the target, hexadecimal. */
  hash: digest,
  /** Bytes of the target. */
  length: count,
  change: text,
  notes: text,
  /** What becomes of what was learned with the model before; null where the release does not say. */
  learning: z.enum(LEARNING).nullable().default(null),
  /** Null as long as it was not proven on this device. */
  proof: proofSchema.nullable(),
  installedAt: time,
  /** When its trial ended well; null before that. */
  confirmedAt: time.nullable(),
  /** Why it is not to be used; null where it may be. */
  refused: text.nullable(),
});
export type Occupant = z.infer<typeof occupantSchema>;

const trialSchema = z.strictObject({
  slot,
  /** What served before, and serves again where the trial fails; null for what came with the program. */
  previous: slot.nullable(),
  /** Starts that have begun and did not end in an orderly way, one after the other. */
  starts: count,
  /** Captures that gave a reading. */
  captures: count,
  since: time,
});

const kindSchema = z
  .strictObject({
    /** Null: what came with the program. */
    active: slot.nullable(),
    slots: z.strictObject({ a: occupantSchema.nullable(), b: occupantSchema.nullable() }),
    /** Proven, and waiting for a start. */
    pending: slot.nullable(),
    trial: trialSchema.nullable(),
    /** The newest version of each name that was ever confirmed here; oldest first. */
    confirmed: z.array(z.strictObject({ name: plainName, version: plainName })).max(REMEMBERED),
    /** What was proven bad, fell back or was rolled back; oldest first. */
    refusals: z.array(z.strictObject({ hash: digest, reason: text })).max(REMEMBERED),
  })
  .refine(isConsistent, 'slots that do not fit each other');
export type KindState = z.infer<typeof kindSchema>;

export const stateSchema = z.strictObject({
  schema: z.literal(STATE_SCHEMA),
  /** Rises with each change: the newer of two copies is the one that counts. */
  revision: count,
  model: kindSchema,
  application: kindSchema,
  configuration: kindSchema,
  /** Where a device has slots for it; programs from before there were any do not know of it. */
  system: kindSchema.default(() => NOTHING),
});
export type InstalledState = z.infer<typeof stateSchema>;

interface Parts {
  active: Slot | null;
  slots: Record<Slot, { refused: string | null } | null>;
  pending: Slot | null;
  trial: { slot: Slot; previous: Slot | null } | null;
}

function isConsistent({ active, slots, pending, trial }: Parts): boolean {
  const mayServe = (which: Slot | null) => which === null || slots[which]?.refused === null;
  if (!mayServe(active) || !mayServe(pending)) return false;
  if (pending !== null && (pending === active || trial !== null)) return false;
  return trial === null || (trial.slot === active && trial.previous !== active && mayServe(trial.previous));
}

const NOTHING: KindState = {
  active: null,
  slots: { a: null, b: null },
  pending: null,
  trial: null,
  confirmed: [],
  refusals: [],
};

/** A device as it came: nothing was ever installed. */
export function factoryState(): InstalledState {
  return {
    schema: STATE_SCHEMA,
    revision: 0,
    model: NOTHING,
    application: NOTHING,
    configuration: NOTHING,
    system: NOTHING,
  };
}

/** As it is kept. What was never installed of a system is left out, for programs that do not know of it. */
export function keptForm({ system, ...state }: InstalledState): object {
  return isDeepStrictEqual(system, NOTHING) ? state : { ...state, system };
}

/** What serves of a kind; null for what came with the program. */
export function activeOf({ active, slots }: KindState): Occupant | null {
  return active === null ? null : slots[active];
}

/** What waits for a start; null for nothing. */
export function pendingOf({ pending, slots }: KindState): Occupant | null {
  return pending === null ? null : slots[pending];
}

export function otherSlot(one: Slot): Slot {
  return one === 'a' ? 'b' : 'a';
}

/** A text from outside, as long as it is kept. */
export function kept(words: string): string {
  return words.length <= TEXT ? words : `${words.slice(0, TEXT)}…`;
}

/** A list with one more at its end, and no longer than is remembered. */
export function remembered<T>(list: readonly T[], one: T): T[] {
  return [...list, one].slice(-REMEMBERED);
}
