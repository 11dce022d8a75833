/** The native addon's interface: where it lies, what it offers, and how its errors become the project's. */
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { z } from 'zod';
import { RefusedError, SpikescopeError, UsageError } from '../errors.ts';
import type { Frame, Square } from '../frame.ts';
import type { IntegerGraph } from '../model/graph.ts';
import type { Inference } from '../model/inference.ts';
import { addonFile } from './addon-file.ts';

export { addonFile };

/** What one traced image gave: potentials, embedding, every tensor by name, the input included. */
export interface NativeTrace {
  readonly potentials: Int32Array;
  readonly embedding: Uint8Array;
  readonly tensors: Readonly<Record<string, Uint8Array>>;
}

/** What one step of the engine took: the median over the rounds. */
export interface NativeStepTime {
  /** The nodes that it computes, in the graph's order; empty for the head, which comes last. */
  readonly nodes: readonly string[];
  readonly nanoseconds: number;
}

/** An engine in native memory. Its methods throw errors with a `code`; `fromNative` makes them the project's. */
export interface NativeEngine {
  /** Kind of the backend. */
  readonly backend: string;
  /** What of it runs the graph. */
  readonly instructionSet: string;
  readonly arenaBytes: number;
  /**
   * As many images as lie in `inputs`, which is copied. Calls run one after the other, off the main thread.
   * @param into takes the results
   * @param ticket a number other than 0 by which `cancel` finds this call
   */
  infer(inputs: Uint8Array, into?: Inference, ticket?: number): Promise<Inference>;
  /** Aborts the call with this ticket, if it is not over: its promise is rejected with `ABORTED`. */
  cancel(ticket: number): void;
  /**
   * One image at once; the engine must have been made with `keepTensors`. For tests. This and `profile` throw with code
   * `BACKEND_UNSUPPORTED` where the backend cannot be looked into.
   */
  trace(input: Uint8Array): NativeTrace;
  /** One image at once, `rounds` (1…10,000) times on this thread, an entry per step; the engine must be idle. */
  profile(input: Uint8Array, rounds: number): NativeStepTime[];
  /** Calls under way finish first. */
  close(): Promise<void>;
}

export interface NativeEngineOptions {
  /** One of `backends()`. Default `cpu`. */
  readonly backend?: string;
  /** `auto` (default), or the name of one that this processor has. */
  readonly instructionSet?: string;
  /** Threads for the images of one batch. Default 1. */
  readonly threads?: number;
  /** No memory is shared between tensors, so that `trace` can read them all. For tests. */
  readonly keepTensors?: boolean;
  /** Of `akida`: path of the card. Default the one that `SPIKESCOPE_AKIDA_DEVICE` names, else the first found. */
  readonly device?: string;
  /** Of `akida`, which refuses what does not fit graph and engine with code `DEVICE_PROGRAM`. */
  readonly program?: { readonly info: Uint8Array; readonly data: Uint8Array };
}

/** A backend of this build of the addon. */
export interface NativeBackend {
  readonly kind: string;
  /** Whether it can be opened here. */
  readonly present: boolean;
  /** What there is of it, or why it cannot be opened. */
  readonly detail: string;
  /** By how much a potential may differ from the interpreter's, and why; null: not at all. */
  readonly deviation: { readonly reason: string; readonly potentials: number } | null;
}

/** Exact counts and sums of one square of a frame; what they mean for a capture is decided by `preprocess`. */
export interface QualitySums {
  /** Pixels of the square at 0 and at 255, for red, green, blue. */
  readonly lowClip: readonly [number, number, number];
  readonly highClip: readonly [number, number, number];
  /** The square, area-resampled: uint8 RGB, 128 × 128 × 3. */
  readonly working: Uint8Array;
  /** Of luminance (77 R + 150 G + 29 B + 128) >> 8 of those pixels. */
  readonly luminanceMinimum: number;
  readonly luminanceMaximum: number;
  readonly luminanceSum: number;
  readonly luminanceSquares: number;
  /** Of that luminance's Laplacian (four neighbours − 4 × centre) on the 126 × 126 inner pixels. */
  readonly laplacianSum: number;
  readonly laplacianSquares: number;
}

export interface NativeAddon {
  backends(): NativeBackend[];
  /** Instruction sets of this processor, the plainest first. */
  instructionSets(): string[];
  createEngine(graph: IntegerGraph, options?: NativeEngineOptions): NativeEngine;
  /**
   * Exact area resampling of a square to size × size: each output value is the mean of what it covers, half rounded
   * up; YUV becomes RGB pixel by pixel on the way. Side and size in 1…16384. Throws with code `FRAME_SIZE`, `CROP`
   * (the square leaves the image), `RESAMPLE_SIZE`.
   */
  areaResample(frame: Frame, square: Square, size: number): Uint8Array;
  /** Clipping, luminance and focus of a square of a frame. Throws with code `FRAME_SIZE`, `CROP`. */
  measureQuality(frame: Frame, square: Square): QualitySums;
  /**
   * 8-bit multiply-adds per second that one core does at best with an instruction set; 0 for `scalar`, where the compiler
   * chooses the instructions. Keeps this thread busy for 1…10,000 milliseconds. Throws with code `INSTRUCTION_SET`,
   * `ARGUMENT`.
   */
  measurePeak(instructionSet: string, milliseconds: number): number;
  /**
   * The identification register of the card at a path; holds this thread until the driver answers, 2 s at most. Throws with
   * code `DEVICE_*`. Older addons lack it.
   */
  readonly cardIdentification?: ((device: string) => number) | undefined;
  /** Bytes per second that one core reads from 4 KiB…1 GiB gone through again and again. Throws with code `ARGUMENT`. */
  measureBandwidth(bytes: number, milliseconds: number): number;
}

function functionSchema<F>() {
  return z.custom<F>((value) => typeof value === 'function');
}

const addonSchema = z.object({
  backends: functionSchema<NativeAddon['backends']>(),
  instructionSets: functionSchema<NativeAddon['instructionSets']>(),
  createEngine: functionSchema<NativeAddon['createEngine']>(),
  areaResample: functionSchema<NativeAddon['areaResample']>(),
  measureQuality: functionSchema<NativeAddon['measureQuality']>(),
  measurePeak: functionSchema<NativeAddon['measurePeak']>(),
  measureBandwidth: functionSchema<NativeAddon['measureBandwidth']>(),
  cardIdentification: functionSchema<(device: string) => number>().optional(),
}) satisfies z.ZodType<NativeAddon>;

let loaded: NativeAddon | undefined;

/**
 * The addon, loaded once.
 * @throws SpikescopeError `ADDON_MISSING` when it is not built, `ADDON_UNUSABLE` when it does not load here
 */
export function nativeAddon(): NativeAddon {
  loaded ??= load(addonFile());
  return loaded;
}

let unusable: SpikescopeError | undefined;

/**
 * The addon, or why there is none that fits this machine. Looked for once: whoever goes on without it does so to the
 * end, so that one process does not answer in two ways.
 */
export function addonOrFault(): NativeAddon | SpikescopeError {
  if (loaded !== undefined) return loaded;
  if (unusable !== undefined) return unusable;
  try {
    return nativeAddon();
  } catch (error) {
    if (!(error instanceof SpikescopeError)) throw error;
    unusable = error;
    return error;
  }
}

function load(file: string): NativeAddon {
  if (!existsSync(file)) {
    throw new SpikescopeError('ADDON_MISSING', 'The native addon is not built', {
      file,
      remedy: 'npm run build',
    });
  }
  try {
    return addonSchema.parse(createRequire(import.meta.url)(file));
  } catch (cause) {
    throw new SpikescopeError('ADDON_UNUSABLE', 'The native addon does not load', {
      file,
      received: cause instanceof Error ? cause.message.split('\n')[0] : String(cause),
      remedy: 'build it again on this machine: npm run build',
      cause,
    });
  }
}

const nativeErrorSchema = z.object({
  code: z.string(),
  message: z.string(),
  node: z.string().optional(),
  field: z.string().optional(),
});

const WRONG_USAGE = ['INSTRUCTION_SET', 'THREADS', 'BACKEND_UNKNOWN'];
/** Nothing was wrong with what was asked. So it is with every `DEVICE_*` as well, but for a program that is refused. */
const FAILURES = ['ENGINE_CLOSED', 'ENGINE_FAILED', 'OUT_OF_MEMORY', 'ABORTED', 'BACKEND_ABSENT'];

/** An error of the addon as one of the project's, with the same code; anything else unchanged. */
export function fromNative(error: unknown): unknown {
  const parsed = nativeErrorSchema.safeParse(error);
  if (error instanceof SpikescopeError || !parsed.success) return error;
  const { code, message, node, field } = parsed.data;
  const details = {
    ...(node !== undefined && { node }),
    ...(field !== undefined && { field }),
    cause: error,
  };
  if (WRONG_USAGE.includes(code)) return new UsageError(code, message, details);
  if (FAILURES.includes(code) || (code.startsWith('DEVICE_') && code !== 'DEVICE_PROGRAM'))
    return new SpikescopeError(code, message, details);
  return new RefusedError(code, message, details);
}
