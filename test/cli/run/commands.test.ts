import { afterEach, describe, expect, it } from 'vitest';
import type { Capture, CaptureSource } from '../../../src/capture/source.ts';
import { Appliance, type ApplianceParts, type Learner } from '../../../src/runtime/appliance/appliance.ts';
import { ApplianceCommands } from '../../../src/runtime/appliance/commands.ts';
import type { Command } from '../../../src/telehealth/commands/command.ts';
import { READING } from '../../support/readings.ts';

const HEAD = { schema: 'spikescope/command/1', id: 'command-1' } as const;
const LABELLED = '6f9619ff-8b86-4d01-b42d-00c04fc964ff';

let opened: Appliance[] = [];
afterEach(() => {
  for (const appliance of opened) appliance.stop();
  opened = [];
});

function desk(total: number, learner?: Learner) {
  const source: CaptureSource = {
    kind: 'replay',
    describe: () => 'a folder',
    start() {},
    frameAge: () => null,
    fault: () => null,
    async stop() {},
    async *frames(): AsyncGenerator<Capture> {
      for (let i = 0; i < total; i++) yield { image: `${i}.jpg`, capturedAt: new Date(), origin: `${i}.jpg` };
    },
  };
  const parts: ApplianceParts = {
    device: 'scope-1',
    source,
    classifier: {
      model: READING.model,
      backend: 'cpu',
      classify: async () => ({ reading: READING, headInput: null, scope: null }),
    },
    journal: { append: () => 1 },
    onRecorded: () => {},
    onRefused: () => {},
    ...(learner && { learner }),
  };
  const appliance = new Appliance(parts);
  appliance.start();
  opened.push(appliance);
  let restarts = 0;
  const commands = new ApplianceCommands({
    appliance,
    status: () => ({ waiting: 3 }),
    restart: () => restarts++,
  });
  const send = (command: {
    readonly name: Command['name'];
    readonly result?: string;
    readonly label?: string;
  }) => commands.handle({ ...HEAD, ...command } as Command);
  return { send, appliance, restarts: () => restarts };
}

describe('commands from afar', () => {
  it('capture, and answer with the result', async () => {
    const { send } = desk(2);
    const answer = await send({ name: 'capture' });
    expect(answer).toMatchObject({ outcome: 'done', data: { accepted: true, diagnosis: READING.diagnosis } });
    await send({ name: 'capture' });
    expect(await send({ name: 'capture' })).toEqual({ outcome: 'failed', code: 'SOURCE_ENDED' });
  });

  it('label the reading that waits, and no other', async () => {
    const taught: string[] = [];
    const { send } = desk(2, {
      observe() {},
      learn: async (_, label) => {
        taught.push(label);
        return { kept: false, reason: 'melanoma sensitivity would fall' };
      },
      undo: async () => true,
    });
    expect(await send({ name: 'label', result: LABELLED, label: 'nv' })).toMatchObject({
      code: 'RESULT_NOT_AWAITING',
    });
    const captured = await send({ name: 'capture' });
    if (captured.outcome !== 'done') throw new Error(captured.code);
    expect(await send({ name: 'label', result: String(captured.data?.result), label: 'nv' })).toEqual({
      outcome: 'done',
      data: { kept: false, reason: 'melanoma sensitivity would fall' },
    });
    expect(taught).toEqual(['nv']);
  });

  it('undo an update, also while a reading waits', async () => {
    let updates = 1;
    const { send } = desk(2, {
      observe() {},
      learn: async () => ({ kept: true }),
      undo: async () => updates-- > 0,
    });
    await send({ name: 'capture' });
    expect(await send({ name: 'undo' })).toEqual({ outcome: 'done', data: { undone: true } });
    expect(await send({ name: 'undo' })).toEqual({ outcome: 'done', data: { undone: false } });
  });

  it('say so where the model cannot learn', async () => {
    const { send } = desk(1);
    expect(await send({ name: 'undo' })).toEqual({ outcome: 'failed', code: 'LEARNING_UNAVAILABLE' });
  });

  it('ask how it is, and for a new start', async () => {
    const { send, restarts } = desk(1);
    expect(await send({ name: 'status' })).toEqual({ outcome: 'done', data: { waiting: 3 } });
    expect(await send({ name: 'restart' })).toEqual({ outcome: 'done' });
    await expect.poll(restarts).toBe(1);
  });
});
