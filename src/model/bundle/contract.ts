/** What travels in a model bundle beside graph and weights. Parsed once here, trusted everywhere else. */

import { z } from 'zod';
import { akida1Schema } from './akida1-section.ts';
import { count, foreignName, foreignNames, real, scale, share, text, whole } from './fields.ts';

/** Side of a frame at most, pixels. */
const LARGEST_SIDE = 16_384;
/** Standard deviation at most of values in 0…255. */
const LARGEST_CONTRAST = 127.5;
/** Variance at most of a Laplacian in ±1020. */
const LARGEST_FOCUS = 1020 ** 2;
/** Layers of the graph, its head included, and anything else that is listed once per layer. */
const MAXIMUM_LAYERS = 4097;

/** How a captured frame becomes the graph's input (specification §1). */
export const preprocessingSchema = z.strictObject({
  width: whole(1, 1024),
  height: whole(1, 1024),
  colour: z.literal('rgb'),
  resampling: z.literal('area'),
  crop: z.strictObject({
    /** Whether `classify` and `run` crop to the salient square by default; decided on the validation split. */
    enabled: z.boolean(),
    /** Share of the saliency map's mass that the crop must hold. */
    massShare: share,
    /** Smallest side of the crop, as a share of the image's short side. */
    minimumSide: share,
    /** The centred square is used when the map's coefficient of variation lies below this. */
    flatness: real(0, 1000),
    /** The centred square is used when the peak lies within this share of the image's short side from the centre. */
    centreTolerance: share,
  }),
  quality: z.strictObject({
    /** Short side, pixels. */
    minimumSide: whole(1, LARGEST_SIDE),
    /** Largest share of pixels at 0, or at 255, in any channel. */
    maximumClippedShare: share,
    /** Smallest standard deviation of luminance (0…255) on the working square. */
    minimumContrast: real(0, LARGEST_CONTRAST),
    /** Smallest variance of the Laplacian of luminance on the working square. */
    minimumFocus: real(0, LARGEST_FOCUS),
  }),
});
export type Preprocessing = z.infer<typeof preprocessingSchema>;

/** How potentials become probabilities and a decision (specification §6, equations 17 and 18). */
export const readoutSchema = z.strictObject({
  /** Scale on integer potentials before the softmax: p = softmax(alpha × potential). */
  alpha: scale,
  /** Smallest probability at which each class may be named, in the order of the classes. */
  thresholds: z.array(share).max(4096),
  tiling: z.strictObject({
    enabled: z.boolean(),
    /** Tiling triggers when the largest probability lies below this. */
    tau: share,
    /** Overlap of neighbouring tiles, as a share of a tile's side. */
    overlap: real(0, 0.9),
  }),
  /** What the values were fitted on; null while they are the uncalibrated defaults. */
  fittedOn: z
    .strictObject({
      dataset: text(1024),
      split: text(1024),
      images: whole(1, 2 ** 31 - 1),
      crop: z.boolean(),
    })
    .nullable(),
});
export type Readout = z.infer<typeof readoutSchema>;

/** By processor: a later version may know one that this one does not. */
function byTarget<Value extends z.ZodType>(value: Value) {
  return z
    .record(z.string().regex(/^[a-z][a-z0-9-]{0,31}$/), value)
    .refine((targets) => Object.keys(targets).length <= 32, 'at most 32 targets');
}

/** Where the bundle came from and what the conversion did, layer by layer (specification §5). */
export const manifestSchema = z.strictObject({
  source: z.strictObject({
    name: text(1024),
    sha256: text(128),
    format: text(64),
    opset: count.nullable(),
  }),
  weightQuantisation: z.enum(['per-tensor', 'per-channel']),
  calibration: z.strictObject({ images: count, sha256: text(128) }),
  floatNodes: count,
  /** Nodes of the integer graph that would need a float dequantisation; empty in every bundle that was written. */
  nodesNeedingDequantisation: z.array(text(256)).max(MAXIMUM_LAYERS),
  /** CSR = 1 − |nodes needing dequantisation| / |nodes| (equation 16). */
  conversionSuccessRate: share,
  layers: z
    .array(
      z.strictObject({
        name: text(256),
        operator: text(256),
        sources: foreignNames(MAXIMUM_LAYERS),
        reparameterisation: foreignNames(MAXIMUM_LAYERS),
        scale,
        zeroPoint: whole(0, 255),
        kernel: text(256),
        placement: byTarget(z.enum(['chip', 'host', 'cpu'])),
      }),
    )
    .max(MAXIMUM_LAYERS),
  targets: byTarget(
    z.strictObject({
      maps: z.boolean(),
      unmapped: z.array(z.strictObject({ node: text(256), reason: foreignName })).max(MAXIMUM_LAYERS),
    }),
  ),
  akida1: akida1Schema.optional(),
});
export type Manifest = z.infer<typeof manifestSchema>;
