import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { readChoiceFigures } from '../../../src/model/bundle/choice-figures.ts';
import { readBundle } from '../../../src/model/bundle/read.ts';
import { DEFAULT_MODEL, modelFile, shippedModels } from '../../../src/runtime/engine/shipped-models.ts';

/** Milliseconds that one inference may take on one core of a Cortex-A76. */
const LATENCY_BUDGET = 5;
/** Share of Top-1 that corruption may take, in the mean of all. */
const CORRUPTION_BUDGET = 0.05;

let folder: string;
let started: string;

beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'spikescope-shipped-'));
  started = process.cwd();
  process.chdir(folder);
});

afterEach(() => {
  process.chdir(started);
  rmSync(folder, { recursive: true });
});

describe('bundles that ship', () => {
  it('are found by name from any folder', async () => {
    for (const name of shippedModels()) {
      expect((await readBundle(modelFile(name))).name).toBe(name);
    }
  });

  it('give way to a file of that name, and leave every other path as it is', () => {
    const [name] = shippedModels();
    writeFileSync(name, '');
    expect(modelFile(name)).toBe(name);
    expect(modelFile('no-such-model')).toBe('no-such-model');
    expect(modelFile('./no/such.spikescope')).toBe('./no/such.spikescope');
  });

  it('carry for either card what the whole network takes and what its backbone takes, where they are for one', async () => {
    const { akidaPrograms } = await readBundle(modelFile('qana-akd1000'));
    const programs = akidaPrograms?.programs ?? [];
    expect(programs.map(({ device, kind }) => `${device} ${kind}`)).toEqual([
      ...['akd1000 whole', 'akd1000 backbone', 'akd1500 whole', 'akd1500 backbone'],
    ]);
    for (const { passes, processors } of programs) {
      expect(passes).toBe(1);
      expect(processors.used).toBeLessThanOrEqual(processors.of);
    }
    expect((await readBundle(DEFAULT_MODEL)).akidaPrograms).toBeUndefined();
  });

  it('have figures of their own to be chosen by', async () => {
    for (const name of shippedModels()) {
      const file = modelFile(name);
      const figures = await readChoiceFigures(file, (await readBundle(file)).digest);
      expect(figures, name).toMatchObject({ validation: {}, corruption: {}, cortexA76: {} });
    }
  });

  it('include the default: within both budgets the fastest that validation cannot tell from the best', async () => {
    const choices = await Promise.all(
      shippedModels().map(async (name) => {
        const file = modelFile(name);
        const figures = await readChoiceFigures(file, (await readBundle(file)).digest);
        const { top1 = 0, images = 1 } = figures?.validation ?? {};
        const { top1Lost = 1 } = figures?.corruption ?? {};
        const milliseconds = figures?.cortexA76?.milliseconds ?? Number.POSITIVE_INFINITY;
        return { file, top1, top1Lost, standardError: Math.sqrt((top1 * (1 - top1)) / images), milliseconds };
      }),
    );
    const affordable = choices.filter(
      ({ milliseconds, top1Lost }) => milliseconds <= LATENCY_BUDGET && top1Lost <= CORRUPTION_BUDGET,
    );
    // The rule of one standard error (Breiman et al., Classification and Regression Trees, 1984, 3.4.3).
    const [best] = affordable.toSorted((a, b) => b.top1 - a.top1);
    const [fastest] = affordable
      .filter(({ top1 }) => top1 >= best.top1 - best.standardError)
      .sort((a, b) => a.milliseconds - b.milliseconds);
    expect(fastest.file).toBe(DEFAULT_MODEL);
  });
});
