import type { FrameGeometry } from './geometry.ts';

/** Where a reader puts the frames that it takes out of a camera program's bytes. */
export interface FrameSink {
  /** Memory for the frame that is arriving; asked for again after each frame. */
  readonly writing: Uint8Array;
  /** Its first byte is there. */
  begin(): void;
  complete(): void;
}

/** Takes frames out of a stream of bytes that arrives in pieces of any size. */
export interface FrameReader {
  /** @throws SpikescopeError `CAMERA_STREAM` when the bytes cannot be frames */
  push(bytes: Uint8Array): void;
  /** Whether a frame has begun and is not whole yet. */
  readonly isInsideFrame: boolean;
  /**
   * Forgets the frame that is arriving: what comes next is taken for the start of a frame.
   * @returns false when the stream cannot be read on after that
   */
  abandon(): boolean;
}

/** Makes a reader once the geometry is known; `open` gives the memory for frames of that geometry. */
export type FrameReaderFactory = (open: (geometry: FrameGeometry) => FrameSink) => FrameReader;
