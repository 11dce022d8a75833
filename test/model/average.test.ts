import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import fc from 'fast-check';
import { afterAll, describe, expect, it } from 'vitest';
import { averageCommand } from '../../src/cli/average/average.ts';
import { RefusedError, UsageError } from '../../src/errors.ts';
import { averageCheckpoints, type NamedCheckpoint } from '../../src/model/checkpoint/average.ts';
import { readCheckpoint, writeCheckpoint } from '../../src/model/checkpoint/file.ts';
import { answeringArrays } from '../../src/model/checkpoint/format.ts';
import { randomCheckpoint, tinyQana } from '../support/architectures.ts';

const folder = mkdtempSync(path.join(tmpdir(), 'spikescope-average-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const named = (seed: number): NamedCheckpoint => ({
  file: `${seed}.checkpoint`,
  checkpoint: { ...randomCheckpoint(tinyQana(), seed), quantisation: null },
});

describe('the mean of networks', () => {
  it('has at every weight and running statistic the mean of what they answer with', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 1, max: 1000 }), { minLength: 1, maxLength: 4 }), (seeds) => {
        const networks = [named(0), ...seeds.map(named)] as const;
        const mean = answeringArrays(averageCheckpoints([...networks]));
        const given = networks.map(({ checkpoint }) => answeringArrays(checkpoint));
        expect([...mean.keys()].sort()).toEqual([...given[0].keys()].sort());
        for (const [name, { values }] of mean) {
          values.forEach((value, i) => {
            const sum = given.reduce((total, one) => total + (one.get(name)?.values[i] ?? Number.NaN), 0);
            expect(value).toBe(Math.fround(sum / given.length));
          });
        }
      }),
      { numRuns: 10 },
    );
  });

  it('takes the exponential averages of a network that keeps them, with which it answers', () => {
    const plain = named(1);
    const averages = answeringArrays(named(2).checkpoint);
    const kept = { file: 'kept', checkpoint: { ...plain.checkpoint, averages } };
    expect(answeringArrays(averageCheckpoints([kept, kept]))).toEqual(answeringArrays(named(2).checkpoint));
  });

  it('is refused of another architecture, of other classes and of a quantised network, by the name of its file', () => {
    const first = named(1);
    const { checkpoint } = named(2);
    const others = [
      { ...randomCheckpoint(tinyQana({ squeezeExcite: false }), 2), quantisation: null },
      { ...checkpoint, classes: checkpoint.classes.toReversed() },
      randomCheckpoint(tinyQana(), 2),
    ];
    for (const other of others) {
      const refusal = () => averageCheckpoints([first, { file: 'other', checkpoint: other }]);
      expect(refusal).toThrow(RefusedError);
      expect(refusal).toThrow(expect.objectContaining({ code: 'CHECKPOINT_AVERAGE' }));
      expect(refusal).toThrow(
        expect.objectContaining({ details: expect.objectContaining({ file: 'other' }) }),
      );
    }
  });
});

describe('spikescope average', () => {
  const average = (...files: string[]) =>
    averageCommand()
      .exitOverride()
      .parseAsync([...files, '--out', path.join(folder, 'mean')], { from: 'user' });

  it('writes a checkpoint that goes on as any other', async () => {
    const files = [1, 2].map((seed) => path.join(folder, `${seed}`));
    for (const [i, file] of files.entries()) await writeCheckpoint(file, named(i + 1).checkpoint);
    await average(...files);
    const written = await readCheckpoint(path.join(folder, 'mean'));
    expect(written).toEqual(averageCheckpoints([named(1), named(2)]));
  });

  it('takes two networks or more', async () => {
    const file = path.join(folder, 'alone');
    await writeCheckpoint(file, named(1).checkpoint);
    await expect(average(file)).rejects.toThrow(UsageError);
  });
});
