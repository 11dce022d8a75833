import type { FrameReader, FrameReaderFactory, FrameSink } from './frame-reader.ts';
import type { FrameGeometry } from './geometry.ts';

/**
 * Frames without any mark between them, as `rpicam-vid --codec yuv420` writes them: only their size tells them apart, so
 * a frame that lost bytes shifts all that follow until somebody abandons what has arrived.
 */
export function rawReader(geometry: FrameGeometry): FrameReaderFactory {
  return (open) => new RawReader(open(geometry));
}

class RawReader implements FrameReader {
  readonly #sink: FrameSink;
  #filled = 0;

  constructor(sink: FrameSink) {
    this.#sink = sink;
  }

  get isInsideFrame(): boolean {
    return this.#filled > 0;
  }

  push(bytes: Uint8Array): void {
    for (let at = 0; at < bytes.length; ) {
      if (this.#filled === 0) this.#sink.begin();
      const frame = this.#sink.writing;
      const piece = bytes.subarray(at, at + frame.length - this.#filled);
      frame.set(piece, this.#filled);
      this.#filled += piece.length;
      at += piece.length;
      if (this.#filled === frame.length) {
        this.#filled = 0;
        this.#sink.complete();
      }
    }
  }

  abandon(): boolean {
    this.#filled = 0;
    return true;
  }
}
