import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { listImages } from '../../../src/capture/images.ts';
import { type OpenModel, openModel } from '../../../src/runtime/engine/open-model.ts';
import { createClassifier } from '../../../src/runtime/inference/classifier.ts';

const dataset = process.env.SPIKESCOPE_DATA ?? '../shared/ham10000';
const fullSize = path.join(dataset, '../ham10000-fullsize/images');
const EVERY = 20;

let model: OpenModel;
beforeAll(async () => {
  model = await openModel();
});
afterAll(() => model.engine.close());

describe.skipIf(!existsSync(fullSize))('real captures at 600×450', () => {
  it('all pass the integrity check', async () => {
    const { images } = await listImages(fullSize);
    const classifier = createClassifier(model.bundle, model.engine);
    const readings = await Promise.all(images.slice(0, 60).map((image) => classifier.classify(image)));
    expect(readings.length).toBe(60);
    expect(readings.filter(({ reading }) => !reading.accepted)).toEqual([]);
  });
});

describe.skipIf(!existsSync(dataset))('the saliency crop on real lesions', () => {
  it('keeps the lesion', async () => {
    const identifiers = readFileSync(path.join(dataset, 'split_lesion.csv'), 'utf8')
      .trim()
      .split('\n')
      .filter((line) => line.endsWith(',test'))
      .map((line) => line.slice(0, line.indexOf(',')))
      .filter((_, i) => i % EVERY === 0);
    const classifier = createClassifier(model.bundle, model.engine, { crop: true, integrityCheck: false });
    const kept = await Promise.all(
      identifiers.map(async (id) => {
        const { crop } = (await classifier.classify(path.join(dataset, 'images', `${id}.jpg`))).reading;
        if (crop === null) throw new Error(`${id} was not read`);
        return keptShare(path.join(dataset, 'masks', `${id}.png`), crop);
      }),
    );
    expect(kept.length).toBeGreaterThan(90);
    expect(kept.reduce((sum, share) => sum + share, 0) / kept.length).toBeGreaterThan(0.9);
    expect(kept.filter((share) => share >= 0.7).length / kept.length).toBeGreaterThanOrEqual(0.9);
  });
});

/** Share of a mask's pixels that lie in a square. */
async function keptShare(
  mask: string,
  { x, y, side }: { x: number; y: number; side: number },
): Promise<number> {
  const whole = sharp(mask).greyscale().threshold(128);
  const inside = whole.clone().extract({ left: x, top: y, width: side, height: side });
  const sums = await Promise.all([inside, whole].map(async (image) => sum(await image.raw().toBuffer())));
  return sums[0] / sums[1];
}

function sum(values: Uint8Array): number {
  return values.reduce((total, value) => total + value, 0);
}
