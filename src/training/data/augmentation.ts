/** Augmentation for training (QANA, §III-A2): what may vary, and how far. */
import { z } from 'zod';

const probability = z.number().min(0).max(1);
const range = (least: number, most: number) =>
  z
    .tuple([z.number().min(least).max(most), z.number().min(least).max(most)])
    .refine(([low, high]) => low <= high, 'the lower end of a range lies above its upper end')
    .readonly();

/** Every part is drawn by a lot of its own. */
const cameraSchema = z
  .strictObject({
    /** Independent factors on red, green and blue, drawn evenly on a logarithmic scale: light and sensor. */
    colourCast: z.strictObject({ probability, gain: range(0.1, 10) }).readonly(),
    /** Standard deviation of a Gaussian blur, as a share of the view's side. */
    blur: z.strictObject({ probability, sigma: range(0, 0.2) }).readonly(),
    /** Standard deviation of noise on each number of the frame, as a share of white. */
    noise: z.strictObject({ probability, sigma: range(0, 1) }).readonly(),
    /** The frame as a JPEG of this quality (libjpeg's scale) gives it back. */
    jpeg: z.strictObject({ probability, quality: range(1, 100) }).readonly(),
    /** Hairs; factor on the width of the phantoms' own (1 to 2.6 pixels of 450). */
    hair: z.strictObject({ probability, width: range(0, 10) }).readonly(),
    /** Ticks at an edge; how far inwards they are moved, as a share of the view's side. */
    ruler: z.strictObject({ probability, inset: range(0, 0.5) }).readonly(),
    /** A round field with black around it: radius, width of its edge and shift, as shares of the view's side. */
    field: z
      .strictObject({
        probability,
        radius: range(0.1, 1),
        softness: range(0, 0.5),
        shift: z.number().min(0).max(0.5),
      })
      .readonly(),
  })
  .readonly();

/** What another camera, its light and what lies on the skin make of the same lesion. */
export type CameraAugmentation = z.infer<typeof cameraSchema>;

export const augmentationSchema = z
  .strictObject({
    /** Probability of a mirrored view. */
    flip: z.strictObject({ horizontal: probability, vertical: probability }).readonly(),
    /**
     * On CIELAB L* alone, so that a* and b* (hue and chroma) stay: with probability `gammaShare` a gamma is the power
     * of L* over 100, else the factor.
     */
    luminance: z
      .strictObject({ probability, factor: range(0, 4), gamma: range(0.1, 4), gammaShare: probability })
      .readonly(),
    /** Factor on the deviation of L* from the view's mean. */
    contrast: z.strictObject({ probability, factor: range(0, 4) }).readonly(),
    /** Grey-world gains per channel, fitted on the training split; `strength` is their exponent. */
    greyWorld: z.strictObject({ probability, strength: range(0, 1) }).readonly(),
    /** One affine transform of the centred square. */
    geometry: z
      .strictObject({
        probability,
        /** Rotation to either side, degrees; 180 is any. */
        rotation: z.number().min(0).max(180),
        /** Side of the view as a share of the centred square's; drawn evenly on a logarithmic scale. */
        scale: range(0.1, 4),
        /** Width over height of the view; logarithmic. */
        aspect: range(0.25, 4),
        /** Shift of the centre along each axis, as a share of the square's side. */
        shift: z.number().min(0).max(1),
        /** Shear to either side, degrees. */
        shear: z.number().min(0).max(45),
      })
      .readonly(),
    /** A rectangle filled with the view's mean colour (random erasing, Zhong et al. 2020). */
    erasing: z.strictObject({ probability, area: range(0, 1), aspect: range(0.1, 10) }).readonly(),
    /**
     * Pairs of images of one batch: `mixup` blends them (Zhang et al. 2018), `cutmix` pastes a rectangle (Yun et al.
     * 2019). The share is drawn from Beta(alpha, alpha).
     */
    mixing: z
      .strictObject({
        kind: z.enum(['none', 'mixup', 'cutmix']),
        probability,
        alpha: z.number().min(0.01).max(2),
      })
      .readonly(),
    /** Another camera; without it, none. */
    camera: cameraSchema.optional(),
  })
  .readonly();

export type Augmentation = z.infer<typeof augmentationSchema>;

/** Ranges of the publication where it states them; the others are choices. */
export const DEFAULT_AUGMENTATION: Augmentation = {
  flip: { horizontal: 0.5, vertical: 0.5 },
  luminance: { probability: 1, factor: [0.8, 1.2], gamma: [0.8, 1.25], gammaShare: 0.5 },
  contrast: { probability: 1, factor: [0.8, 1.2] },
  greyWorld: { probability: 0, strength: [1, 1] },
  geometry: { probability: 1, rotation: 180, scale: [0.8, 1.2], aspect: [1, 1], shift: 0.05, shear: 0 },
  erasing: { probability: 0, area: [0.02, 0.2], aspect: [0.3, 3.3] },
  mixing: { kind: 'none', probability: 0, alpha: 0.2 },
};

/** Leaves the centred square as it is. */
export const IDENTITY_AUGMENTATION: Augmentation = {
  flip: { horizontal: 0, vertical: 0 },
  luminance: { probability: 0, factor: [1, 1], gamma: [1, 1], gammaShare: 0 },
  contrast: { probability: 0, factor: [1, 1] },
  greyWorld: { probability: 0, strength: [0, 0] },
  geometry: { probability: 0, rotation: 0, scale: [1, 1], aspect: [1, 1], shift: 0, shear: 0 },
  erasing: { probability: 0, area: [0, 0], aspect: [1, 1] },
  mixing: { kind: 'none', probability: 0, alpha: 1 },
};

/** Other cameras, moderately: what dermoscopes, phones on dermoscopes and archives differ in. */
export const CAMERAS: CameraAugmentation = {
  colourCast: { probability: 0.35, gain: [0.8, 1.25] },
  blur: { probability: 0.1, sigma: [0, 0.015] },
  noise: { probability: 0.15, sigma: [0, 0.1] },
  jpeg: { probability: 0.15, quality: [30, 95] },
  hair: { probability: 0.1, width: [1, 3] },
  ruler: { probability: 0.05, inset: [0, 0.15] },
  field: { probability: 0.05, radius: [0.4, 0.65], softness: [0, 0.05], shift: 0.05 },
};
