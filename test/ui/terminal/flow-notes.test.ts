import { afterEach, describe, expect, it } from 'vitest';
import { Flow, type FlowView } from '../../../src/runtime/appliance/flow/flow.ts';
import type { LearningOutcome } from '../../../src/runtime/learning/outcome.ts';
import { confirmationQuestion, flowNote, idleKeyNote } from '../../../src/ui/terminal/flow-notes.ts';

let open: Flow[] = [];
afterEach(() => {
  for (const flow of open) flow.stop();
  open = [];
});

/** A flow that has learned one case as `mel`, and what a person at the terminal is told. */
function desk(timeouts = {}, outcome: LearningOutcome = { kept: true }) {
  const flow = new Flow(
    {
      capture: async () => ({ image: 'x.png', capturedAt: new Date(0), origin: 'x.png' }),
      read: async () => ({ id: 'r1', accepted: true, diagnosis: 'mel', ranking: ['mel', 'nv'] }),
      learn: async () => outcome,
      undo: async () => true,
      lastUpdate: () => ({ label: 'mel' }),
    },
    { timeouts },
  );
  const told: string[] = [];
  let before: FlowView | null = null;
  flow.onChange((view) => {
    const note = flowNote(before, view) ?? confirmationQuestion(before, view);
    if (note !== null) told.push(note);
    before = view;
  });
  flow.start();
  open.push(flow);
  const type = async (...buttons: ('capture' | 'confirm' | 'next-label' | 'undo')[]) => {
    for (const button of buttons) {
      flow.press(button, 'keyboard');
      await flow.rest();
    }
  };
  return { flow, told, type };
}

describe('a person at the terminal', () => {
  it('is told what was learned, and of a new class how triage takes it', async () => {
    const known = desk();
    await known.type('capture', 'confirm');
    expect(known.told.at(-1)).toBe('Learned: mel');
    const added = desk({}, { kept: true, addedAs: 'malignant' });
    await added.type('capture', 'confirm');
    expect(added.told.at(-1)).toBe('Learned: mel, a new class; triage takes it for malignant');
  });

  it('is never told to be wrong: a label that changes no reading is recorded, and stands', async () => {
    const { told, type } = desk({}, { kept: false, reason: 'having learned it, the device would see less' });
    await type('capture', 'confirm');
    expect(told.at(-1)).toBe(
      'Recorded: mel. Your label stands; the device only does not change its reading for it: ' +
        'having learned it, the device would see less',
    );
  });

  it('is told that a question has ended, and that an answer after that changed nothing', async () => {
    const { flow, told, type } = desk({ confirm: 30 });
    await type('capture');
    await expect.poll(() => flow.view.state).toBe('idle');
    await type('undo');
    expect(told.slice(1)).toEqual([
      'The question has ended: nothing was taught. c captures again',
      'The question was over before: this answer changed nothing. c captures again',
    ]);
  });

  it('is asked before an update is taken back, by the label that was taught', async () => {
    const { told, type } = desk();
    await type('capture', 'confirm', 'undo');
    expect(told.at(-1)).toMatch(/^ {2}take back the last answer, mel\?.*u once more/);
    await type('undo');
    expect(told.at(-1)).toBe('The last answer is taken back');
  });

  it('is told what a no has led to', async () => {
    const { told, type } = desk();
    await type('capture', 'undo');
    expect(told.at(-1)).toBe('Nothing was taught');
    await type('undo', 'next-label');
    expect(told.at(-1)).toBe('Nothing was taken back');
  });

  it('is told why a key does nothing', async () => {
    const { flow, type } = desk();
    expect(flow.hears('confirm')).toBe(false);
    expect(idleKeyNote(flow.view)).toBe('Nothing is asked now: c captures');
    await type('capture', 'confirm');
    expect(flow.hears('confirm')).toBe(false);
    expect(idleKeyNote({ ...flow.view, state: 'reading' })).toMatch(/being read/);
    expect(idleKeyNote({ ...flow.view, state: 'learning' })).toMatch(/carried out/);
    expect(idleKeyNote({ ...flow.view, state: 'retake' })).toMatch(/cannot be taught/);
  });
});
