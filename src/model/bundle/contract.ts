/** What travels in a model bundle beside graph and weights. Parsed once here, trusted everywhere else. */
import { z } from 'zod';

const share = z.number().min(0).max(1);
const positive = z.number().positive();

/** How a captured frame becomes the graph's input (system specification §1). */
export const preprocessingSchema = z.strictObject({
  width: z.int().min(1).max(1024),
  height: z.int().min(1).max(1024),
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
    flatness: z.number().min(0),
    /** The centred square is used when the peak lies within this share of the image's short side from the centre. */
    centreTolerance: share,
  }),
  quality: z.strictObject({
    /** Short side, pixels. */
    minimumSide: z.int().min(1),
    /** Largest share of pixels at 0, or at 255, in any channel. */
    maximumClippedShare: share,
    /** Smallest standard deviation of luminance (0…255) on the working square. */
    minimumContrast: z.number().min(0),
    /** Smallest variance of the Laplacian of luminance on the working square. */
    minimumFocus: z.number().min(0),
  }),
});
export type Preprocessing = z.infer<typeof preprocessingSchema>;

/** How potentials become probabilities and a decision (system specification §6, equations 17 and 18). */
export const readoutSchema = z.strictObject({
  /** Scale on integer potentials before the softmax: p = softmax(alpha × potential). */
  alpha: positive,
  /** Smallest probability at which each class may be named, in the order of the classes. */
  thresholds: z.array(share),
  tiling: z.strictObject({
    enabled: z.boolean(),
    /** Tiling triggers when the largest probability lies below this. */
    tau: share,
    /** Overlap of neighbouring tiles, as a share of a tile's side. */
    overlap: z.number().min(0).max(0.9),
  }),
  /** What the values were fitted on; null while they are the uncalibrated defaults. */
  fittedOn: z
    .strictObject({ dataset: z.string(), split: z.string(), images: z.int().positive(), crop: z.boolean() })
    .nullable(),
});
export type Readout = z.infer<typeof readoutSchema>;

export const TARGETS = ['cpu', 'akd1000', 'akida2'] as const;
export type Target = (typeof TARGETS)[number];

/** Where the bundle came from and what the conversion did, layer by layer (system specification §5). */
export const manifestSchema = z.strictObject({
  source: z.strictObject({
    name: z.string(),
    sha256: z.string(),
    format: z.string(),
    opset: z.int().nullable(),
  }),
  weightQuantisation: z.enum(['per-tensor', 'per-channel']),
  calibration: z.strictObject({ images: z.int().min(0), sha256: z.string() }),
  floatNodes: z.int().min(0),
  /** Nodes of the integer graph that would need a float dequantisation; empty in every bundle that was written. */
  nodesNeedingDequantisation: z.array(z.string()),
  /** CSR = 1 − |nodes needing dequantisation| / |nodes| (equation 16). */
  conversionSuccessRate: share,
  layers: z.array(
    z.strictObject({
      name: z.string(),
      operator: z.string(),
      sources: z.array(z.string()),
      reparameterisation: z.array(z.string()),
      scale: positive,
      zeroPoint: z.int().min(0).max(255),
      kernel: z.string(),
      placement: z.record(z.enum(TARGETS), z.enum(['chip', 'host', 'cpu'])),
    }),
  ),
  targets: z.record(
    z.enum(TARGETS),
    z.strictObject({
      maps: z.boolean(),
      unmapped: z.array(z.strictObject({ node: z.string(), reason: z.string() })),
    }),
  ),
});
export type Manifest = z.infer<typeof manifestSchema>;

export const cardSchema = z.strictObject({
  description: z.string(),
  data: z.string(),
  protocol: z.string(),
  licence: z.string(),
  /** Measured figures by name, for example `test.top1`. */
  metrics: z.record(z.string(), z.number()),
  limitations: z.array(z.string()),
});
export type ModelCard = z.infer<typeof cardSchema>;
