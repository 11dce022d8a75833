import { spawnSync } from 'node:child_process';
import { copyFile, mkdtemp, open, readdir, rm, stat, truncate, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeEach, describe, expect, it } from 'vitest';
import { areaResampleReference } from '../../../src/preprocess/resample-reference.ts';
import { areaReduce } from '../../../src/training/data/cache/area-reduce.ts';
import { nativeLoader } from '../../../src/training/data/native.ts';
import { openTrainingData } from '../../../src/training/data/open.ts';
import type { Batch, TrainingDataOptions } from '../../../src/training/data/training-data.ts';
import { drawnLesion } from '../../support/drawn-lesion.ts';
import { writeTinyDataset } from '../../support/tiny-dataset.ts';
import { epochOf, tinyOptions } from '../../support/training-options.ts';

const IMAGES = 12;
const folders: string[] = [];
let folder: string;

beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'training-cache-'));
  folders.push(folder);
  await writeTinyDataset(folder, IMAGES);
});
afterAll(() => Promise.all(folders.map((name) => rm(name, { recursive: true }))));

/** Opens, reads an epoch and closes; what was said, how many images were decoded, what came. */
async function read(others: Partial<TrainingDataOptions> = {}) {
  const options = tinyOptions(folder, others);
  const data = await openTrainingData(options);
  try {
    const batches: Batch[] = await epochOf(data, 0);
    return { notes: options.announcer.notes, decoded: options.announcer.steps, batches, length: data.length };
  } finally {
    await data.close();
  }
}

async function cacheFile(): Promise<string> {
  const [name, ...others] = await readdir(path.join(folder, 'cache'));
  expect(others).toEqual([]);
  return path.join(folder, 'cache', name);
}

const image = (number: number) => path.join(folder, `images/part_1/ISIC_000${number}.jpg`);

async function flipByte(file: string, at: number): Promise<void> {
  const handle = await open(file, 'r+');
  try {
    const { buffer } = await handle.read(Buffer.alloc(1), 0, 1, at);
    await handle.write(Buffer.of(buffer[0] ^ 1), 0, 1, at);
  } finally {
    await handle.close();
  }
}

describe.each([
  { renderer: 'native' as const, missing: nativeLoader() === null },
  { renderer: 'typescript' as const, missing: false },
])('the cache of decoded images ($renderer)', ({ renderer, missing }) => {
  it.skipIf(missing)('is made once and found again', async () => {
    const first = await read({ renderer });
    expect(first.decoded).toBe(IMAGES);
    expect(first.notes.join()).toContain('not there yet');
    const { ino } = await stat(await cacheFile());
    const second = await read({ renderer });
    expect(second).toEqual({ ...first, notes: [], decoded: 0 });
    expect((await stat(await cacheFile())).ino).toBe(ino);
  });

  it.skipIf(missing)('is made anew when an image changes', async () => {
    const before = await read({ renderer });
    await copyFile(image(1), image(0));
    const after = await read({ renderer });
    expect(after.notes.join()).toContain('images have changed');
    expect(after.decoded).toBe(IMAGES);
    expect(after.batches).not.toEqual(before.batches);
    await utimes(image(3), 1, 1);
    expect((await read({ renderer })).decoded).toBe(IMAGES);
    await rm(image(2));
    expect((await read({ renderer })).decoded).toBe(IMAGES - 1);
  });

  it.skipIf(missing)('is made anew wherever a byte of it turned', async () => {
    const whole = await read({ renderer, split: 'all' });
    const file = await cacheFile();
    const { size } = await stat(file);
    // The magic, the index's place, a pixel, the index.
    for (const at of [3, 34, 5000, size - 40]) {
      await flipByte(file, at);
      const { notes, decoded, batches } = await read({ renderer, split: 'all' });
      expect(notes).toHaveLength(1);
      expect(decoded).toBe(IMAGES);
      expect(batches).toEqual(whole.batches);
    }
  });

  it.skipIf(missing)('is made anew when it was cut off or is something else', async () => {
    await read({ renderer });
    const file = await cacheFile();
    for (const length of [0, 10, 64, 70_000, (await stat(file)).size - 1]) {
      await truncate(file, length);
      expect((await read({ renderer })).decoded).toBe(IMAGES);
    }
    await writeFile(file, 'something else entirely, '.repeat(100));
    expect((await read({ renderer })).decoded).toBe(IMAGES);
  });
});

describe('the cache of decoded images', () => {
  it('names broken images and refuses them, or skips them on purpose', async () => {
    await writeFile(image(0), 'not an image');
    await truncate(image(7), 1000);
    await expect(read()).rejects.toMatchObject({
      code: 'TRAINING_UNREADABLE',
      details: { received: expect.stringMatching(/ISIC_0000.*ISIC_0007/) },
    });
    const { notes, length } = await read({ unreadable: 'skip' });
    expect(length).toBe(2);
    expect(notes.join()).toMatch(/Without 2 images.*ISIC_0000/);
    // The other splits are whole.
    expect((await read({ split: 'val' })).notes).toEqual([]);
  });

  it('refuses a split of which nothing decodes', async () => {
    for (const number of [0, 1, 6, 7]) await writeFile(image(number), 'not an image');
    await expect(read({ unreadable: 'skip' })).rejects.toMatchObject({ code: 'TRAINING_EMPTY' });
  });

  it('leaves nothing behind when it cannot be written', async () => {
    await writeFile(path.join(folder, 'cache'), 'a file where a folder should be');
    await expect(read()).rejects.toMatchObject({ code: 'TRAINING_CACHE_UNWRITABLE' });
  });

  it('takes away what a process left behind that was killed while decoding', async () => {
    await read();
    const file = await cacheFile();
    const killed = spawnSync(process.execPath, ['--version']).pid;
    await writeFile(`${file}.${killed}.0-1.tmp`, 'half a cache');
    await writeFile(`${file}.${process.pid}.0-1.tmp`, 'half a cache of a living process');
    await utimes(image(3), 1, 1);
    await read();
    expect((await readdir(path.join(folder, 'cache'))).sort()).toEqual([
      path.basename(file),
      `${path.basename(file)}.${process.pid}.0-1.tmp`,
    ]);
  });

  it('keeps data sets of one name apart', async () => {
    const other = path.join(folder, 'nested', path.basename(folder));
    await writeTinyDataset(other, 6);
    const cacheFolder = path.join(folder, 'cache');
    await read();
    const options = tinyOptions(other, { cacheFolder });
    await (await openTrainingData(options)).close();
    expect(await readdir(cacheFolder)).toHaveLength(2);
  });
});

describe('area reduction of whole frames', () => {
  it('is the exact one on squares', () => {
    const frame = drawnLesion(90, 90);
    for (const side of [90, 64, 45, 31, 7, 1]) {
      const expected = areaResampleReference(frame, { x: 0, y: 0, side: 90 }, side);
      const { rgb } = areaReduce(frame, side, side);
      // Exact halves may round either way in floating point.
      rgb.forEach((value, i) => {
        expect(Math.abs(value - expected[i])).toBeLessThanOrEqual(1);
      });
      expect(rgb.filter((value, i) => value !== expected[i]).length).toBeLessThan(rgb.length / 100 + 1);
    }
  });
});
