import type { CaptureSource, LiveFrame } from '../../../../capture/source.ts';
import type { Preprocessing } from '../../../../model/bundle/contract.ts';
import { reduced, reductionOf } from '../../../../preprocess/reduced.ts';
import type { NoFrame } from '../../contract.ts';
import { FRAME_HEADERS, STALE_AFTER } from '../../words.ts';
import { type Cues, cuesOf, fieldHeader } from './cues.ts';
import { jpegOf } from './jpeg.ts';

/** Pixels of a view's longer side, at most. */
export const LONGEST = 640;
/** Milliseconds between two looks at focus, exposure and field: they change no faster than hands. */
const CUES_EVERY = 150;

export interface ViewfinderState {
  readonly state: 'live' | 'stale' | 'absent';
  readonly age: number | null;
  readonly rate: number | null;
}

/** A frame as it is sent. */
export interface ShownFrame {
  readonly jpeg: Buffer;
  readonly headers: Readonly<Record<string, string>>;
}

interface Encoded {
  readonly live: LiveFrame;
  readonly id: number;
  readonly stamp: number;
  readonly jpeg: Buffer;
  readonly cues: Cues;
  readonly size: { readonly width: number; readonly height: number };
}

/**
 * What the camera sees, frame by frame as somebody asks for them: from memory, to memory. Nothing is worked out while nobody
 * asks, and each frame once however many do.
 */
export class Viewfinder {
  readonly #source: CaptureSource;
  readonly #limits: Preprocessing['quality'];
  readonly #waiting = new Set<() => void>();
  readonly #forget: () => void;
  #pixels = new Uint8ClampedArray(0);
  #encoded: Encoded | null = null;
  #encoding: Promise<void> = Promise.resolve();
  #cues: { readonly at: number; readonly cues: Cues } | null = null;
  #id = 0;
  #arrivals: number[] = [];

  constructor(source: CaptureSource, limits: Preprocessing['quality']) {
    this.#source = source;
    this.#limits = limits;
    this.#forget =
      source.onFrame?.(() => {
        this.#arrivals = [...this.#arrivals.slice(-30), performance.now()];
        for (const wake of [...this.#waiting]) wake();
      }) ?? (() => {});
  }

  get state(): ViewfinderState {
    const newest = this.#source.newest?.() ?? null;
    if (newest === null) return { state: 'absent', age: null, rate: null };
    const state = newest.age <= STALE_AFTER ? 'live' : 'stale';
    return { state, age: Math.round(newest.age), rate: state === 'live' ? this.#rate() : 0 };
  }

  /**
   * The newest frame after the one of this number; waits for it as long as the view is live.
   * @param after 0 for any
   */
  async frame(after: number, signal: AbortSignal): Promise<ShownFrame | NoFrame> {
    for (;;) {
      const newest = this.#source.newest?.() ?? null;
      if (newest === null) return { code: 'FRAME_ABSENT', age: null };
      const left = STALE_AFTER - newest.age;
      if (left < 0 || signal.aborted) return { code: 'FRAME_STALE', age: Math.round(newest.age) };
      if (this.#encoded?.live.frame === newest.frame) {
        if (this.#encoded.id !== after) return shownFrame(this.#encoded);
        await this.#nextFrame(left + 1, signal);
      } else if (!(await this.#encode())) return { code: 'FRAME_UNREADABLE', age: Math.round(newest.age) };
    }
  }

  close(): void {
    this.#forget();
    for (const wake of [...this.#waiting]) wake();
  }

  /** The frame that is the newest when its turn comes. False where it cannot be shown. */
  #encode(): Promise<boolean> {
    const turn = this.#encoding.then(async () => {
      const newest = this.#source.newest?.() ?? null;
      if (newest === null || newest.frame === this.#encoded?.live.frame) return true;
      const stamp = performance.now() - newest.age;
      const view = this.#reduced(newest);
      try {
        const cues = this.#cuesOf(view);
        const { width, height } = view;
        const jpeg = await jpegOf(view);
        this.#encoded = { live: newest, id: ++this.#id, stamp, jpeg, cues, size: { width, height } };
        return true;
      } catch {
        return false;
      }
    });
    this.#encoding = turn.then(() => {});
    return turn;
  }

  /** Into memory that is used again for each frame: only one is encoded at a time. */
  #reduced({ frame }: LiveFrame) {
    const factor = reductionOf(frame, LONGEST);
    const bytes = 3 * Math.ceil(frame.width / factor) * Math.ceil(frame.height / factor);
    if (this.#pixels.length < bytes) this.#pixels = new Uint8ClampedArray(bytes);
    return reduced(frame, factor, this.#pixels);
  }

  #cuesOf(view: Parameters<typeof cuesOf>[0]): Cues {
    const now = performance.now();
    if (this.#cues === null || now - this.#cues.at >= CUES_EVERY) {
      this.#cues = { at: now, cues: cuesOf(view, { ...this.#limits, minimumSide: 0 }) };
    }
    return this.#cues.cues;
  }

  #nextFrame(milliseconds: number, signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const done = (): void => {
        clearTimeout(timer);
        this.#waiting.delete(done);
        signal.removeEventListener('abort', done);
        resolve();
      };
      const timer = setTimeout(done, milliseconds);
      this.#waiting.add(done);
      signal.addEventListener('abort', done);
    });
  }

  /** Frames of the last second. */
  #rate(): number {
    const since = performance.now() - 1000;
    return this.#arrivals.filter((at) => at >= since).length;
  }
}

function shownFrame({ id, live, stamp, jpeg, cues, size }: Encoded): ShownFrame {
  return {
    jpeg,
    headers: {
      'content-type': 'image/jpeg',
      [FRAME_HEADERS.id]: String(id),
      [FRAME_HEADERS.time]: live.takenAt.toISOString(),
      [FRAME_HEADERS.age]: String(Math.round(performance.now() - stamp)),
      [FRAME_HEADERS.focus]: cues.focus.toFixed(2),
      [FRAME_HEADERS.exposure]: cues.exposure,
      [FRAME_HEADERS.field]: fieldHeader(cues.field, size),
    },
  };
}
