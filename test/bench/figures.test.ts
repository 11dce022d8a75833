import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { formatted, isMet, notMeasured, wanted } from '../../src/bench/figures/figure.ts';
import { measureFigures } from '../../src/bench/figures/figures.ts';
import { keptShare } from '../../src/bench/figures/mask-retention.ts';
import { triageFigures } from '../../src/bench/figures/triage.ts';
import { writeBundle } from '../../src/model/bundle/write.ts';
import { openModel } from '../../src/runtime/engine/open-model.ts';
import { writeTinyDataset } from '../support/tiny-dataset.ts';
import { tinyModel, tinyTable, tinyTriage } from '../support/tiny-model.ts';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'figures-'));
});
afterAll(() => rm(folder, { recursive: true }));

/** White in columns 4…7 and rows 2…5 of 10×8 pixels, times `scale`. */
async function maskFile(name: string, scale = 1, level = 255): Promise<string> {
  const [width, height] = [10 * scale, 8 * scale];
  const pixels = Uint8Array.from({ length: width * height }, (_, i) => {
    const [x, y] = [Math.floor((i % width) / scale), Math.floor(i / width / scale)];
    return x >= 4 && x < 8 && y >= 2 && y < 6 ? level : 0;
  });
  const file = path.join(folder, name);
  await sharp(pixels, { raw: { width, height, channels: 1 } })
    .png()
    .toFile(file);
  return file;
}

describe('the share of a lesion that a square keeps', () => {
  it('is counted in the mask’s pixels', async () => {
    const mask = await maskFile('mask.png');
    expect(await keptShare(mask, { x: 1, y: 0, side: 8 }, 10, 8)).toBe(1);
    expect(await keptShare(mask, { x: 6, y: 0, side: 4 }, 10, 8)).toBe(0.25);
    expect(await keptShare(mask, { x: 0, y: 0, side: 4 }, 10, 8)).toBe(0);
  });

  it('does not depend on the mask’s own size', async () => {
    const mask = await maskFile('large.png', 3);
    expect(await keptShare(mask, { x: 6, y: 0, side: 4 }, 10, 8)).toBe(0.25);
  });

  it('does not exist for an empty mask', async () => {
    expect(await keptShare(await maskFile('empty.png', 1, 0), { x: 0, y: 0, side: 8 }, 10, 8)).toBeNull();
  });
});

describe('a figure', () => {
  const agreement = {
    subject: 'accuracy',
    name: 'Same winning class',
    value: 0.98,
    unit: 'share',
    minimum: 0.97,
  } as const;

  it('is met within its bounds, missed outside, and neither where nothing was wanted or measured', () => {
    expect(isMet(agreement)).toBe(true);
    expect(isMet({ ...agreement, value: 0.96 })).toBe(false);
    expect(isMet({ ...agreement, maximum: 0.975 })).toBe(false);
    expect(isMet({ subject: 'accuracy', name: '', value: 3, unit: 'ms' })).toBeNull();
    expect(
      isMet({ ...agreement, ...notMeasured('accuracy', '', 'share', 'no data'), minimum: 0.97 }),
    ).toBeNull();
  });

  it('reads in its unit', () => {
    expect(formatted(agreement)).toBe('98.00 %');
    expect(wanted(agreement)).toBe('≥ 97.00 %');
    expect(
      wanted({ subject: 'readout', name: '', value: null, unit: 'share', minimum: 0.16, maximum: 0.2 }),
    ).toBe('16.00 % … 20.00 %');
    expect(formatted({ value: -0.25, unit: 'points' })).toBe('−0.25 points');
    expect(formatted({ value: null, unit: 'ms' })).toBe('–');
  });
});

describe('the figures of a model', () => {
  it('of triage are named as not measured where the bundle does not triage', () => {
    const document = { triage: null } as Parameters<typeof triageFigures>[0];
    expect(triageFigures(document, document)).toEqual([
      expect.objectContaining({ value: null, remark: expect.stringContaining('not measured') }),
    ]);
  });

  it('are measured where the data lie, and say why where they do not', async () => {
    const model = path.join(folder, 'tiny.spikescope');
    await writeBundle(model, { ...tinyModel(), classTable: tinyTable(), triage: tinyTriage(0.5) });
    const dataset = path.join(folder, 'set');
    await writeTinyDataset(dataset, 24);
    const { bundle, engine } = await openModel(model);
    const nowhere = path.join(folder, 'nowhere');
    const figures = await measureFigures(bundle, engine, {
      dataset,
      fullSize: path.join(dataset, 'images'),
      float: nowhere,
    });
    const without = await measureFigures(bundle, engine, {
      dataset: nowhere,
      fullSize: nowhere,
      float: nowhere,
    });
    await engine.close();
    const named = new Map(figures.map((figure) => [figure.name, figure]));
    expect(named.get('Conversion success rate on cpu')?.value).toBe(1);
    expect(named.get('ECE on test, calibrated')?.value).toBe(named.get('ECE on test, plain softmax')?.value);
    for (const split of ['validation', 'test']) {
      const shares = [`Malignant referred, ${split}`, `Malignant called routine, ${split}`];
      const [found, missed] = shares.map((name) => named.get(name)?.value ?? Number.NaN);
      expect(found + missed).toBe(1);
      expect(named.get(`malign referred, ${split}`)?.remark).toMatch(/^95 % by lesion: /);
    }
    // What is wanted is wanted on the split that nothing was chosen on.
    expect(named.get('Benign spared, test')?.minimum).toBeGreaterThan(0);
    expect(named.get('Benign spared, validation')).not.toHaveProperty('minimum');
    expect(named.get('Against the float graph')).toMatchObject({
      value: null,
      remark: expect.stringContaining(nowhere),
    });
    expect(named.get('Everything but decode, over decode')?.value).toBeGreaterThan(0);
    expect(without.filter(({ value }) => value !== null).map(({ name }) => name)).toEqual([
      'Conversion success rate on cpu',
    ]);
    for (const { value, remark } of without) if (value === null) expect(remark).toContain('not measured');
  });
});
