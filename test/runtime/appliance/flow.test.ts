import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { afterEach, describe, expect, it, vi } from 'vitest';
import type { Capture } from '../../../src/capture/source.ts';
import { SpikescopeError } from '../../../src/errors.ts';
import { flowDiagram } from '../../../src/runtime/appliance/flow/diagram.ts';
import { Flow } from '../../../src/runtime/appliance/flow/flow.ts';
import { FLOW_STATES, type FlowEvent } from '../../../src/runtime/appliance/flow/machine.ts';
import type { FlowParts, RecordedReading } from '../../../src/runtime/appliance/flow/parts.ts';
import type { PressedBy } from '../../../src/runtime/learning/outcome.ts';

const CAPTURE: Capture = { image: 'x.png', capturedAt: new Date(0), origin: 'x.png' };
const READING: RecordedReading = {
  id: 'r1',
  accepted: true,
  diagnosis: 'mel',
  ranking: ['mel', 'nv', 'bcc'],
};
const RETAKE: RecordedReading = { id: 'r2', accepted: false, diagnosis: 'retake', ranking: [] };

let flows: Flow[] = [];
afterEach(() => {
  for (const flow of flows) flow.stop();
  flows = [];
  vi.useRealTimers();
});

function flowWith(parts: Partial<FlowParts> = {}, timeouts = {}) {
  const learned: [string, string][] = [];
  const states: string[] = [];
  const flow = new Flow(
    {
      capture: async () => CAPTURE,
      read: async () => READING,
      learn: async ({ id }, label) => {
        learned.push([id, label]);
        return { kept: true };
      },
      undo: async () => true,
      lastUpdate: () => ({ label: 'nv' }),
      ...parts,
    },
    { timeouts },
  );
  flow.onChange(({ state }) => states.push(state));
  flow.start();
  flows.push(flow);
  return { flow, learned, states };
}

function undoing(timeouts = {}) {
  const takenBack: PressedBy[] = [];
  const undo = async (by: PressedBy) => {
    takenBack.push(by);
    return true;
  };
  return { ...flowWith({ undo }, timeouts), takenBack };
}

const press = async (flow: Flow, ...events: FlowEvent['type'][]) => {
  for (const type of events) {
    flow.send({ type } as FlowEvent);
    await flow.rest();
  }
  return flow.view;
};

describe('the flow', () => {
  it('captures, reads, waits for a word, learns it, and rests', async () => {
    const { flow, learned, states } = flowWith();
    expect(await press(flow, 'capture')).toMatchObject({ state: 'awaitingConfirmation', proposed: 'mel' });
    expect(await press(flow, 'confirm')).toMatchObject({ state: 'idle', learned: { kept: true } });
    expect(learned).toEqual([['r1', 'mel']]);
    expect(states.filter((state, i) => state !== states[i - 1])).toEqual([
      'idle',
      'capturing',
      'reading',
      'awaitingConfirmation',
      'learning',
      'idle',
    ]);
  });

  it('offers the labels by their probability, in a circle', async () => {
    const { flow, learned } = flowWith();
    await press(flow, 'capture');
    const offered: (string | null)[] = [];
    for (let i = 0; i < 4; i++) offered.push((await press(flow, 'next-label')).proposed);
    expect(offered).toEqual(['nv', 'bcc', 'mel', 'nv']);
    await press(flow, 'confirm');
    expect(learned).toEqual([['r1', 'nv']]);
  });

  it('proposes the most probable class for an indeterminate reading', async () => {
    const { flow } = flowWith({ read: async () => ({ ...READING, diagnosis: 'indeterminate' }) });
    expect((await press(flow, 'capture')).proposed).toBe('mel');
  });

  it('never teaches what must be taken again', async () => {
    const { flow, learned } = flowWith({ read: async () => RETAKE });
    expect((await press(flow, 'capture')).state).toBe('retake');
    expect((await press(flow, 'confirm', 'next-label')).state).toBe('retake');
    expect((await press(flow, 'capture', 'undo')).state).toBe('idle');
    expect(learned).toEqual([]);
  });

  it('takes a label from afar for the reading that waits, also of a new class, and for no other', async () => {
    const { flow, learned } = flowWith();
    await press(flow, 'capture');
    expect(flow.can({ type: 'label', result: 'r0', label: 'nv' })).toBe(false);
    flow.send({ type: 'label', result: 'r0', label: 'nv' });
    flow.send({ type: 'label', result: 'r1', label: 'scar' });
    await flow.rest();
    expect(learned).toEqual([['r1', 'scar']]);
    expect(flow.can({ type: 'label', result: 'r1', label: 'scar' })).toBe(false);
  });

  it('hands on what was said of the risk of a label from afar, for that label alone', async () => {
    const said: unknown[] = [];
    const { flow } = flowWith({
      learn: async (_reading, label, _by, risk) => {
        said.push([label, risk]);
        return { kept: true };
      },
    });
    await press(flow, 'capture');
    flow.send({ type: 'label', result: 'r1', label: 'scar', risk: 'benign' });
    await flow.rest();
    await press(flow, 'capture', 'confirm');
    await press(flow, 'capture');
    flow.send({ type: 'label', result: 'r1', label: 'wart' });
    await flow.rest();
    expect(said).toEqual([
      ['scar', 'benign'],
      ['mel', undefined],
      ['wart', undefined],
    ]);
  });

  it('takes an update back, and says when there was none', async () => {
    const { flow } = flowWith();
    expect(await press(flow, 'undo', 'undo')).toMatchObject({ state: 'idle', undone: true });
    const none = flowWith({ undo: async () => false, lastUpdate: () => null }).flow;
    expect(await press(none, 'undo')).toMatchObject({ state: 'idle', undone: false });
  });

  it.each([
    ['capture', { capture: async () => Promise.reject(fault()) }, ['capture']],
    ['read', { read: async () => Promise.reject(fault()) }, ['capture']],
    ['learn', { learn: async () => Promise.reject(fault()) }, ['capture', 'confirm']],
    ['undo', { undo: async () => Promise.reject(fault()) }, ['undo', 'undo']],
  ] as const)('survives a fault of %s, shows it, and works again', async (_, parts, events) => {
    const { flow } = flowWith(parts);
    expect(await press(flow, ...events)).toMatchObject({ state: 'idle', fault: { code: 'BROKEN' } });
    expect(flow.can({ type: 'capture' })).toBe(true);
  });

  it('shows a fault that nobody foresaw as one', async () => {
    const { flow } = flowWith({ read: async () => Promise.reject(new TypeError('x')) });
    expect((await press(flow, 'capture')).fault?.code).toBe('INTERNAL');
  });

  it('gives up on a frame that does not come, and tells the camera', async () => {
    let aborted = false;
    const { flow } = flowWith(
      {
        capture: (signal) =>
          new Promise(() =>
            signal.addEventListener('abort', () => {
              aborted = true;
            }),
          ),
      },
      { capture: 30 },
    );
    expect(await press(flow, 'capture')).toMatchObject({ state: 'idle', fault: { code: 'CAPTURE_TIMEOUT' } });
    expect(aborted).toBe(true);
  });

  it('does not wait for ever to be confirmed, nor show for ever that a capture must be taken again', async () => {
    const { flow } = flowWith({}, { confirm: 30 });
    await press(flow, 'capture');
    await expect.poll(() => flow.view.state).toBe('idle');
    const again = flowWith({ read: async () => RETAKE }, { retake: 30 }).flow;
    await press(again, 'capture');
    await expect.poll(() => again.view.state).toBe('idle');
  });

  it('captures no more when the source has ended', async () => {
    const { flow } = flowWith({ capture: async () => null });
    expect(await press(flow, 'capture')).toMatchObject({ state: 'idle', isExhausted: true, fault: null });
    expect(flow.can({ type: 'capture' })).toBe(false);
  });

  it('whatever is pressed, in any order and at any time, teaches only what was read and confirmed', async () => {
    const events = fc.array(fc.constantFrom('capture', 'confirm', 'next-label', 'undo', 'tick'), {
      maxLength: 40,
    });
    await fc.assert(
      fc.asyncProperty(events, async (pressed) => {
        let readings = 0;
        let confirmed = 0;
        const { flow, learned } = flowWith({
          read: async () => ({ ...READING, id: `r${++readings}` }),
        });
        for (const type of pressed) {
          if (type === 'tick') await new Promise((resolve) => setImmediate(resolve));
          else {
            if (type === 'confirm' && flow.view.state === 'awaitingConfirmation') confirmed++;
            flow.send({ type });
          }
        }
        await flow.rest();
        expect(learned).toHaveLength(confirmed);
        expect(new Set(learned.map(([id]) => id)).size).toBe(confirmed);
        expect(FLOW_STATES).toContain(flow.view.state);
        flow.stop();
      }),
      { numRuns: 150 },
    );
  });

  it('asks which update would be taken back before it takes one back', async () => {
    const { flow, takenBack } = undoing();
    expect(await press(flow, 'undo')).toMatchObject({
      state: 'confirmingUndo',
      takingBack: { label: 'nv' },
      undone: null,
    });
    expect(takenBack).toEqual([]);
    expect(await press(flow, 'undo')).toMatchObject({ state: 'idle', undone: true, takingBack: null });
    expect(takenBack).toEqual(['button']);
  });

  it.each(['confirm', 'next-label'] as const)('keeps the update when `%s` answers instead', async (other) => {
    const { flow, takenBack } = undoing();
    expect(await press(flow, 'undo', other)).toMatchObject({ state: 'idle', takingBack: null });
    await press(flow, 'undo');
    expect(takenBack).toEqual([]);
  });

  it('keeps the update when the second press does not come in time', async () => {
    const { flow, takenBack } = undoing({ undo: 30 });
    await press(flow, 'undo');
    await expect.poll(() => flow.view.state).toBe('idle');
    expect((await press(flow, 'undo')).state).toBe('confirmingUndo');
    expect(takenBack).toEqual([]);
  });

  it.each(['undo', 'confirm', 'next-label'] as const)(
    'hears `%s` to a question that has ended, and does nothing else',
    async (answer) => {
      const { flow, learned, takenBack } = undoing({ confirm: 30 });
      await press(flow, 'capture', 'confirm', 'capture');
      await expect.poll(() => flow.view.state).toBe('idle');
      expect(flow.view.hasLapsed).toBe(true);
      expect(flow.hears(answer)).toBe(true);
      expect(await press(flow, answer)).toMatchObject({ state: 'idle', hasLapsed: false });
      expect(learned).toEqual([['r1', 'mel']]);
      expect(takenBack).toEqual([]);
    },
  );

  it('takes an update back at once for a command, whatever is shown, and one only', async () => {
    for (const before of [[], ['capture'], ['undo']] as const) {
      const { flow, takenBack } = undoing();
      await press(flow, ...before);
      flow.send({ type: 'undo', by: 'command' });
      expect(await flow.rest()).toMatchObject({ state: 'idle', undone: true });
      expect(takenBack).toEqual(['command']);
    }
  });

  it('whatever is pressed and however long nobody presses, takes back only what it asked about before', async () => {
    vi.useFakeTimers();
    const presses = fc.array(fc.constantFrom('capture', 'confirm', 'next-label', 'undo', 'wait'), {
      maxLength: 40,
    });
    await fc.assert(
      fc.asyncProperty(presses, async (pressed) => {
        const { flow, takenBack } = undoing();
        let expected = 0;
        for (const press of pressed) {
          if (press === 'wait') await vi.advanceTimersByTimeAsync(124_000);
          else {
            if (press === 'undo' && flow.view.takingBack !== null) expected++;
            flow.press(press);
            await vi.advanceTimersByTimeAsync(1);
          }
          expect(takenBack).toHaveLength(expected);
        }
        flow.stop();
      }),
      { numRuns: 100 },
    );
  });

  it('has no more frames after an undo either, once the source has ended', async () => {
    const { flow } = flowWith({ capture: async () => null });
    await press(flow, 'capture', 'undo', 'undo');
    expect(flow.can({ type: 'capture' })).toBe(false);
  });

  it('is drawn in the documentation as it is', () => {
    const page = readFileSync(new URL('../../../docs/use/flow.md', import.meta.url), 'utf8');
    expect(page).toContain(flowDiagram());
  });
});

function fault(): SpikescopeError {
  return new SpikescopeError('BROKEN', 'broken');
}
