import type { SpikescopeError } from '../errors.ts';
import type { Frame } from '../frame.ts';

/** An encoded image's path, its bytes, or pixels that need no decoding. */
export type CaptureImage = string | Uint8Array | Frame;

/** One frame as it came from the outside world. */
export interface Capture {
  readonly image: CaptureImage;
  readonly capturedAt: Date;
  /** Where it came from, for logs on this machine: it may hold a path, so it is never published. */
  readonly origin: string;
}

export type SourceKind = 'phantom' | 'replay' | 'libcamera' | 'v4l2';

export interface CaptureSource {
  readonly kind: SourceKind;
  /** What a person should read about this source. */
  describe(): string;
  /** Makes ready what takes time, so that the first frame does not wait for it. May be called again. */
  start(): void;
  /** Milliseconds since a camera gave a frame; null before the first, and for what is no camera. */
  frameAge(): number | null;
  /** What a camera is recovering from; null while it gives frames, and for what is no camera. */
  fault(): SpikescopeError | null;
  /** Gives back what `start` took. `frames` ends. */
  stop(): Promise<void>;
  /**
   * Frames, one at a time and only when asked for. Ends when the source is exhausted or `signal` aborts; the
   * pixels of a frame are valid until the next one is asked for.
   * @throws SpikescopeError when the source itself fails; a frame that cannot be decoded is yielded all the same
   */
  frames(signal: AbortSignal): AsyncIterable<Capture>;
}
