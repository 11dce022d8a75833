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
import {
  answeringArrays,
  type Checkpoint,
  type NamedArray,
  type WeightQuantisation,
} from '../../src/model/checkpoint/format.ts';
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
  const other = { shape: [1], values: new Float32Array(1) };
  const below = ({ shape, values }: NamedArray): NamedArray => ({ shape, values: values.map(() => -1) });
  const quantised = (head: WeightQuantisation): Checkpoint['quantisation'] => ({
    activations: new Map(),
    weights: new Map([['head.logits', head]]),
  });
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
    [
      'holds a moment of another shape',
      { optimiser: { steps: 1, first: new Map([[first[0], other]]), second: new Map() } },
    ],
    [
      'holds a mean of squares below zero',
      { optimiser: { steps: 1, first: new Map(), second: new Map([[first[0], below(first[1])]]) } },
    ],
    [
      'holds a variance below zero',
      { statistics: new Map(Array.from(sound.statistics, ([name, array]) => [name, below(array)])) },
    ],
    ['names more classes than it has logits', { classes: ['one', 'two', 'three'] }],
    ['names a class as an answer', { classes: ['one', 'retake'] }],
    ['names two classes alike', { classes: ['one', 'one'] }],
    ['has a class that a terminal would obey', { classes: ['one', '\u001b[2J'] }],
    [
      'has scales for other layers',
      { quantisation: quantised({ limit: 127, scales: Float64Array.of(1, 1, 1) }) },
    ],
    ['has a scale of zero', { quantisation: quantised({ limit: 127, scales: Float64Array.of(0) }) }],
    [
      'has a scale that is infinite',
      { quantisation: quantised({ limit: 127, scales: Float64Array.of(Number.POSITIVE_INFINITY) }) },
    ],
    [
      'asks for more memory than there is',
      { architecture: { ...sound.architecture, inputShape: [65_536, 65_536, 3] } },
    ],
    [
      'has the best of figures and more',
      { progress: { ...sound.progress, best: { epoch: 1, macroF1: 1e308 } } },
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
