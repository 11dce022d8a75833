/** What is told of an update: the file, whoever reads it at any time, and the device that watches it. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { RefusedError } from '../../src/errors.ts';
import { StatusLight } from '../../src/runtime/appliance/updates/light.ts';
import { UpdateWatch } from '../../src/runtime/appliance/updates/watch.ts';
import { ownDataFolder } from '../../src/store/owner.ts';
import { bytesOf, MAXIMUM_MESSAGE_BYTES } from '../../src/telehealth/payload.ts';
import { updateAnnouncementOf, updateSchema } from '../../src/telehealth/update.ts';
import { progressFile, progressSchema, readProgress, UpdateProgress } from '../../src/updates/progress.ts';

let data: string;
beforeEach(() => {
  data = mkdtempSync(path.join(tmpdir(), 'progress-'));
});
afterEach(() => {
  vi.useRealTimers();
  rmSync(data, { recursive: true, force: true });
});

const TARGET = 'stable/model-2.0.0.spikescope';

describe('the file', () => {
  it('says how an update goes on and how it ended, and follows its schema', async () => {
    const progress = new UpdateProgress({ data, source: 'folder' });
    progress.tell({ stage: 'fetch', target: TARGET, done: 0, of: 10 });
    await expect
      .poll(() => readProgress(data))
      .toMatchObject({ source: 'stick', stage: 'fetch', target: TARGET, done: 0, of: 10, outcome: null });
    progress.tell({ stage: 'prove', target: TARGET, done: 1, of: 4 });
    await progress.end('pending');
    expect(await readProgress(data)).toMatchObject({
      stage: 'prove',
      done: 1,
      of: 4,
      outcome: 'pending',
      code: null,
    });
    expect(progressSchema.safeParse(JSON.parse(readFileSync(progressFile(data), 'utf8'))).success).toBe(true);
  });

  it('names of an error its code and its sentence, and nothing of where it happened', async () => {
    const progress = new UpdateProgress({ data, source: 'http' });
    await progress.end(
      'failed',
      new RefusedError('TARGET_DAMAGED', 'Not what was signed', { file: '/home/anna' }),
    );
    expect(await readProgress(data)).toMatchObject({
      ...{ source: 'server', outcome: 'failed', code: 'TARGET_DAMAGED', message: 'Not what was signed' },
    });
    expect(readFileSync(progressFile(data), 'utf8')).not.toContain('anna');
    const other = new UpdateProgress({ data, source: 'http' });
    await other.end('failed', new Error('ENOENT /home/anna'));
    expect(await readProgress(data)).toMatchObject({ code: 'INTERNAL', message: 'The program has failed' });
  });

  it('is written within a stage twice a second at most, and at each change of the stage', async () => {
    const progress = new UpdateProgress({ data, source: 'http' });
    const seen = new Set<string>();
    const end = performance.now() + 1_200;
    for (let done = 0; performance.now() < end; done++) {
      progress.tell({ stage: 'fetch', target: TARGET, done, of: 1e9 });
      seen.add(JSON.stringify(await readProgress(data)));
      await delay(1);
    }
    const within = [...seen].filter((each) => each.includes('"fetch"'));
    // The change of the stage, and one for each half of a second that has begun since.
    expect(within.length).toBeLessThanOrEqual(2 + Math.ceil((performance.now() - end + 1_200) / 500));
    expect(within.length).toBeGreaterThan(1);
    progress.tell({ stage: 'write', target: TARGET, done: 0, of: 1 });
    progress.tell({ stage: 'prove', target: TARGET, done: 0, of: 1 });
    await expect.poll(() => readProgress(data)).toMatchObject({ stage: 'prove' });
  });

  it('is at every moment one that can be read', async () => {
    const progress = new UpdateProgress({ data, source: 'http' });
    await expect.poll(() => readProgress(data)).not.toBeNull();
    for (let i = 0; i < 300; i++) {
      progress.tell({
        stage: i % 2 === 0 ? 'write' : 'prove',
        target: TARGET.repeat(1 + (i % 5)),
        done: i,
        of: 300,
      });
      expect(await readProgress(data)).not.toBeNull();
    }
    await progress.end('active');
  });

  it.each(['', '{"schema":"spikescope/update/1"', '{"schema":"spikescope/update/2","operation":null}', '[]'])(
    'that says %j is none',
    async (text) => {
      mkdirSync(path.dirname(progressFile(data)));
      writeFileSync(progressFile(data), text);
      expect(await readProgress(data)).toBeNull();
    },
  );

  it('that cannot be written ends no update', async () => {
    writeFileSync(path.join(data, 'updates'), 'not a folder');
    const progress = new UpdateProgress({ data, source: 'http' });
    progress.tell({ stage: 'fetch', target: TARGET, done: 1, of: 1 });
    await progress.end('staged');
    expect(await readProgress(data)).toBeNull();
  });
});

describe('a device that watches', () => {
  it('sees each update begin, go on and end', async () => {
    const watch = new UpdateWatch(data);
    const seen: (string | null)[] = [];
    watch.onChange(() => seen.push(watch.state.operation?.outcome ?? watch.state.operation?.stage ?? null));
    await watch.start();
    expect(watch.state).toEqual({ operation: null, installed: null });
    const owned = ownDataFolder(path.join(data, 'updates'));
    const progress = new UpdateProgress({ data, source: 'http' });
    progress.tell({ stage: 'fetch', target: TARGET, done: 5, of: 10 });
    await expect.poll(() => watch.isUnderWay, { timeout: 10_000 }).toBe(true);
    await progress.end('staged');
    owned.release();
    await expect.poll(() => seen.at(-1), { timeout: 10_000 }).toBe('staged');
    expect(watch.isUnderWay).toBe(false);
    await watch.stop();
  });

  it('calls one interrupted whose process was killed, and no other', async () => {
    const script = `
      const { ownDataFolder } = await import(${JSON.stringify(path.resolve('dist/store/owner.js'))});
      const { UpdateProgress } = await import(${JSON.stringify(path.resolve('dist/updates/progress.js'))});
      ownDataFolder(${JSON.stringify(path.join(data, 'updates'))});
      new UpdateProgress({ data: ${JSON.stringify(data)}, source: 'http' });
      setInterval(() => {}, 1000);`;
    mkdirSync(path.join(data, 'updates'));
    const child = spawn(process.execPath, ['--input-type=module', '-e', script], { stdio: 'inherit' });
    const watch = new UpdateWatch(data);
    await watch.start();
    await expect.poll(() => watch.isUnderWay, { timeout: 30_000 }).toBe(true);
    child.kill('SIGKILL');
    await once(child, 'exit');
    await expect.poll(() => watch.state.operation?.outcome, { timeout: 20_000 }).toBe('interrupted');
    await watch.stop();
  }, 60_000);

  it('tells a message that follows the schema, whatever is installed, and stays below its size', () => {
    const release = {
      target: TARGET,
      name: 'n'.repeat(128),
      version: 'v'.repeat(128),
      hash: 'ab',
      installedAt: '',
    };
    const refused = [1, 2].map(() => ({ ...release, reason: '“'.repeat(240) }));
    const kind = { active: release, pending: release, onTrial: true, refused, givenUp: [] };
    const state = { operation: null, installed: { model: kind, application: kind } };
    const announced = updateAnnouncementOf('scope-1', '1.0.0', state);
    expect(updateSchema.safeParse(announced).error).toBeUndefined();
    expect(bytesOf(JSON.stringify(announced))).toBeLessThanOrEqual(MAXIMUM_MESSAGE_BYTES);
    expect(announced.installed?.model).toMatchObject({ trial: true });
  });
});

describe('the status light', () => {
  it('is lit while the device is at work, and blinks while it rests and an update is under way', () => {
    vi.useFakeTimers();
    const shown: boolean[] = [];
    const light = new StatusLight((isOn) => shown.push(isOn));
    light.busy(false);
    light.updating(true);
    vi.advanceTimersByTime(3_000);
    expect(shown.splice(0)).toEqual([false, true, false, true, false]);
    light.busy(true);
    vi.advanceTimersByTime(3_000);
    expect(shown.splice(0)).toEqual([true]);
    light.busy(false);
    vi.advanceTimersByTime(1_000);
    expect(shown.splice(0)).toEqual([true, false]);
    light.updating(false);
    vi.advanceTimersByTime(3_000);
    expect(shown.splice(0)).toEqual([false]);
    light.stop();
  });
});
