import type { Quantisation } from '../../model/graph.ts';

/** What quantised numbers differ by from the real ones that they stand for. */
export class Noise {
  #signal = 0;
  #noise = 0;

  add(float: ArrayLike<number>, integer: ArrayLike<number>, { scale, zeroPoint }: Quantisation): void {
    for (let i = 0; i < float.length; i++) {
      const error = (integer[i] - zeroPoint) * scale - float[i];
      this.#signal += float[i] * float[i];
      this.#noise += error * error;
    }
  }

  /** Infinite where nothing is lost. */
  decibels(): number {
    if (this.#noise === 0) return Number.POSITIVE_INFINITY;
    return 10 * Math.log10(this.#signal / this.#noise);
  }
}
