import type { SpikescopeError } from '../errors.ts';
import type { Frame, YuvFrame } from '../frame.ts';
import type { SourceKind } from './kinds.ts';

/** An encoded image's path, its bytes, or pixels that need no decoding. */
export type CaptureImage = string | Uint8Array | Frame;

/** One frame as it came from the outside world. */
export interface Capture {
  readonly image: CaptureImage;
  readonly capturedAt: Date;
  /** Where it came from, for logs on this machine: it may hold a path, so it is never published. */
  readonly origin: string;
}

/** What a camera sees now. Its pixels are valid until the caller returns to the event loop. */
export interface LiveFrame {
  /** Another object for each frame. */
  readonly frame: YuvFrame;
  readonly takenAt: Date;
  /** Milliseconds since it came. */
  readonly age: number;
}

/**
 * Where captures come from. What only a camera has is optional: a source that leaves it out is always ready and never at
 * fault.
 */
export interface CaptureSource {
  /** The word for it in settings and results. */
  readonly kind: SourceKind;
  /** What a person should read about this source. */
  describe(): string;
  /**
   * Frames, one at a time and only when asked for. Ends when the source is exhausted or `signal` aborts; the
   * pixels of a frame are valid until the next one is asked for.
   * @throws SpikescopeError when the source itself fails; a frame that cannot be decoded is yielded all the same
   */
  frames(signal: AbortSignal): AsyncIterable<Capture>;
  /** Makes ready what takes time, so that the first frame does not wait for it. May be called again. */
  start?(): void;
  /** Milliseconds since the last frame; null before the first. */
  frameAge?(): number | null;
  /** The newest frame, without taking it from `frames`; null before the first. A source that shows none leaves it out. */
  newest?(): LiveFrame | null;
  /** Calls `listener` at each new frame until what is returned is called. */
  onFrame?(listener: () => void): () => void;
  /** What the source is recovering from; null while it gives frames. */
  fault?(): SpikescopeError | null;
  /** Gives back what `start` took. `frames` ends. */
  stop?(): Promise<void>;
}
