/** Every view of the page as one scene: what the device tells, and what somebody presses to come there. */
import type { Page } from 'playwright-core';
import type { HistoryEntry, ScreenState } from '../../../../src/ui/web/contract.ts';
import type { FakeDevice } from './fake-device.ts';
import {
  askingState,
  itemOf,
  outcomeOf,
  PATIENT,
  readingOf,
  restingState,
  retakeState,
  statusWith,
  taughtState,
} from './states.ts';

/** One of each view: what is looked at by default; SPIKESCOPE_SCREENS=all looks at all. */
const FEW: readonly string[] = [
  ...['viewfinder-after-reading', 'reading-unnamed', 'reading-meaning', 'retake', 'teach-new-class'],
  ...['taught-figures', 'history', 'patient', 'body-front', 'status-wrong', 'settings-unlocked', 'ending'],
];

export interface Scene {
  readonly name: string;
  readonly state: ScreenState;
  readonly prepare?: (device: FakeDevice) => void;
  /** By place, not by word: the same in each language. */
  readonly open?: (page: Page) => Promise<void>;
}

const UNLOCKED = { pin: 'set', unlockedUntil: '2026-03-02T10:00:00.000Z', waitUntil: null } as const;

/** Opens the n-th view of the bar. */
export const view = (place: number) => (page: Page) => page.locator('nav button').nth(place).click();
const press = (page: Page, selector: string, place = 0) => page.locator(selector).nth(place).click();

const flow = (change: Partial<ScreenState['flow']>): ScreenState['flow'] => ({
  ...{ state: 'idle', automatic: false, proposed: null, takingBack: null, fault: null },
  ...change,
});

/** The fullest of readings: to be referred, and yet no class can be named, and unlike what the model knows. */
const UNNAMED = readingOf('indeterminate', { triage: 'refer', unfamiliar: true });

export const SCENES: readonly Scene[] = [
  {
    name: 'viewfinder',
    state: restingState({ context: { allowed: true, current: PATIENT, scanning: false } }),
  },
  {
    name: 'viewfinder-out-of-focus',
    state: restingState(),
    prepare: ({ frames }) => {
      frames.focus = 0.4;
    },
  },
  { name: 'viewfinder-stalled', state: restingState(), prepare: (device) => device.stall() },
  { name: 'viewfinder-after-reading', state: restingState({ reading: readingOf('refer') }) },
  {
    name: 'no-camera',
    state: restingState({
      viewfinder: { state: 'absent', age: null, rate: null },
      status: statusWith(
        itemOf('camera', {
          severity: 'fault',
          message: 'camera.absent',
          remedy: 'remedy.camera.connect',
          code: 'CAMERA_ABSENT',
        }),
      ),
    }),
    prepare: (device) => device.stall(),
  },
  { name: 'reading-refer', state: askingState(readingOf('refer')) },
  {
    name: 'reading-overlay',
    state: askingState(readingOf('refer')),
    open: (page) => press(page, '.read-picture .action'),
  },
  { name: 'reading-routine', state: askingState(readingOf('routine')) },
  { name: 'reading-unclear', state: askingState(readingOf('indeterminate')) },
  { name: 'reading-unfamiliar', state: askingState(readingOf('refer', { unfamiliar: true })) },
  { name: 'reading-unnamed', state: askingState(UNNAMED) },
  {
    name: 'reading-again',
    state: restingState({ reading: UNNAMED }),
    open: (page) => press(page, '.last'),
  },
  {
    name: 'reading-learning',
    state: { ...askingState(UNNAMED), flow: flow({ state: 'learning' }) },
  },
  {
    name: 'reading-automatic',
    state: restingState({ reading: UNNAMED, source: 'phantom', flow: flow({ automatic: true }) }),
  },
  {
    name: 'reading-meaning',
    state: askingState(readingOf('refer')),
    open: (page) => press(page, '.more .action'),
  },
  {
    name: 'reading-all-classes',
    state: askingState(readingOf('refer')),
    open: (page) => press(page, '.more .action', 1),
  },
  { name: 'retake', state: retakeState('out-of-focus', 'dark') },
  { name: 'retake-out-of-scope', state: retakeState('out-of-scope') },
  {
    name: 'teach-which',
    state: askingState(readingOf('refer')),
    open: (page) => press(page, '.teach .row .action', 1),
  },
  {
    name: 'teach-new-class',
    state: askingState(readingOf('refer')),
    open: async (page) => {
      await press(page, '.teach .row .action', 1);
      await page.locator('.labels .action').last().click();
      await page.locator('.typed').fill('spitz');
    },
  },
  {
    name: 'teach-new-class-risk',
    state: askingState(readingOf('refer')),
    open: async (page) => {
      await press(page, '.teach .row .action', 1);
      await page.locator('.labels .action').last().click();
      await page.locator('.typed').fill('spitz');
      await press(page, '.keypad .main');
    },
  },
  { name: 'taught', state: taughtState(outcomeOf('kept')) },
  { name: 'taught-refused', state: taughtState(outcomeOf('refused')) },
  {
    name: 'taught-with-a-problem',
    state: {
      ...taughtState(outcomeOf('refused')),
      status: statusWith(
        itemOf('camera', { severity: 'warning', message: 'camera.lens', remedy: 'remedy.camera.clean' }),
      ),
    },
  },
  {
    name: 'taught-figures',
    state: taughtState(outcomeOf('refused')),
    open: (page) => press(page, '.notice-how .action'),
  },
  {
    name: 'undo-question',
    state: restingState({ flow: flow({ state: 'confirmingUndo', takingBack: 'nv' }) }),
  },
  {
    name: 'history',
    state: restingState(),
    prepare: (device) => {
      device.history = { entries: historyEntries(), next: 3 };
    },
    open: view(2),
  },
  { name: 'history-empty', state: restingState(), open: view(2) },
  {
    name: 'history-search',
    state: restingState(),
    open: async (page) => {
      await view(2)(page);
      await press(page, '.history .action');
    },
  },
  {
    name: 'patient',
    state: restingState({ context: { allowed: true, current: PATIENT, scanning: false } }),
    open: view(1),
  },
  {
    name: 'patient-not-allowed',
    state: restingState({ context: { allowed: false, current: null, scanning: false } }),
    open: view(1),
  },
  {
    name: 'patient-keys',
    state: restingState(),
    open: async (page) => {
      await view(1)(page);
      await press(page, '.field-box .action', 1);
      await page.locator('.typed').fill('E-2026-');
    },
  },
  {
    name: 'patient-scan',
    state: restingState(),
    prepare: (device) => {
      device.onCommand = ({ command }) =>
        command === 'scan' ? { outcome: 'refused', code: 'SCREEN_SCAN_NOTHING' } : undefined;
    },
    open: async (page) => {
      await view(1)(page);
      await press(page, '.field-box .action', 0);
    },
  },
  {
    name: 'body-front',
    state: restingState({ context: { allowed: true, current: PATIENT, scanning: false } }),
    open: bodyMap(0),
  },
  {
    name: 'body-back',
    state: restingState({ context: { allowed: true, current: PATIENT, scanning: false } }),
    open: bodyMap(1),
  },
  { name: 'body-list', state: restingState(), open: bodyMap(2) },
  { name: 'status-well', state: restingState(), open: view(3) },
  {
    name: 'status-wrong',
    state: restingState({
      status: statusWith(
        itemOf('camera', { severity: 'warning', message: 'camera.lens', remedy: 'remedy.camera.clean' }),
        itemOf('card', {
          severity: 'warning',
          message: 'card.lost',
          remedy: 'remedy.card.service',
          code: 'CARD_TIMEOUT',
        }),
        itemOf('broker', {
          severity: 'warning',
          message: 'broker.away',
          remedy: 'remedy.broker.network',
          values: { waiting: 14 },
        }),
        itemOf('storage', {
          severity: 'warning',
          message: 'storage.low',
          remedy: 'remedy.storage.free',
          values: { megabytes: 96 },
        }),
        itemOf('clock', {
          severity: 'warning',
          message: 'clock.unsynchronised',
          remedy: 'remedy.clock.network',
        }),
        itemOf('update', {
          severity: 'warning',
          message: 'update.failed',
          remedy: 'remedy.update.retry',
          code: 'UPDATE_DIGEST',
        }),
      ),
    }),
    open: view(3),
  },
  { name: 'settings-locked', state: restingState(), open: view(4) },
  {
    name: 'settings-pin',
    state: restingState(),
    open: async (page) => {
      await view(4)(page);
      await press(page, '.field-box .main');
      await page.locator('.typed').fill('1234');
    },
  },
  {
    name: 'settings-unlocked',
    state: restingState({
      settings: {
        ...UNLOCKED,
        paired: [{ id: 'a1', role: 'clinician', since: '2026-02-20T08:00:00.000Z' }],
      },
    }),
    open: view(4),
  },
  {
    name: 'ending',
    state: restingState({
      ending: { code: 'JOURNAL_IO', message: 'fault.storage', remedy: 'remedy.storage.service' },
    }),
  },
];

/** Words of SPIKESCOPE_SCREENS: `all`, or names of languages, sizes and scenes; empty by default. */
export const wanted = (process.env.SPIKESCOPE_SCREENS ?? '').split(',').filter((word) => word !== '');

/** Those that are asked for by name; else all where all are, or where some of other kinds are; else a few. */
export function chosen<Value>(
  values: readonly Value[],
  nameOf: (value: Value) => string,
  few: readonly string[],
): readonly Value[] {
  const named = values.filter((value) => wanted.includes(nameOf(value)));
  if (named.length > 0) return named;
  return wanted.length > 0 ? values : values.filter((value) => few.includes(nameOf(value)));
}

export const chosenScenes = (): readonly Scene[] => chosen(SCENES, ({ name }) => name, FEW);

function bodyMap(side: number) {
  return async (page: Page): Promise<void> => {
    await view(1)(page);
    await press(page, '.field-box:nth-of-type(3) .action');
    await press(page, '.sites .row .action', side);
  };
}

function historyEntries(): HistoryEntry[] {
  const entry = (sequence: number, change: Partial<HistoryEntry>): HistoryEntry => {
    const { triage, malignancy, diagnosis } = readingOf('routine');
    return {
      ...{ sequence, result: `7d6f1f0a-6a57-4a3e-9d1c-1f2a3b4c5d${String(sequence).padStart(2, '0')}` },
      ...{
        capturedAt: `2026-03-02T09:${String(sequence).padStart(2, '0')}:00.000Z`,
        session: 'one',
        source: 'libcamera',
      },
      ...{ accepted: true, reasons: [], diagnosis, probability: 0.93, triage, malignancy, unfamiliar: false },
      ...{
        verdict: null,
        context: { encounter: 'E-2026-00417', subject: null, bodySite: 'upper-back' },
        outbox: 'sent',
      },
      ...change,
    };
  };
  return [
    entry(31, { outbox: 'waiting', triage: 'refer', diagnosis: 'mel', probability: 0.62, malignancy: 0.71 }),
    entry(28, { verdict: { verdict: 'confirmed', label: 'nv' } }),
    entry(27, {
      accepted: false,
      reasons: ['out-of-focus'],
      diagnosis: 'retake',
      probability: null,
      triage: null,
      malignancy: null,
    }),
    entry(12, {
      session: 'two',
      context: null,
      triage: 'indeterminate',
      diagnosis: 'indeterminate',
      probability: null,
    }),
  ];
}
