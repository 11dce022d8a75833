import { describe, expect, it } from 'vitest';
import type { Capture, CaptureSource } from '../../../src/capture/source.ts';
import { RefusedError, SpikescopeError } from '../../../src/errors.ts';
import { Appliance, type ApplianceParts, runAppliance } from '../../../src/runtime/appliance/appliance.ts';
import type { Reading } from '../../../src/runtime/inference/reading.ts';
import type { JournalEntry } from '../../../src/store/journal.ts';
import type { Result } from '../../../src/telehealth/result.ts';
import { READING } from '../../support/readings.ts';

/** A source of `total` frames, each an image by the number of its turn. */
function sourceOf(total: number): CaptureSource {
  return {
    kind: 'replay',
    describe: () => 'numbers',
    start: () => {},
    frameAge: () => null,
    fault: () => null,
    stop: async () => {},
    async *frames(signal): AsyncGenerator<Capture> {
      for (let i = 0; i < total && !signal.aborted; i++) {
        yield { image: `/home/anna/${i}.jpg`, capturedAt: new Date(), origin: `/home/anna/${i}.jpg` };
      }
    },
  };
}

/** An appliance whose classifier answers as told, with everything that it recorded and reported, in order. */
function appliance(total: number, classify: (image: string) => Reading) {
  const events: (['append', JournalEntry] | ['recorded', Result] | ['refused', unknown])[] = [];
  const parts: ApplianceParts = {
    device: 'scope-1',
    source: sourceOf(total),
    classifier: {
      model: READING.model,
      backend: 'cpu',
      classify: async (image) => ({ reading: classify(String(image)), headInput: null, scope: null }),
    },
    journal: { append: (entry) => events.push(['append', entry]) },
    onRecorded: (result) => events.push(['recorded', result]),
    onRefused: (_, error) => events.push(['refused', error]),
  };
  return { parts, events };
}

const signal = new AbortController().signal;

function recorded(events: ReturnType<typeof appliance>['events']): Result[] {
  return events.flatMap((event) => (event[0] === 'recorded' ? [event[1]] : []));
}

describe('the appliance', () => {
  it('records with each result what the capture belongs to', async () => {
    const { parts, events } = appliance(3, () => READING);
    const patients = ['first', 'first', undefined];
    await runAppliance({ ...parts, sessionOf: () => patients.shift() }, { signal });
    const entries = events.flatMap((event) => (event[0] === 'append' ? [event[1]] : []));
    expect(entries.map(({ session }) => session)).toEqual(['first', 'first', undefined]);
  });

  it.each([
    ['routine', 0.02, ['nv', 'mel', 'bkl']],
    ['refer', 0.3, ['mel', 'nv', 'bkl']],
    ['indeterminate', 0.02, ['mel', 'nv', 'bkl']],
  ] as const)(
    'asks about a name that reassures last, unless triage is routine: %s',
    async (triage, malignancy, order) => {
      const probabilities = { nv: 0.6, mel: 0.3, bkl: 0.1 };
      const { parts } = appliance(1, () => ({
        ...READING,
        ...{ diagnosis: 'indeterminate', triage, malignancy, probabilities },
      }));
      const classifier = { ...parts.classifier, reassures: (name: string) => name !== 'mel' };
      const device = new Appliance({ ...parts, classifier });
      device.start();
      const { reading, proposed } = await device.capture();
      device.stop();
      expect(reading?.ranking).toEqual(order);
      expect(proposed).toBe(order[0]);
    },
  );

  it('records every result before it hands it over', async () => {
    const { parts, events } = appliance(5, () => READING);
    expect(await runAppliance(parts, { signal })).toEqual({ captures: 5, retakes: 0 });
    expect(events.map(([kind]) => kind)).toEqual(Array(5).fill(['append', 'recorded']).flat());
    for (let i = 0; i < events.length; i += 2) {
      const [entry, result] = [events[i][1], events[i + 1][1]] as [JournalEntry, Result];
      expect(JSON.parse(entry.payload)).toEqual(result);
      expect(entry).toMatchObject({ id: result.id, capturedAt: result.capturedAt });
      expect(entry.session).toBeUndefined();
    }
  });

  it('gives each result an id of its own', async () => {
    const { parts, events } = appliance(200, () => READING);
    await runAppliance(parts, { signal });
    expect(new Set(recorded(events).map(({ id }) => id)).size).toBe(200);
  });

  it('makes a result of every frame, also of those that cannot be read or break the classifier', async () => {
    const { parts, events } = appliance(4, (image) => {
      if (image.endsWith('1.jpg')) {
        throw new RefusedError('IMAGE_TRUNCATED', 'cut off', { file: image });
      }
      if (image.endsWith('2.jpg')) throw new SpikescopeError('ENGINE_CLOSED', 'closed');
      if (image.endsWith('3.jpg')) throw new TypeError('a defect');
      return READING;
    });
    expect(await runAppliance(parts, { signal })).toEqual({ captures: 4, retakes: 3 });
    expect(recorded(events).map(({ accepted, reasons, fault }) => [accepted, reasons, fault])).toEqual([
      [true, [], undefined],
      [false, ['unreadable'], 'IMAGE_TRUNCATED'],
      [false, ['failed'], 'ENGINE_CLOSED'],
      [false, ['failed'], 'INTERNAL'],
    ]);
    expect(JSON.stringify(recorded(events))).not.toContain('anna');
    expect(events.filter(([kind]) => kind === 'refused')).toHaveLength(3);
  });

  it('ends when the journal fails, and hands nothing over that is not in it', async () => {
    const { parts, events } = appliance(5, () => READING);
    let appended = 0;
    const failing = {
      append: () => {
        appended++;
        if (appended === 3) throw new SpikescopeError('JOURNAL_STORAGE', 'the medium failed');
        return appended;
      },
    };
    await expect(runAppliance({ ...parts, journal: failing }, { signal })).rejects.toMatchObject({
      code: 'JOURNAL_STORAGE',
    });
    expect(recorded(events)).toHaveLength(2);
  });

  it('refuses captures while the journal has no room, takes no frame for them, and goes on when there is some', async () => {
    const { parts, events } = appliance(5, () => READING);
    let room = 2;
    const pauses: number[] = [];
    const tally = await runAppliance(
      {
        ...parts,
        requireRoom: () => {
          if (room-- <= 0) throw new SpikescopeError('JOURNAL_FULL', 'no room');
        },
      },
      {
        signal,
        pause: async (milliseconds) => {
          pauses.push(milliseconds);
          if (pauses.filter((each) => each > 0).length === 3) room = Infinity;
        },
      },
    );
    expect(tally).toEqual({ captures: 5, retakes: 0 });
    expect(recorded(events)).toHaveLength(5);
    expect(pauses.filter((each) => each > 0)).toEqual([5000, 5000, 5000]);
  });

  it('loses one capture and no more when the disk becomes full under it', async () => {
    const { parts, events } = appliance(5, () => READING);
    let appended = 0;
    const journal = {
      append: () => {
        appended++;
        if (appended === 3) throw new SpikescopeError('JOURNAL_DISK_FULL', 'full');
        return appended;
      },
    };
    const tally = await runAppliance({ ...parts, journal }, { signal, pause: async () => {} });
    expect(tally).toEqual({ captures: 4, retakes: 0 });
    expect(recorded(events)).toHaveLength(4);
  });

  it('ends its waiting for room when it is stopped', async () => {
    const { parts } = appliance(5, () => READING);
    const stop = new AbortController();
    const requireRoom = () => {
      throw new SpikescopeError('JOURNAL_FULL', 'no room');
    };
    let looks = 0;
    const pause = async () => {
      if (++looks === 10) stop.abort();
    };
    expect(await runAppliance({ ...parts, requireRoom }, { signal: stop.signal, pause })).toEqual({
      captures: 0,
      retakes: 0,
    });
  });

  it('survives a capture that was given up, and takes the next one', async () => {
    const { parts } = appliance(5, () => READING);
    let isSlow = true;
    const source = {
      ...parts.source,
      async *frames(ended: AbortSignal) {
        for await (const capture of parts.source.frames(ended)) {
          // The first frame never comes; whoever waits for it gives it up.
          while (isSlow) await new Promise((resolve) => setTimeout(resolve, 5));
          yield { ...capture, capturedAt: new Date() };
        }
      },
    };
    const impatient = new Appliance({ ...parts, source, timeouts: { capture: 20 } });
    impatient.start();
    const given = await impatient.capture();
    expect(given.fault).toMatchObject({ code: 'CAPTURE_TIMEOUT' });
    expect(() => impatient.throwFault()).not.toThrow();
    isSlow = false;
    const next = await impatient.capture();
    expect(next.fault).toBeNull();
    expect(impatient.tally.captures).toBe(1);
    impatient.stop();
  });

  it('takes as many captures as asked for, none at all included', async () => {
    for (const count of [0, 1, 3]) {
      const { parts, events } = appliance(100, () => READING);
      expect(await runAppliance(parts, { signal, count })).toEqual({ captures: count, retakes: 0 });
      expect(recorded(events)).toHaveLength(count);
    }
  });

  it('stops after the capture in hand, without waiting out the interval', async () => {
    const stop = new AbortController();
    const { parts, events } = appliance(100, () => READING);
    const running = runAppliance(
      {
        ...parts,
        onRecorded: (result) => events.push(['recorded', result]) && setTimeout(() => stop.abort(), 20),
      },
      { signal: stop.signal, interval: 3_600_000 },
    );
    expect(await running).toEqual({ captures: 1, retakes: 0 });
  });
});
