import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import fc from 'fast-check';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import * as colour from '../../../src/colour.ts';
import {
  type MaskedPicture,
  measureSkinTones,
  skinToneBand,
  typologyAngle,
} from '../../../src/evaluation/triage/skin-tone.ts';

function labOf(red: number, green: number, blue: number) {
  const [l, a, b] = colour.labOf([red / 255, green / 255, blue / 255]);
  return { l, a, b };
}

const SKIN = [200, 160, 140] as const;
const LESION = [60, 30, 20] as const;

/** Skin with a lesion in the middle third, and the lesion's mask. */
function picture(skin: readonly number[] = SKIN, lesion: readonly number[] = LESION): MaskedPicture {
  const [width, height] = [60, 45];
  const isLesion = (i: number) => {
    const [x, y] = [i % width, Math.floor(i / width)];
    return x >= 20 && x < 40 && y >= 15 && y < 30;
  };
  return {
    width,
    height,
    rgb: Uint8Array.from({ length: width * height * 3 }, (_, i) =>
      isLesion(Math.floor(i / 3)) ? lesion[i % 3] : skin[i % 3],
    ),
    mask: Uint8Array.from({ length: width * height }, (_, i) => Number(isLesion(i))),
  };
}

function angleOf([red, green, blue]: readonly number[]): number {
  const { l, b } = labOf(red, green, blue);
  return (Math.atan((l - 50) / b) * 180) / Math.PI;
}

describe('CIELAB', () => {
  it('has the values of the standard for primaries, black and white', () => {
    const close = (colour: [number, number, number], [l, a, b]: [number, number, number]) => {
      const lab = labOf(...colour);
      expect(lab.l).toBeCloseTo(l, 1);
      expect(lab.a).toBeCloseTo(a, 1);
      expect(lab.b).toBeCloseTo(b, 1);
    };
    close([255, 255, 255], [100, 0, 0]);
    close([0, 0, 0], [0, 0, 0]);
    close([255, 0, 0], [53.24, 80.09, 67.2]);
    close([0, 255, 0], [87.73, -86.18, 83.18]);
    close([0, 0, 255], [32.3, 79.19, -107.86]);
  });

  it('gives greys no colour, and more lightness the brighter they are', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 254 }), (grey) => {
        const { l, a, b } = labOf(grey, grey, grey);
        expect(Math.hypot(a, b)).toBeLessThan(1e-9);
        expect(labOf(grey + 1, grey + 1, grey + 1).l).toBeGreaterThan(l);
      }),
    );
  });
});

describe('the individual typology angle', () => {
  it('is that of the skin, whatever the lesion looks like', () => {
    const channel = fc.integer({ min: 0, max: 255 });
    fc.assert(
      fc.property(fc.tuple(channel, channel, channel), (lesion) => {
        expect(typologyAngle(picture(SKIN, lesion))).toBeCloseTo(angleOf(SKIN), 9);
      }),
    );
  });

  it('leaves out a border around the mask: what a tight mask forgets does not count', () => {
    const { mask, ...rest } = picture();
    // One pixel narrower on every side than the lesion is.
    const tight = Uint8Array.from(mask, (_, i) =>
      Number([-61, -60, -59, -1, 0, 1, 59, 60, 61].every((step) => (mask[i + step] ?? 0) === 1)),
    );
    expect(tight.reduce((sum, value) => sum + value, 0)).toBeLessThan(mask.reduce((sum, v) => sum + v, 0));
    const rim = { ...rest, mask: tight };
    expect(typologyAngle(rim)).toBeCloseTo(angleOf(SKIN), 9);
  });

  it('does not take the black surround of a round field for skin', () => {
    const { rgb, ...rest } = picture();
    const round = Uint8Array.from(rgb, (value, i) => (Math.floor(i / 3) % 60 < 38 ? 0 : value));
    expect(typologyAngle({ ...rest, rgb: round })).toBeCloseTo(angleOf(SKIN), 9);
  });

  it('is not measured where the lesion fills the picture', () => {
    const { mask, ...rest } = picture();
    expect(typologyAngle({ ...rest, mask: mask.map(() => 1) })).toBeNull();
  });

  it('falls as skin gets darker, through the bands of the literature', () => {
    expect([60, 55, 50, 41, 30, 28, 20, 10, 0, -30, -31].map(skinToneBand)).toEqual([
      ...['very light', 'light', 'light', 'intermediate', 'intermediate', 'tan', 'tan'],
      ...['brown', 'brown', 'dark', 'dark'],
    ]);
    const light = typologyAngle(picture([230, 195, 175])) ?? 0;
    const dark = typologyAngle(picture([90, 60, 45])) ?? 0;
    expect(skinToneBand(light)).toBe('very light');
    expect(skinToneBand(dark)).toBe('dark');
  });
});

describe('measuring a data set', () => {
  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(path.join(tmpdir(), 'skin-tone-'));
    await mkdir(path.join(folder, 'masks'));
    const { rgb, mask, width, height } = picture();
    const raw = { raw: { width, height, channels: 3 } } as const;
    await sharp(rgb, raw).png().toFile(path.join(folder, 'a.png'));
    // Masks of another size than their images, as in HAM10000's archive.
    const grey = sharp(
      mask.map((value) => 255 * value),
      { raw: { width, height, channels: 1 } },
    );
    await grey.resize(120, 90, { kernel: 'nearest' }).png().toFile(path.join(folder, 'masks/a.png'));
    await grey.clone().png().toFile(path.join(folder, 'masks/b_segmentation.png'));
  });
  afterAll(() => rm(folder, { recursive: true }));

  const sample = (imageId: string) => ({
    ...{ imageId, file: path.join(folder, 'a.png'), label: 0, lesionId: null, split: null },
  });

  it('finds masks by either name, and leaves out what has none', async () => {
    const samples = [sample('a'), sample('b'), sample('c')];
    const tones = await measureSkinTones(samples, path.join(folder, 'masks'));
    expect([...tones.keys()].sort()).toEqual(['a', 'b']);
    for (const angle of tones.values()) expect(angle).toBeCloseTo(angleOf(SKIN), 6);
    expect((await measureSkinTones(samples, null)).size).toBe(0);
  });
});
