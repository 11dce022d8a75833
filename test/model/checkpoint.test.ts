import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  checkpointBytes,
  isCheckpoint,
  parseCheckpoint,
  readCheckpoint,
  writeCheckpoint,
} from '../../src/model/checkpoint/file.ts';
import { answeringArrays, type Checkpoint } from '../../src/model/checkpoint/format.ts';
import { randomCheckpoint } from '../support/architectures.ts';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'spikescope-checkpoint-'));
});
afterAll(() => rm(folder, { recursive: true }));

describe('a checkpoint file', () => {
  it('gives back what was written and leaves nothing beside it', async () => {
    const file = path.join(folder, 'last.checkpoint');
    const checkpoint = randomCheckpoint();
    await writeCheckpoint(file, randomCheckpoint(undefined, 7));
    await writeCheckpoint(file, checkpoint);
    const read = await readCheckpoint(file);
    expect(read).toEqual(checkpoint);
    expect(await readdir(folder)).toEqual(['last.checkpoint']);
  });

  it('is refused with any byte changed or missing', () => {
    const bytes = checkpointBytes(randomCheckpoint());
    fc.assert(
      fc.property(fc.nat(bytes.length - 1), fc.integer({ min: 1, max: 255 }), (at, change) => {
        const damaged = bytes.slice();
        damaged[at] ^= change;
        expect(() => parseCheckpoint(damaged, 'x')).toThrow(/checkpoint/);
        expect(() => parseCheckpoint(bytes.subarray(0, at), 'x')).toThrow(/checkpoint/);
      }),
    );
  });

  const sound = randomCheckpoint();
  const first = [...sound.parameters][0];
  const faults: [string, Partial<Checkpoint>][] = [
    ['lacks an array', { parameters: new Map([...sound.parameters].slice(1)) }],
    [
      'has an array of another shape',
      { parameters: new Map([...sound.parameters, [first[0], { shape: [1], values: new Float32Array(1) }]]) },
    ],
    [
      'holds what is not a number',
      {
        statistics: new Map(
          Array.from(sound.statistics, ([name, a]) => [
            name,
            { ...a, values: a.values.map(() => Number.NaN) },
          ]),
        ),
      },
    ],
    ['describes no network', { architecture: { ...sound.architecture, output: 'nowhere' } }],
    ['has figures that are none', { metrics: { loss: Number.NaN } }],
  ];
  it.each(faults)('is refused where it %s', (_, change) => {
    const bytes = checkpointBytes({ ...sound, ...change });
    expect(() => parseCheckpoint(bytes, 'x')).toThrow(expect.objectContaining({ code: 'CHECKPOINT_SCHEMA' }));
  });

  it('is told from other files', async () => {
    expect(isCheckpoint(checkpointBytes(sound))).toBe(true);
    expect(isCheckpoint(Buffer.from('SPIKESCO'))).toBe(false);
    const file = path.join(folder, 'other');
    await writeFile(file, 'SPIKESCO and more');
    await expect(readCheckpoint(file)).rejects.toMatchObject({
      code: 'CHECKPOINT_NOT_A_CHECKPOINT',
      exitCode: 3,
    });
    await expect(readCheckpoint(folder)).rejects.toMatchObject({ code: 'CHECKPOINT_UNREADABLE' });
  });
});

describe('a checkpoint', () => {
  it('answers with its averages where it keeps them', () => {
    expect(answeringArrays(sound).get(first[0])).toBe(sound.averages?.get(first[0]));
    expect(answeringArrays({ ...sound, averages: null }).get(first[0])).toBe(first[1]);
  });
  const sound = randomCheckpoint();
  const first = [...sound.parameters][0];
});
