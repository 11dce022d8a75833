/** Frames and augmentations of all kinds, and the native renderer on one view. */
import fc from 'fast-check';
import { expect } from 'vitest';
import type { RgbFrame } from '../../src/frame.ts';
import {
  type Augmentation,
  type CameraAugmentation,
  IDENTITY_AUGMENTATION,
} from '../../src/training/data/augmentation.ts';
import { nativeLoader } from '../../src/training/data/native.ts';
import { drawView } from '../../src/training/data/views/draw.ts';
import { packViews } from '../../src/training/data/views/pack.ts';
import type { View } from '../../src/training/data/views/view.ts';
import { Random } from './random.ts';

export const native = nativeLoader();

export function framesUpTo(side: number): fc.Arbitrary<RgbFrame> {
  const length = fc.integer({ min: 1, max: side });
  return fc
    .record({ width: length, height: length, seed: fc.nat() })
    .map(({ width, height, seed }) => ({ rgb: new Random(seed).bytes(width * height * 3), width, height }));
}

export const between = (min: number, max: number) => fc.double({ min, max, noNaN: true });
const sorted = (min: number, max: number) =>
  fc
    .tuple(between(min, max), between(min, max))
    .map(([a, b]): [number, number] => [Math.min(a, b), Math.max(a, b)]);

export const cameras: fc.Arbitrary<CameraAugmentation> = fc.record({
  colourCast: fc.record({ probability: between(0, 1), gain: sorted(0.5, 2) }),
  blur: fc.record({ probability: between(0, 1), sigma: sorted(0, 0.15) }),
  noise: fc.record({ probability: between(0, 1), sigma: sorted(0, 0.5) }),
  jpeg: fc.record({ probability: between(0, 1), quality: sorted(1, 100) }),
  hair: fc.record({ probability: between(0, 1), width: sorted(0, 10) }),
  ruler: fc.record({ probability: between(0, 1), inset: sorted(0, 0.5) }),
  field: fc.record({
    probability: between(0, 1),
    radius: sorted(0.1, 1),
    softness: sorted(0, 0.5),
    shift: between(0, 0.5),
  }),
});

export const augmentations: fc.Arbitrary<Augmentation> = fc.record({
  flip: fc.record({ horizontal: between(0, 1), vertical: between(0, 1) }),
  luminance: fc.record({
    probability: between(0, 1),
    factor: sorted(0, 2),
    gamma: sorted(0.4, 2.5),
    gammaShare: between(0, 1),
  }),
  contrast: fc.record({ probability: between(0, 1), factor: sorted(0, 2) }),
  greyWorld: fc.record({ probability: between(0, 1), strength: sorted(0, 1) }),
  geometry: fc.record({
    probability: between(0, 1),
    rotation: between(0, 180),
    scale: sorted(0.2, 2),
    aspect: sorted(0.5, 2),
    shift: between(0, 0.5),
    shear: between(0, 30),
  }),
  erasing: fc.record({ probability: between(0, 1), area: sorted(0, 1), aspect: sorted(0.2, 5) }),
  mixing: fc.constant(IDENTITY_AUGMENTATION.mixing),
});
const withCamera = fc
  .tuple(augmentations, fc.option(cameras, { nil: undefined }))
  .map(([augmentation, camera]): Augmentation => (camera ? { ...augmentation, camera } : augmentation));
export const GAINS: [number, number, number] = [0.8, 1.1, 1.2];
/** Another camera in half of them. */
export const views = fc.tuple(withCamera, fc.nat()).map(([augmentation, seed]) => {
  const random = new Random(seed);
  return drawView(augmentation, () => random.next(), GAINS);
});

export async function renderNative(frame: RgbFrame, view: View, size: number): Promise<Float32Array> {
  if (native === null) throw new Error('the native loader is not built');
  const pixels = new Uint8Array(frame.rgb.length + 16);
  pixels.set(frame.rgb);
  const output = new Float32Array(size * size * 3);
  const place = Float64Array.of(0, frame.width, frame.height);
  await native.render(pixels, place, packViews([view]), [output]);
  return output;
}

export function largestDifference(a: Float32Array, b: Float32Array): number {
  expect(a.length).toBe(b.length);
  return a.reduce((most, value, i) => Math.max(most, Math.abs(value - b[i])), 0);
}
