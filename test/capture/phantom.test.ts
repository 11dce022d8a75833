import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { PhantomPainter } from '../../src/capture/phantom/draw.ts';
import { LOOKS } from '../../src/capture/phantom/looks.ts';
import { seedOf } from '../../src/capture/phantom/random.ts';
import { PhantomSource } from '../../src/capture/phantom.ts';
import type { Capture } from '../../src/capture/source.ts';
import type { RgbFrame } from '../../src/frame.ts';
import { measureQuality, retakeReasons } from '../../src/preprocess/quality.ts';
import { openModel } from '../../src/runtime/engine/open-model.ts';

const painter = new PhantomPainter();
const seeds = fc.integer({ min: 0, max: 2 ** 32 - 1 });

async function take(source: PhantomSource, count: number): Promise<Capture[]> {
  const captures: Capture[] = [];
  for await (const capture of source.frames(new AbortController().signal)) {
    captures.push(capture);
    if (captures.length === count) break;
  }
  return captures;
}

function frameOf({ image }: Capture): RgbFrame {
  if (typeof image === 'string' || !('rgb' in image)) throw new Error('phantoms are frames');
  return image;
}

/** Stands for all pixels: comparing 810,000 numbers one by one takes seconds. */
function digestOf({ rgb }: RgbFrame): string {
  return createHash('sha256').update(rgb).digest('hex');
}

/** Mean of each channel over a square of 40 pixels around a point. */
function meanColour({ rgb, width }: RgbFrame, x: number, y: number): number[] {
  const sums = [0, 0, 0];
  for (let row = y - 20; row < y + 20; row++) {
    for (let column = x - 20; column < x + 20; column++) {
      for (let c = 0; c < 3; c++) sums[c] += rgb[3 * (row * width + column) + c];
    }
  }
  return sums.map((sum) => sum / 1600);
}

describe('a phantom', () => {
  it('is 600×450 RGB and neither black nor white anywhere', () => {
    fc.assert(
      fc.property(seeds, (seed) => {
        const { frame } = painter.draw(seed);
        expect([frame.width, frame.height, frame.rgb.length]).toEqual([600, 450, 600 * 450 * 3]);
        expect(frame.rgb.every((value) => value > 0 && value < 255)).toBe(true);
      }),
      { numRuns: 15 },
    );
  });

  it('has the same pixels for the same seed, whatever was drawn before, and others for another', () => {
    fc.assert(
      fc.property(seeds, seeds, (seed, other) => {
        fc.pre(seed !== other);
        const first = digestOf(new PhantomPainter().draw(seed).frame);
        const between = digestOf(painter.draw(other).frame);
        expect(digestOf(painter.draw(seed).frame)).toBe(first);
        expect(between).not.toBe(first);
      }),
      { numRuns: 8 },
    );
  });

  it.each(LOOKS.map(({ name }, index) => [name, index] as const))(
    'that looks like %s passes the integrity check of the shipped model',
    async (_, look) => {
      const { bundle, engine } = await openModel();
      await engine.close();
      for (let seed = 1; seed <= 5; seed++) {
        const quality = measureQuality(painter.draw(seed, look).frame);
        expect(retakeReasons(quality, bundle.preprocessing.quality)).toEqual([]);
      }
    },
  );

  it('of melanoma is darker in the middle than its skin, one of a vascular lesion redder', () => {
    const look = (name: string) => LOOKS.findIndex((candidate) => candidate.name === name);
    for (let seed = 1; seed <= 5; seed++) {
      const melanoma = painter.draw(seed, look('mel')).frame;
      const [red] = meanColour(melanoma, 300, 225);
      expect(red).toBeLessThan(0.75 * meanColour(melanoma, 40, 225)[0]);
      const vascular = painter.draw(seed, look('vasc')).frame;
      const [r, g] = meanColour(vascular, 300, 225);
      const [skinRed, skinGreen] = meanColour(vascular, 40, 225);
      expect(r / g).toBeGreaterThan(1.2 * (skinRed / skinGreen));
    }
  });
});

describe('the series of phantoms', () => {
  it('is the same for the same seed', async () => {
    const [first, second] = [await take(new PhantomSource(7), 3), await take(new PhantomSource(7), 3)];
    const digests = (captures: Capture[]) => captures.map((capture) => digestOf(frameOf(capture)));
    expect(digests(second)).toEqual(digests(first));
  });

  it('differs from frame to frame and between seeds', () => {
    const drawn = new Set<number>();
    for (let seed = 0; seed < 50; seed++) {
      for (let index = 0; index < 200; index++) drawn.add(seedOf(seed, index));
    }
    expect(drawn.size).toBeGreaterThan(9_990);
  });

  it('shows every look before long', () => {
    const looks = new Set(Array.from({ length: 40 }, (_, index) => painter.draw(seedOf(1, index)).look));
    expect([...looks].sort()).toEqual(LOOKS.map(({ name }) => name).sort());
  });

  it('ends when asked to', async () => {
    const controller = new AbortController();
    let captures = 0;
    for await (const _ of new PhantomSource(1).frames(controller.signal)) {
      captures++;
      if (captures === 2) controller.abort();
    }
    expect(captures).toBe(2);
  });
});
