/** States of the screen as a device would tell them, each checked against the contract. */
import {
  type PatientContext,
  type ScreenReading,
  type ScreenState,
  type StatusItem,
  stateSchema,
  type TeachOutcome,
} from '../../../../src/ui/web/contract.ts';
import { PARTS, type Part, type RetakeKey, RIGHTS, ROLES } from '../../../../src/ui/web/words.ts';

export const RESULT = '7d6f1f0a-6a57-4a3e-9d1c-1f2a3b4c5d6e';

const CLASSES = [
  ['akiec', 'Actinic keratosis or intraepithelial carcinoma', 'premalignant'],
  ['bcc', 'Basal cell carcinoma', 'malignant'],
  ['bkl', 'Benign keratosis-like lesion', 'benign'],
  ['df', 'Dermatofibroma', 'benign'],
  ['mel', 'Melanoma', 'malignant'],
  ['nv', 'Melanocytic nevus', 'benign'],
  ['vasc', 'Vascular lesion', 'benign'],
] as const;

const WELL = {
  camera: 'camera.ok',
  card: 'card.ok',
  broker: 'broker.ok',
  storage: 'storage.ok',
  clock: 'clock.ok',
  update: 'update.none',
  learning: 'learning.on',
} as const;

export function itemOf(part: Part, change: Partial<StatusItem> = {}): StatusItem {
  return { part, severity: 'ok', message: WELL[part], remedy: null, code: null, values: {}, ...change };
}

/** A device at rest that works. */
export function restingState(change: Partial<ScreenState> = {}): ScreenState {
  return stateSchema.parse({
    schema: 'spikescope/screen/1',
    sequence: 1,
    at: '2026-03-02T09:30:00.000Z',
    device: 'dermoscope-7f3a',
    source: 'libcamera',
    flow: { state: 'idle', automatic: false, proposed: null, takingBack: null, fault: null },
    reading: null,
    classes: CLASSES.map(([code, en, risk]) => ({ code, names: { en }, risk, added: false })),
    model: {
      name: 'qana64',
      version: '2.1.0',
      triage: {
        sensitivity: { value: 0.951, low: 0.921, high: 0.971 },
        watchedSensitivity: { value: 0.932, low: 0.872, high: 0.966 },
        watchedClass: 'mel',
        specificity: { value: 0.524, low: 0.499, high: 0.549 },
        threshold: 0.12,
        lesions: { malignant: 305, watched: 118 },
      },
      learned: false,
    },
    learning: { enabled: true, remembered: 0, undoable: null, last: null },
    session: { open: false, captures: 0 },
    context: { allowed: true, current: null, scanning: false },
    status: PARTS.map((part) => itemOf(part)),
    viewfinder: { state: 'live', age: 20, rate: 20 },
    display: { blank: false, language: 'en', theme: 'light', blankAfter: 5 },
    settings: { pin: 'set', unlockedUntil: null, waitUntil: null, paired: [] },
    client: { role: ROLES[0], rights: [...RIGHTS] },
    ending: null,
    ...change,
  });
}

const PROBABILITIES = {
  refer: { mel: 0.62, nv: 0.21, bkl: 0.09, bcc: 0.04, akiec: 0.02, df: 0.01, vasc: 0.01 },
  routine: { nv: 0.93, bkl: 0.03, mel: 0.02, df: 0.01, vasc: 0.005, bcc: 0.003, akiec: 0.002 },
  indeterminate: { bkl: 0.34, nv: 0.28, mel: 0.19, akiec: 0.1, bcc: 0.05, df: 0.03, vasc: 0.01 },
} as const;
const MALIGNANCY = { refer: 0.71, routine: 0.03, indeterminate: 0.31 } as const;
const DIAGNOSIS = { refer: 'mel', routine: 'nv', indeterminate: 'indeterminate' } as const;
const CONFIDENCE = { refer: 'medium', routine: 'high', indeterminate: 'low' } as const;

export function readingOf(
  triage: 'refer' | 'routine' | 'indeterminate',
  change: Partial<ScreenReading> = {},
): ScreenReading {
  return {
    result: RESULT,
    capturedAt: '2026-03-02T09:31:00.000Z',
    accepted: true,
    reasons: [],
    diagnosis: DIAGNOSIS[triage],
    triage,
    malignancy: MALIGNANCY[triage],
    unfamiliar: false,
    probabilities: Object.entries(PROBABILITIES[triage]).map(([code, probability]) => ({
      code,
      probability,
    })),
    confidence: CONFIDENCE[triage],
    hasFrozenFrame: true,
    hasSaliency: true,
    ...change,
  };
}

export function retakeOf(...reasons: RetakeKey[]): ScreenReading {
  return {
    ...readingOf('routine'),
    accepted: false,
    reasons,
    diagnosis: 'retake',
    triage: null,
    malignancy: null,
    probabilities: [],
    confidence: null,
    hasSaliency: false,
  };
}

/** A reading that asks to be answered. */
export function askingState(reading: ScreenReading, change: Partial<ScreenState> = {}): ScreenState {
  const proposed = reading.diagnosis === 'indeterminate' ? reading.probabilities[0].code : reading.diagnosis;
  return restingState({
    flow: { state: 'awaitingConfirmation', automatic: false, proposed, takingBack: null, fault: null },
    reading,
    session: { open: true, captures: 1 },
    ...change,
  });
}

export function retakeState(...reasons: RetakeKey[]): ScreenState {
  return restingState({
    flow: { state: 'retake', automatic: false, proposed: null, takingBack: null, fault: null },
    reading: retakeOf(...reasons),
  });
}

const FACTORY = {
  balancedAccuracy: 0.784,
  sensitivity: 0.932,
  triageSensitivity: 0.951,
  watchedTriageSensitivity: 0.966,
};

export function outcomeOf(
  outcome: TeachOutcome['outcome'],
  change: Partial<TeachOutcome> = {},
): TeachOutcome {
  const proposed =
    outcome === 'refused' ? { ...FACTORY, sensitivity: 0.898 } : { ...FACTORY, balancedAccuracy: 0.791 };
  return {
    result: RESULT,
    label: 'nv',
    verdict: 'corrected',
    outcome,
    newClass: false,
    addedAs: null,
    reason: null,
    figures:
      outcome === 'kept' || outcome === 'refused' ? { factory: FACTORY, before: FACTORY, proposed } : null,
    ...change,
  };
}

export function taughtState(last: TeachOutcome): ScreenState {
  return restingState({
    reading: readingOf('refer'),
    learning: { enabled: true, remembered: 1, undoable: { label: last.label, result: last.result }, last },
  });
}

export const PATIENT: PatientContext = { encounter: 'E-2026-00417', subject: null, bodySite: 'upper-back' };

/** All well but for some parts. */
export function statusWith(...items: StatusItem[]): StatusItem[] {
  return PARTS.map((part) => items.find((item) => item.part === part) ?? itemOf(part));
}
