/**
 * What server and page say to each other. The page imports types from here and words from `words.ts`, so that nothing of
 * this is loaded by it; the server checks what comes against these schemas, and docs/schema has them as JSON Schema.
 *
 * The stream is of whole states: a page that has missed some has missed nothing. Texts are keys that the page translates;
 * names of classes come in the languages that the bundle has.
 */
import { z } from 'zod';
import {
  BODY_SITES,
  FAULT_KEYS,
  LANGUAGES,
  NO_FRAME_CODES,
  PARTS,
  REFUSAL_CODES,
  REMEDY_KEYS,
  RETAKE_KEYS,
  RIGHTS,
  ROLES,
  SEVERITIES,
  STATUS_KEYS,
  THEMES,
} from './words.ts';

export const SCREEN_SCHEMA = 'spikescope/screen/1';

const share = z.number().min(0).max(1);
const time = z.iso.datetime().describe('ISO 8601, UTC, by the clock of the device');
const className = z.string().min(1).max(64);
const faultCode = z.string().regex(/^[A-Z][A-Z0-9_]{0,63}$/);

/** As the flow of the appliance has them. */
export const flowStateSchema = z.enum([
  'idle',
  'capturing',
  'reading',
  'retake',
  'awaitingConfirmation',
  'confirmingUndo',
  'learning',
  'undoing',
]);

const classSchema = z.strictObject({
  code: className,
  names: z.record(z.string(), z.string()).describe('By language; empty where the bundle has no words for it'),
  risk: z.enum(['malignant', 'premalignant', 'benign', 'unknown']),
  added: z.boolean().describe('Whether it was added on this device'),
});

/** A pseudonym that a clinic gives: nothing that names a person passes for one. */
export const identifierSchema = z
  .string()
  .regex(/^[A-Za-z0-9][A-Za-z0-9._/:-]{0,63}$/, '1 to 64 letters, digits and . _ / : - , without blanks');

/** Of whom the readings are. */
export const contextSchema = z.strictObject({
  encounter: identifierSchema.nullable().describe('Of the visit, as the clinic numbers it'),
  subject: identifierSchema.nullable().describe('Pseudonym of the patient'),
  bodySite: z.enum(BODY_SITES).nullable(),
});
export type PatientContext = z.infer<typeof contextSchema>;

const readingSchema = z.strictObject({
  result: z.uuid(),
  capturedAt: time,
  accepted: z.boolean().describe('False: to be taken again'),
  reasons: z.array(z.enum(RETAKE_KEYS)).describe('Why it has to be taken again'),
  diagnosis: className.describe('A class, `indeterminate` or `retake`'),
  triage: z
    .enum(['refer', 'routine', 'indeterminate'])
    .nullable()
    .describe('What to do; null for a retake or a model that does not triage'),
  malignancy: share.nullable().describe('Calibrated probability that the lesion has to be seen to'),
  unfamiliar: z.boolean().describe('Whether the lesion is unlike those of training'),
  probabilities: z
    .array(z.strictObject({ code: className, probability: share }))
    .describe('Of all classes, most probable first'),
  confidence: z
    .enum(['high', 'medium', 'low'])
    .nullable()
    .describe('How sure the reading is, in steps, of its most probable class; null for a retake'),
  hasFrozenFrame: z.boolean(),
  hasSaliency: z.boolean(),
});
export type ScreenReading = z.infer<typeof readingSchema>;

const figureSchema = z.strictObject({ value: share, low: share, high: share });
/** What the figures mean: measured before delivery, with intervals of 95 %. */
const modelSchema = z.strictObject({
  name: z.string(),
  version: z.string(),
  triage: z
    .strictObject({
      sensitivity: figureSchema,
      watchedSensitivity: figureSchema.nullable().describe('Of the class that may least be missed'),
      watchedClass: className.nullable(),
      specificity: figureSchema,
      threshold: share,
      lesions: z.strictObject({ malignant: z.int(), watched: z.int().nullable() }),
    })
    .nullable(),
  learned: z.boolean().describe('Whether a head that has learned here reads'),
});

const gateFigures = z.strictObject({
  balancedAccuracy: share,
  sensitivity: share.nullable().describe('Of the watched class'),
  triageSensitivity: share.nullable(),
  watchedTriageSensitivity: share.nullable(),
});

const outcomeSchema = z.strictObject({
  result: z.uuid().nullable(),
  label: className.nullable(),
  verdict: z.enum(['confirmed', 'corrected', 'withdrawn']),
  outcome: z
    .enum(['kept', 'refused', 'not-learned', 'undone', 'nothing-to-undo'])
    .describe('refused: by the gate. not-learned: the verdict is recorded, nothing could be learned of it'),
  newClass: z.boolean(),
  addedAs: z.enum(['malignant', 'benign']).nullable(),
  reason: z.string().max(400).nullable().describe('In English, for whoever wants to know more'),
  figures: z
    .strictObject({ factory: gateFigures, before: gateFigures, proposed: gateFigures })
    .nullable()
    .describe('Of the check images of the bundle, before and after'),
});
export type TeachOutcome = z.infer<typeof outcomeSchema>;

const learningSchema = z.strictObject({
  enabled: z.boolean(),
  remembered: z.int().min(0).describe('Cases that the head remembers'),
  undoable: z
    .strictObject({ label: className.nullable(), result: z.uuid().nullable() })
    .nullable()
    .describe('What undo would take back'),
  last: outcomeSchema.nullable().describe('Until the next capture'),
});

const statusItemSchema = z.strictObject({
  part: z.enum(PARTS),
  severity: z.enum(SEVERITIES),
  message: z.enum(STATUS_KEYS),
  remedy: z.enum(REMEDY_KEYS).nullable(),
  code: faultCode.nullable(),
  values: z.record(z.string(), z.union([z.string(), z.number()])),
});
export type StatusItem = z.infer<typeof statusItemSchema>;

const faultSchema = z.strictObject({
  code: faultCode,
  message: z.enum(FAULT_KEYS),
  remedy: z.enum(REMEDY_KEYS).nullable(),
});

const viewfinderSchema = z.strictObject({
  state: z
    .enum(['live', 'stale', 'absent'])
    .describe('stale: it has stopped, blank the view. absent: there is none, or none for this client'),
  age: z.number().min(0).nullable().describe('Milliseconds since the last frame, when this was said'),
  rate: z.number().min(0).nullable().describe('Frames a second that are offered'),
});

export const stateSchema = z
  .strictObject({
    schema: z.literal(SCREEN_SCHEMA),
    sequence: z.int().min(1).describe('Increasing within a start'),
    at: time,
    device: z.string(),
    source: z.enum(['phantom', 'replay', 'libcamera', 'v4l2']).describe('phantom, replay: a demonstration'),
    flow: z.strictObject({
      state: flowStateSchema,
      automatic: z.boolean().describe('Captures are taken by themselves; nothing is asked'),
      proposed: className.nullable().describe('The label that confirming would teach'),
      takingBack: className
        .nullable()
        .describe('In confirmingUndo: the label that a second undo takes back, where it is known'),
      fault: faultSchema.nullable(),
    }),
    reading: readingSchema.nullable().describe('The last one, until the next capture or patient'),
    classes: z.array(classSchema).describe('Of the model, and those that were added'),
    model: modelSchema,
    learning: learningSchema,
    session: z.strictObject({
      open: z.boolean().describe('Whether the next capture belongs to the same patient as the last'),
      captures: z.int().min(0).describe('Of this session'),
    }),
    context: z.strictObject({
      allowed: z.boolean().describe('By the configuration'),
      current: contextSchema.nullable(),
      scanning: z.boolean(),
    }),
    status: z.array(statusItemSchema).describe('One for each part, in the order of PARTS'),
    viewfinder: viewfinderSchema,
    display: z.strictObject({
      blank: z.boolean().describe('Nothing is shown until somebody touches or presses'),
      language: z.enum(LANGUAGES),
      theme: z.enum(THEMES),
      blankAfter: z.int().min(0).max(120).describe('Minutes; 0: never'),
    }),
    settings: z.strictObject({
      pin: z.enum(['unset', 'set']),
      unlockedUntil: time.nullable(),
      waitUntil: time.nullable().describe('After wrong PINs: no other is taken before'),
      paired: z.array(z.strictObject({ id: z.string(), role: z.enum(ROLES), since: time })),
    }),
    client: z.strictObject({ role: z.enum(ROLES), rights: z.array(z.enum(RIGHTS)) }),
    ending: faultSchema.nullable().describe('The appliance ends now, and why; null for as long as it works'),
  })
  .meta({
    title: 'spikescope screen state',
    description:
      'All that a screen shows, as each event of the stream has it. For research, not a medical device.',
  });
export type ScreenState = z.infer<typeof stateSchema>;

/** What a page needs before anything else. */
export const startSchema = z.strictObject({
  schema: z.literal(SCREEN_SCHEMA),
  token: z.string().describe('Of this start: goes into the header of each command'),
  version: z.string().describe('Of the program'),
  languages: z.array(z.enum(LANGUAGES)),
  pairing: z.boolean().describe('This client is none yet: only pairing is open to it'),
});
export type ScreenStart = z.infer<typeof startSchema>;

const result = z.uuid().describe('The reading that is meant: another one is refused');
const pin = z.string().regex(/^\d{4,12}$/, '4 to 12 digits');

/** What a page can ask for. Each does what a button, a key or a message does. */
export const commandSchema = z
  .discriminatedUnion('command', [
    z.strictObject({ command: z.literal('capture') }),
    z.strictObject({ command: z.literal('confirm'), result }),
    /** Offers the next most probable label for confirming. */
    z.strictObject({ command: z.literal('next-label'), result }),
    z.strictObject({ command: z.literal('correct'), result, label: className }),
    z.strictObject({
      command: z.literal('add-class'),
      result,
      label: className.describe('A code: a letter, then letters, digits and hyphens'),
      risk: z.enum(['malignant', 'premalignant', 'benign']).optional(),
    }),
    /** Lets a reading go without a verdict; in confirmingUndo keeps what would be taken back. */
    z.strictObject({ command: z.literal('dismiss') }),
    /** Asks; a second time, in confirmingUndo, it takes back. */
    z.strictObject({ command: z.literal('undo') }),
    /** Forgets reading, frozen frame and context; the next capture begins a session. */
    z.strictObject({ command: z.literal('next-patient') }),
    z.strictObject({ command: z.literal('set-context'), context: contextSchema }),
    z.strictObject({ command: z.literal('clear-context') }),
    /** Looks for a code in the viewfinder, at most 20 s; `data.text` of the reply is what it says. */
    z.strictObject({ command: z.literal('scan') }),
    z.strictObject({ command: z.literal('stop-scan') }),
    /** Somebody has touched the page: it is not blanked, or no longer. */
    z.strictObject({ command: z.literal('active') }),
    /** Where none is set, the first sets it. */
    z.strictObject({ command: z.literal('unlock'), pin }),
    z.strictObject({ command: z.literal('lock') }),
    z.strictObject({ command: z.literal('set-pin'), pin }),
    z.strictObject({
      command: z.literal('set'),
      setting: z.discriminatedUnion('name', [
        z.strictObject({ name: z.literal('language'), value: z.enum(LANGUAGES) }),
        z.strictObject({ name: z.literal('theme'), value: z.enum(THEMES) }),
        z.strictObject({ name: z.literal('blankAfter'), value: z.int().min(0).max(120) }),
        z.strictObject({ name: z.literal('automatic'), value: z.boolean() }),
      ]),
    }),
    /** Shows a code, `data.code`, by which another device is paired within two minutes. */
    z.strictObject({ command: z.literal('pair'), role: z.enum(['clinician', 'observer']) }),
    z.strictObject({ command: z.literal('unpair'), id: z.string().max(64) }),
  ])
  .meta({
    title: 'spikescope screen command',
    description: 'Sent as JSON by POST, with the token of the start.',
  });
export type ScreenCommand = z.infer<typeof commandSchema>;
export type ScreenCommandName = ScreenCommand['command'];

const data = z.record(z.string(), z.union([z.string(), z.number(), z.boolean(), z.null()]));
/** HTTP 200 for done, 409 for failed, 4xx for refused. */
export const replySchema = z.discriminatedUnion('outcome', [
  z.strictObject({ outcome: z.literal('done'), data: data.optional() }),
  z.strictObject({ outcome: z.literal('failed'), code: faultCode }),
  z.strictObject({ outcome: z.literal('refused'), code: z.union([z.enum(REFUSAL_CODES), faultCode]) }),
]);
export type CommandReply = z.infer<typeof replySchema>;

/** The body of 503 where there is no frame. */
export const noFrameSchema = z.strictObject({
  code: z.enum(NO_FRAME_CODES),
  age: z.number().min(0).nullable().describe('Milliseconds since the last one'),
});
export type NoFrame = z.infer<typeof noFrameSchema>;

/** What of the frozen frame speaks for the class that was read, smoothed. */
export const saliencySchema = z.strictObject({
  result: z.uuid(),
  code: className,
  width: z.int().min(1).describe('Of the frozen frame, pixels, as the square is given'),
  height: z.int().min(1),
  square: z.strictObject({ x: z.int(), y: z.int(), side: z.int().min(1) }),
  rows: z.int().min(1),
  columns: z.int().min(1),
  values: z.array(share).describe('Row by row; 1 is where most of it lies'),
});
export type SaliencyOverlay = z.infer<typeof saliencySchema>;

const historyEntrySchema = z.strictObject({
  sequence: z.int().min(1),
  result: z.uuid(),
  capturedAt: time,
  session: z.string().describe('Readings of one patient on one occasion have the same'),
  source: z.enum(['phantom', 'replay', 'libcamera', 'v4l2']),
  accepted: z.boolean(),
  reasons: z.array(z.enum(RETAKE_KEYS)),
  diagnosis: className,
  probability: share.nullable().describe('Of the class that is named'),
  triage: z.enum(['refer', 'routine', 'indeterminate']).nullable(),
  malignancy: share.nullable(),
  unfamiliar: z.boolean(),
  verdict: z
    .strictObject({ verdict: z.enum(['confirmed', 'corrected', 'withdrawn']), label: className })
    .nullable(),
  context: contextSchema.nullable().describe('Null also for clients without the right'),
  outbox: z.enum(['waiting', 'sent']),
});
export type HistoryEntry = z.infer<typeof historyEntrySchema>;

/** Newest first. */
export const historySchema = z.strictObject({
  entries: z.array(historyEntrySchema),
  next: z.int().nullable().describe('The `before` of the next page; null at the end'),
});
export type HistoryPage = z.infer<typeof historySchema>;

/** Any refusal of the server, as JSON; of a command it is a `CommandReply` with the outcome `refused`. */
export const refusalSchema = z.strictObject({ outcome: z.literal('refused'), code: faultCode });
