import type { YuvFrame } from '../../frame.ts';
import { type FrameGeometry, frameBytes } from './geometry.ts';

/** A frame in the ring. Its pixels stay as they are until it is released. */
export interface StoredFrame extends YuvFrame {
  /** Counts from 1 over the life of the ring; dropped frames do not count. */
  readonly sequence: number;
  readonly completedAt: Date;
  /**
   * When its first byte came, so that no frame is younger than it says, however long its program was held up within it; on
   * the clock of `performance.now()`, which does not jump when the device learns the time.
   */
  readonly stamp: number;
}

interface Slot {
  readonly pixels: Uint8Array;
  frame: StoredFrame | null;
  isLeased: boolean;
}

/**
 * The last frames of a camera in memory that is allocated once: `depth` of them to choose from, one being written, one
 * on loan to whoever reads it. A frame can be lent once it is trusted.
 */
export class FrameRing {
  readonly #geometry: FrameGeometry;
  readonly #slots: Slot[];
  #writing: Slot;
  #begunAt = 0;
  #sequence = 0;
  #trusted = 0;

  /** @param depth frames to choose from, at least 1 */
  constructor(geometry: FrameGeometry, depth: number) {
    this.#geometry = geometry;
    this.#slots = Array.from({ length: depth + 2 }, () => ({
      pixels: new Uint8Array(frameBytes(geometry)),
      frame: null,
      isLeased: false,
    }));
    this.#writing = this.#slots[0];
  }

  /** Whether frames of a stream fit into it. */
  holds({ width, height, stride }: FrameGeometry): boolean {
    return (
      width === this.#geometry.width && height === this.#geometry.height && stride === this.#geometry.stride
    );
  }

  /** Where the frame that is arriving goes. */
  get writing(): Uint8Array {
    return this.#writing.pixels;
  }

  /** Every frame so far is known to be one: nothing is missing before, in or after it. */
  trust(): void {
    this.#trusted = this.#sequence;
  }

  /** Forgets the frames that are not trusted yet. */
  forgetUntrusted(): void {
    for (const slot of this.#slots) if (sequenceOf(slot) > this.#trusted) slot.frame = null;
  }

  begin(): void {
    this.#begunAt = performance.now();
  }

  /** The frame that was written seems whole; the oldest one that is not on loan makes room for the next. */
  complete(): void {
    this.#sequence++;
    this.#writing.frame = {
      ...this.#geometry,
      yuv420: this.#writing.pixels,
      sequence: this.#sequence,
      completedAt: new Date(),
      stamp: this.#begunAt,
    };
    const free = this.#slots.filter((slot) => !slot.isLeased && slot !== this.#writing);
    this.#writing = free.reduce((oldest, slot) => (sequenceOf(slot) < sequenceOf(oldest) ? slot : oldest));
    this.#writing.frame = null;
  }

  /** The newest trusted frame, not lent: it is overwritten a few frames later. Null when there is none. */
  newest(): StoredFrame | null {
    return this.#slots.reduce<StoredFrame | null>((newest, { frame }) => {
      if (frame === null || frame.sequence > this.#trusted) return newest;
      return frame.sequence > (newest?.sequence ?? 0) ? frame : newest;
    }, null);
  }

  /**
   * Lends the frame with the highest score among the trusted ones after `sequence` and not older than the stamp `since`;
   * null when there is none. The newest wins a tie.
   */
  lendBest(sequence: number, since: number, score: (frame: YuvFrame) => number): StoredFrame | null {
    const candidates = this.#slots.flatMap(({ frame }) =>
      frame !== null && frame.sequence > sequence && frame.sequence <= this.#trusted && frame.stamp >= since
        ? [frame]
        : [],
    );
    candidates.sort((a, b) => b.sequence - a.sequence);
    let best: { frame: StoredFrame; score: number } | null = null;
    for (const frame of candidates) {
      const scored = { frame, score: score(frame) };
      if (best === null || scored.score > best.score) best = scored;
    }
    if (best === null) return null;
    this.#slotOf(best.frame).isLeased = true;
    return best.frame;
  }

  /** The frame may be overwritten from now on. */
  release(frame: StoredFrame): void {
    this.#slotOf(frame).isLeased = false;
  }

  #slotOf(frame: StoredFrame): Slot {
    const slot = this.#slots.find(({ pixels }) => pixels === frame.yuv420);
    if (slot === undefined) throw new Error('a frame of another ring');
    return slot;
  }
}

function sequenceOf({ frame }: Slot): number {
  return frame?.sequence ?? 0;
}
