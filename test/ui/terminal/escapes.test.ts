import { describe, expect, it } from 'vitest';
import { describeError } from '../../../src/errors.ts';
import { EMPTY_CLASS_TABLE } from '../../../src/model/bundle/class-table.ts';
import type { FlowView } from '../../../src/runtime/appliance/flow/flow.ts';
import type { Result } from '../../../src/telehealth/result.ts';
import { confirmationQuestion, flowNote } from '../../../src/ui/terminal/flow-notes.ts';
import { cardOf } from '../../../src/ui/terminal/result-text.ts';

const HOSTILE = '\u001b[2Jmel\u202e';
const OBEYED = /[^\P{Cc}\n]|\p{Cf}/u;

const result: Result = {
  schema: 'spikescope/result/1',
  id: 'a7d3f2c4-58b1-4c1e-9a55-0d2b7f3e6a10',
  device: 'scope-1',
  capturedAt: '2026-01-01T00:00:00.000Z',
  source: 'phantom',
  model: { name: 'tiny', version: '1', digest: '0'.repeat(64) },
  backend: 'cpu',
  accepted: true,
  reasons: [],
  diagnosis: HOSTILE,
  probabilities: { [HOSTILE]: 0.75, nv: 0.25 },
  tiled: false,
  crop: null,
  quality: null,
  timings: null,
};

const view: FlowView = {
  state: 'awaitingConfirmation',
  capture: null,
  by: 'button',
  reading: null,
  risk: null,
  proposed: HOSTILE,
  fault: null,
  learned: null,
  undone: null,
  takingBack: null,
  hasLapsed: false,
  isExhausted: false,
};

describe('names of classes on a terminal', () => {
  it('are shown, not obeyed, in a result', () => {
    const card = cardOf(result, 1, EMPTY_CLASS_TABLE);
    expect(card).not.toMatch(OBEYED);
    expect(card).toContain('● \\u001b[2Jmel\\u202e');
  });

  it('bring no words into a result that the project did not write', () => {
    expect(cardOf({ ...result, diagnosis: 'constructor' }, 1, EMPTY_CLASS_TABLE)).not.toContain('function');
  });

  it('are shown, not obeyed, in questions and in notes of what was learned', () => {
    expect(confirmationQuestion(null, view)).toContain('\\u001b[2Jmel');
    expect(confirmationQuestion(null, view)).not.toMatch(OBEYED);
    for (const kept of [true, false]) {
      const learned = { ...view, learned: { kept, reason: HOSTILE } as FlowView['learned'] };
      expect(flowNote(view, learned)).toContain('\\u001b[2Jmel');
      expect(flowNote(view, learned)).not.toMatch(OBEYED);
    }
  });
});

describe('a defect of the program on a terminal', () => {
  it('is told in lines, and what came from outside in it is not obeyed', () => {
    const told = describeError(new Error(`no class ${HOSTILE}`));
    expect(told).toContain('\\u001b[2Jmel');
    expect(told).toContain('\n');
    expect(told).not.toMatch(OBEYED);
  });
});
