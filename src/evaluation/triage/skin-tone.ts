/**
 * Tone of the skin around a lesion as the individual typology angle, in the bands of Del Bino and Bernerd (Variations in
 * skin colour and the biological consequences of ultraviolet radiation exposure, Br J Dermatol 169 Suppl 3, 2013), measured
 * on pictures as by Kinyanjui et al. (Fairness of Classifiers Across Skin Tones in Dermatology, MICCAI 2020).
 */
import { existsSync } from 'node:fs';
import path from 'node:path';
import sharp from 'sharp';
import { labOf } from '../../colour.ts';
import { mapConcurrently } from '../../concurrently.ts';
import type { Sample } from '../../dataset/dataset.ts';

/** Bands of the angle in degrees, each from above `above`; the lightest first. */
export const SKIN_TONES = [
  { name: 'very light', above: 55 },
  { name: 'light', above: 41 },
  { name: 'intermediate', above: 28 },
  { name: 'tan', above: 10 },
  { name: 'brown', above: -30 },
  { name: 'dark', above: Number.NEGATIVE_INFINITY },
] as const;
export type SkinTone = (typeof SKIN_TONES)[number]['name'];

export function skinToneBand(angle: number): SkinTone {
  return SKIN_TONES.find(({ above }) => angle > above)?.name ?? 'dark';
}

/** Pictures are measured at this size at most, pixels: fine hairs are averaged away, and time is saved. */
const SIDE = 200;
/** Border around the lesion that is left out too, as a share of the short side: masks are drawn tightly. */
const BORDER = 0.05;
/** Darker than any skin: the surround of a round field, hair, ink. L*. */
const SURROUND = 15;
/** Share of the picture at least that has to be skin. */
const LEAST_SKIN = 0.05;

/** RGB, row by row, with a mask of the same size: what is not 0 belongs to the lesion. */
export interface MaskedPicture {
  readonly width: number;
  readonly height: number;
  readonly rgb: Uint8Array;
  readonly mask: Uint8Array;
}

/**
 * ITA = atan((L* − 50) / b*) · 180 / π of the median L* and the median b* over the skin: what lies outside the mask and a
 * border around it, and is no dark surround. Where b* is below 0 the angle goes on beyond 90.
 * @returns degrees, or null where less than a twentieth of the picture is skin
 */
export function typologyAngle({ width, height, rgb, mask }: MaskedPicture): number | null {
  const lesion = widened(mask, width, height, Math.ceil(BORDER * Math.min(width, height)));
  const lightness: number[] = [];
  const yellowness: number[] = [];
  for (let i = 0; i < lesion.length; i++) {
    if (lesion[i] !== 0) continue;
    const [l, , b] = labOf([rgb[3 * i] / 255, rgb[3 * i + 1] / 255, rgb[3 * i + 2] / 255]);
    if (l < SURROUND) continue;
    lightness.push(l);
    yellowness.push(b);
  }
  if (lightness.length < LEAST_SKIN * lesion.length) return null;
  return (Math.atan2(median(lightness) - 50, median(yellowness)) * 180) / Math.PI;
}

function median(values: number[]): number {
  values.sort((a, b) => a - b);
  const middle = (values.length - 1) / 2;
  return (values[Math.floor(middle)] + values[Math.ceil(middle)]) / 2;
}

/** The mask and every pixel within `margin` of it, along rows and columns. */
function widened(mask: Uint8Array, width: number, height: number, margin: number): Uint8Array {
  const along = (from: Uint8Array, length: number, step: number, lines: number, next: number) => {
    const to = new Uint8Array(from.length);
    for (let line = 0; line < lines; line++) {
      for (let i = 0, reach = -1; i < length + margin; i++) {
        if (i < length && from[line * next + i * step] !== 0) reach = i + 2 * margin;
        const at = i - margin;
        if (at >= 0 && i <= reach) to[line * next + at * step] = 1;
      }
    }
    return to;
  };
  return along(along(mask, width, 1, height, width), height, width, width, 1);
}

/**
 * Angles by image identifier, for the images that have a mask and enough skin.
 * @param masks folder of PNGs, white on black, named by image identifier, also with `_segmentation` behind it; null for none
 */
export async function measureSkinTones(
  samples: readonly Sample[],
  masks: string | null,
): Promise<ReadonlyMap<string, number>> {
  if (masks === null) return new Map();
  const measured = await mapConcurrently(samples, async ({ imageId, file }) => {
    const mask = [`${imageId}.png`, `${imageId}_segmentation.png`]
      .map((name) => path.join(masks, name))
      .find((name) => existsSync(name));
    const angle = mask === undefined ? null : typologyAngle(await maskedPicture(file, mask));
    return angle === null ? [] : ([[imageId, angle]] as const);
  });
  return new Map(measured.flat());
}

async function maskedPicture(file: string, mask: string): Promise<MaskedPicture> {
  const { data: rgb, info } = await sharp(file)
    .resize(SIDE, SIDE, { fit: 'inside', withoutEnlargement: true })
    .toColourspace('srgb')
    .removeAlpha()
    .raw()
    .toBuffer({ resolveWithObject: true });
  const { width, height } = info;
  const grey = await sharp(mask)
    .resize(width, height, { fit: 'fill', kernel: 'nearest' })
    .toColourspace('b-w')
    .extractChannel(0)
    .raw()
    .toBuffer();
  return { width, height, rgb, mask: grey.map((value) => Number(value >= 128)) };
}
