/**
 * What the journal says of a change of the head. A change names the head before and the head after it by their digests, so
 * that the records of one bundle form a way from its factory head to the one in use.
 */
import { z } from 'zod';
import { RISKS } from '../../model/bundle/class-table-section.ts';
import type { EventDraft, JournalRecord, RecordDraft, RecordKind } from '../../store/chain.ts';
import { PRESSED_BY } from './outcome.ts';
import type { HeadAndMemory, LearnedState } from './state.ts';

/** What a learner asks of the journal. */
export interface LearningJournal {
  record(drafts: readonly EventDraft[]): number;
  payloadsOf(caseId: string, kind: RecordKind): string[];
  records(): Iterable<JournalRecord>;
}

const CHANGES = ['update', 'undo', 'reset'] as const;
/** `command-line`: a reset. `recovery`: the device itself, at its start. */
const ACTORS = [...PRESSED_BY, 'command-line', 'recovery'] as const;
export type Actor = (typeof ACTORS)[number];
const by = z.enum(ACTORS);
const digest = z.string().regex(/^[0-9a-f]{64}$/);
const share = z.number().min(0).max(1);
const figures = z.strictObject({
  ...{ balancedAccuracy: share, sensitivity: share.nullable() },
  ...{ triageSensitivity: share.nullish(), watchedTriageSensitivity: share.nullish() },
});

const label = z.strictObject({ update: z.uuid(), label: z.string().min(1).max(64), by });
const change = { update: z.uuid(), by, before: digest, after: digest };
const changeBackSchema = z.strictObject(change);
const updateSchema = z.strictObject({
  ...{ ...label.shape, ...change },
  kept: z.boolean(),
  newClass: z.boolean(),
  /** As it was said of a class that is new. */
  risk: z.enum(RISKS).optional(),
  /** Of the way to the head that was asked for. */
  share,
  /** Logits by which the malignant classes were raised for triage; absent where they were not. */
  lift: z.number().positive().max(16).optional(),
  reason: z.string().optional(),
  guard: z.strictObject({ factory: figures, before: figures, proposed: figures }),
});
/** Of what was learned with another model, when this one took its place: the case of the records that say so. */
export const CARRIED_CASE = 'learned';
const carried = {
  event: z.literal('learned'),
  /** Who had the model changed. */
  by: z.string().max(200),
  /** The model before, and the head that was learned with it. */
  from: z.strictObject({ bundle: digest, head: digest }),
  /** The model after. */
  to: digest,
};
const refittedSchema = z.strictObject({
  ...{ ...carried, update: z.uuid(), before: digest, after: digest },
  outcome: z.literal('refitted'),
  cases: z.int().min(1),
  share,
  lift: z.number().positive().max(16).optional(),
  guard: z.strictObject({ factory: figures, proposed: figures }),
});
const parkedSchema = z.strictObject({ ...carried, outcome: z.literal('parked'), reason: z.string() });
const carriedSchema = z.discriminatedUnion('outcome', [refittedSchema, parkedSchema]);
export type CarriedDetails = z.infer<typeof carriedSchema>;
export type UpdateDetails = z.infer<typeof updateSchema>;
export type ChangeBackDetails = z.infer<typeof changeBackSchema>;

/** What a record must be to stand in a file: any of its fields may have been made up. */
export const recordSchema = z.strictObject({
  kind: z.enum([...CHANGES, 'provision']),
  caseId: z.string().regex(/^[\w.:-]{1,64}$/),
  payload: z.string().max(4096),
});

export function updateRecord(caseId: string, details: UpdateDetails): RecordDraft {
  return { kind: 'update', caseId, payload: JSON.stringify(details) };
}

export function changeBackRecord(
  kind: 'undo' | 'reset',
  caseId: string,
  details: ChangeBackDetails,
): RecordDraft {
  return { kind, caseId, payload: JSON.stringify(details) };
}

/** What became of what was learned when another model took the place of the one it was learned with. */
export function carriedRecord(details: CarriedDetails): RecordDraft {
  return { kind: 'provision', caseId: CARRIED_CASE, payload: JSON.stringify(details) };
}

/** All that is recorded of the kind, oldest first. */
export function carriedIn(journal: LearningJournal): CarriedDetails[] {
  return journal
    .payloadsOf(CARRIED_CASE, 'provision')
    .flatMap((payload) => carriedSchema.safeParse(jsonOf(payload)).data ?? []);
}

/** The label in the payload of a label's record, of whichever form. */
export function labelIn(payload: string): string {
  return z.object({ label: z.string() }).parse(JSON.parse(payload)).label;
}

/**
 * All that is recorded of a change, in one commit: before it what a person said.
 * @param said the verdict that an update answers to, or its withdrawal; without one, an update is preceded by its label
 */
export function recordsOf(record: RecordDraft, said: readonly EventDraft[] = []): EventDraft[] {
  if (record.kind !== 'update' || said.length > 0) return [...said, record];
  const { update, label: name, by: who } = updateSchema.parse(JSON.parse(record.payload));
  const payload = JSON.stringify({ update, label: name, by: who } satisfies z.infer<typeof label>);
  return [{ kind: 'label', caseId: record.caseId, payload }, record];
}

export function isRecorded(journal: LearningJournal, { caseId, kind, payload }: RecordDraft): boolean {
  return journal.payloadsOf(caseId, kind).includes(payload);
}

/** What takes a change back that was recorded but never used; null for a record that names no heads. */
export function withdrawalOf(record: RecordDraft): RecordDraft | null {
  const details = detailsOf(record);
  if (details === null) return null;
  const { update, before, after } = details;
  return changeBackRecord('undo', record.caseId, { update, by: 'recovery', before: after, after: before });
}

/**
 * Why the record that a state brings along cannot be that of the state, or has no place in the journal; null when it is
 * there, or may be added.
 */
export function recordProblem(
  state: LearnedState,
  digestOf: (state: HeadAndMemory) => string,
  journal: LearningJournal,
): string | null {
  const { record } = state;
  const details = record && detailsOf(record);
  if (record === null || details === null) return 'no record of the change that led to it';
  if (details.after !== digestOf(state)) return 'a record of another head';
  if (record.kind === 'reset' && (state.memory.length > 0 || state.history.length > 0)) {
    return 'a record of a reset for a head that has learned';
  }
  if (record.kind === 'provision' && state.history.length > 0) {
    return 'a record of another model’s head for one that has learned since';
  }
  if (record.kind === 'update') {
    const earlier = state.history.at(-1);
    const isBefore = earlier?.caseId === record.caseId && digestOf(earlier) === details.before;
    if (!isBefore) return 'a record of an update of another head';
  }
  if (state.history.some((earlier) => !isConfirmed(earlier, digestOf(earlier), journal))) {
    return 'an earlier head that the journal does not have';
  }
  return isRecorded(journal, record) ? null : additionProblem(details, journal);
}

/** Whether the journal's updates of a case, where it has any, know the head before as this one. */
function isConfirmed({ caseId }: { caseId: string }, head: string, journal: LearningJournal): boolean {
  const updates = journal.payloadsOf(caseId, 'update');
  return updates.length === 0 || updates.some((payload) => headsOf(payload)?.before === head);
}

/**
 * A journal takes what follows from the last that it knows of that head, or what it knows nothing of: it may be a new one.
 */
function additionProblem({ update, before }: Heads, journal: LearningJournal): string | null {
  let known: Heads | null = null;
  for (const { kind, payload } of journal.records()) {
    const heads = recordSchema.shape.kind.safeParse(kind).success ? headsOf(payload) : null;
    if (heads?.update === update) return 'another record of this change than the journal has';
    if (heads?.before === before || heads?.after === before) known = heads;
  }
  return known === null || known.after === before ? null : 'a record that does not follow from the journal';
}

function detailsOf({ kind, payload }: RecordDraft): Heads | null {
  const kept = updateSchema.refine((update) => update.kept);
  const schema = kind === 'update' ? kept : kind === 'provision' ? refittedSchema : changeBackSchema;
  const parsed = schema.safeParse(jsonOf(payload));
  return parsed.success ? parsed.data : null;
}

const headsSchema = z.object({ update: z.string(), before: z.string(), after: z.string() });
type Heads = z.infer<typeof headsSchema>;

/** Of any record of a change, by whichever version. */
function headsOf(payload: string): Heads | null {
  return headsSchema.safeParse(jsonOf(payload)).data ?? null;
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
