import { setImmediate as nextTurn } from 'node:timers/promises';
import { PhantomPainter } from './phantom/draw.ts';
import { seedOf } from './phantom/random.ts';
import type { Capture, CaptureSource } from './source.ts';
import type { SourceType } from './source-type.ts';

/** `phantom`: drawings, for demonstrations and tests. */
export const phantomType: SourceType = {
  kind: 'phantom',
  place: null,
  open: async (_, { seed }) => new PhantomSource(seed),
};

/** An endless series of synthetic lesions; the same seed gives the same series. */
export class PhantomSource implements CaptureSource {
  readonly kind = 'phantom';
  readonly #seed: number;

  /** @param seed unsigned 32-bit integer */
  constructor(seed: number) {
    this.#seed = seed;
  }

  describe(): string {
    return `phantoms, drawn from seed ${this.#seed}`;
  }

  async *frames(signal: AbortSignal): AsyncGenerator<Capture> {
    const painter = new PhantomPainter();
    for (let index = 0; !signal.aborted; index++) {
      // Drawing holds the thread; sockets and timers get their turn before each frame.
      await nextTurn();
      const { frame, look } = painter.draw(seedOf(this.#seed, index));
      yield { image: frame, capturedAt: new Date(), origin: `phantom ${index} (looks like ${look})` };
    }
  }
}
