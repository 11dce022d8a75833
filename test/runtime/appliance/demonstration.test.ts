import { randomUUID } from 'node:crypto';
import { existsSync, mkdtempSync, readdirSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { runCommand } from '../../../src/cli/run/run.ts';
import { learnerFor, mayHaveTaught } from '../../../src/runtime/appliance/demonstration.ts';
import { Device } from '../../../src/runtime/appliance/device.ts';
import { resultOf } from '../../../src/runtime/appliance/make-result.ts';
import { DEFAULT_SETTINGS } from '../../../src/runtime/appliance/settings/settings.ts';
import { Journal } from '../../../src/store/journal.ts';
import type { Result } from '../../../src/telehealth/result.ts';
import { drawCase, learnableBundle } from '../../support/learnable.ts';
import { Pupil } from '../../support/pupil.ts';
import { Random } from '../../support/random.ts';
import { READING } from '../../support/readings.ts';
import { runCommand as runInProcess } from '../../support/run-command.ts';

const KINDS = ['phantom', 'replay', 'libcamera', 'v4l2'] as const;
const CAMERAS = ['libcamera', 'v4l2'] as const;
const DRAWINGS = ['phantom', 'replay'] as const;

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'demonstration-'));
});
afterEach(() => {
  vi.unstubAllEnvs();
  rmSync(folder, { recursive: true, force: true });
});

async function withJournal<T>(work: (journal: Journal) => Promise<T> | T): Promise<T> {
  const journal = Journal.open(path.join(folder, 'journal.sqlite'));
  try {
    return await work(journal);
  } finally {
    journal.close();
  }
}

/** A result as it stands in a journal. */
function append(journal: Journal, source: Result['source']): string {
  const id = randomUUID();
  const capturedAt = new Date();
  const result = resultOf(READING, { id, device: 'd', capturedAt, source });
  journal.append({ id, capturedAt: capturedAt.toISOString(), payload: JSON.stringify(result) });
  return id;
}

describe('without a folder of its choice', () => {
  it.each([
    ['phantom', 'spikescope/demonstration'],
    ['libcamera', 'spikescope'],
  ])('%s keeps everything in %s', async (source, place) => {
    symlinkSync(
      fileURLToPath(new URL('../../support/fake-camera.mjs', import.meta.url)),
      path.join(folder, 'rpicam-vid'),
    );
    vi.stubEnv('PATH', `${folder}:${process.env.PATH}`);
    vi.stubEnv('XDG_STATE_HOME', folder);
    const size = ['--camera-size', '320x240'];
    const { exitCode } = await runInProcess(runCommand(), ['--source', source, '--count', '1', ...size]);
    expect(exitCode).toBe(0);
    expect(existsSync(path.join(folder, place, 'journal.sqlite'))).toBe(true);
    const journals = readdirSync(folder, { recursive: true, encoding: 'utf8' });
    expect(journals.filter((name) => name.endsWith('journal.sqlite'))).toEqual([`${place}/journal.sqlite`]);
  });
});

describe('a folder in which a camera was used', () => {
  it.each(DRAWINGS)('learns nothing from %s, and takes nothing back', async (kind) => {
    for (const camera of CAMERAS) {
      await withJournal(async (journal) => {
        append(journal, 'phantom');
        append(journal, camera);
        const pupil = await Pupil.open(learnableBundle(), { folder, journal });
        const { digest } = pupil.learner;
        const learner = learnerFor(kind, pupil.learner, journal);
        const id = append(journal, kind);
        learner.observe(id, drawCase(new Random(1), 1));
        const reading = { id, accepted: true, diagnosis: 'two', ranking: ['two'] };
        const fault = { code: 'LEARNING_FROM_DRAWINGS' };
        await expect(learner.learn(reading, 'two', 'button')).rejects.toMatchObject(fault);
        await expect(learner.undo('button')).rejects.toMatchObject(fault);
        expect(pupil.learner.digest).toBe(digest);
      });
      for (const name of readdirSync(folder)) rmSync(path.join(folder, name));
    }
  });

  it.each(CAMERAS)('learns from %s', async (kind) => {
    await withJournal(async (journal) => {
      append(journal, kind);
      const { learner } = await Pupil.open(learnableBundle(), { folder, journal });
      const used = learnerFor(kind, learner, journal);
      used.observe('case', drawCase(new Random(2), 1));
      const reading = { id: 'case', accepted: true, diagnosis: 'two', ranking: ['two'] };
      expect(await used.learn(reading, 'two', 'button')).toEqual({ kept: true });
      expect(await used.undo('button')).toBe(true);
    });
  });

  it.each([
    ['phantom', 'LEARNING_FROM_DRAWINGS', 'libcamera'],
    ['phantom', undefined, 'phantom'],
  ] as const)(
    'answers a label for a reading of %s with %s where the results are of %s',
    async (source, code, before) => {
      await withJournal((journal) => append(journal, before));
      const stop = new AbortController();
      const settings = { ...DEFAULT_SETTINGS, source, data: folder, trigger: 'buttons' } as const;
      const device = await Device.open({ settings, stop, say: () => {} });
      try {
        await device.start();
        const { reading } = await device.appliance.capture();
        device.appliance.flow.send({ type: 'label', result: reading?.id ?? '', label: 'nv' });
        const { fault, learned } = await device.appliance.rest();
        expect(fault).toBeNull();
        expect(learned?.fault?.code).toBe(code);
      } finally {
        device.appliance.stop();
        await device.close();
      }
    },
  );
});

describe('a head that was taught by drawings', () => {
  it.each(DRAWINGS)('(%s) reads drawings, and is set aside when a camera comes', async (taughtBy) => {
    await withJournal(async (journal) => {
      const pupil = await Pupil.open(learnableBundle(), { folder, journal });
      await pupil.teach(drawCase(new Random(2), 1), 'two', append(journal, taughtBy));
      const { digest, updates } = pupil.learner;
      expect(updates).toBe(1);
      for (const kind of [...DRAWINGS, ...CAMERAS]) {
        const options = { folder, journal, mayHaveTaught: mayHaveTaught(kind, journal) };
        const again = await Pupil.open(learnableBundle(), options);
        if (kind === 'phantom' || kind === 'replay') expect(again.learner.digest).toBe(digest);
        else expect(again.learner.updates).toBe(0);
        expect(again.setAside[0]).toBe(kind === 'libcamera' ? 'DELTA_DRAWN' : undefined);
      }
    });
  });

  it('is left behind by the device itself when its source becomes a camera', async () => {
    const said: string[] = [];
    const open = (source: string) => {
      const settings = { ...DEFAULT_SETTINGS, source, data: folder, trigger: 'buttons' } as const;
      return Device.open({ settings, stop: new AbortController(), say: (line) => said.push(line) });
    };
    const drawn = await open('phantom');
    await drawn.start();
    const { reading } = await drawn.appliance.capture();
    const [label] = reading?.ranking ?? [];
    drawn.appliance.flow.send({ type: 'label', result: reading?.id ?? '', label });
    expect((await drawn.appliance.rest()).learned).toEqual({ kept: true });
    drawn.appliance.stop();
    await drawn.close();
    expect(said.join()).not.toContain('DELTA_DRAWN');
    const live = await open('v4l2:/dev/video-none');
    expect(live.parts.learner?.updates).toBe(0);
    await live.close();
    expect(said.join()).toContain('DELTA_DRAWN');
  });

  it.each(KINDS)(
    'is none where a camera taught it, whatever comes (%s), nor where nobody knows',
    async (kind) => {
      await withJournal((journal) => {
        expect(mayHaveTaught(kind, journal)(append(journal, 'v4l2'))).toBe(true);
        expect(mayHaveTaught(kind, journal)(randomUUID())).toBe(true);
      });
    },
  );
});
