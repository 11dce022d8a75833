/** How the spikes of a window stand for 8-bit values. */
import { UsageError } from '../../errors.ts';
import type { Quantisation } from '../graph.ts';
import { clip } from '../requantise.ts';
import type { Neuron } from './neuron.ts';

/** Levels of an 8-bit activation above 0; a neuron that fires at every step stands for the highest. */
export const FULL_SCALE = 255;

/**
 * Numbers of steps over which a graph can be simulated: the divisors of 255, 2^b − 1 for 1, 2, 4 and 8 bits among
 * them. A spike is then worth a whole number of quantisation steps, so that synapses carry integers.
 */
export const WINDOWS: readonly number[] = [1, 3, 5, 15, 17, 51, 85, 255];

/** Drives of a population; the threshold is the drive of the value 255. */
export interface Drives {
  readonly values: Float64Array;
  readonly threshold: number;
}

/**
 * The code of one tensor. Its neurons rest, at the zero point, with a whole number of spikes, so that what is 0 stays
 * 0 however short the window is.
 */
export class SpikeCode {
  readonly steps: number;
  /** Spikes of a neuron at rest. */
  readonly rest: number;
  readonly #zeroPoint: number;
  /** Quantisation steps that one spike stands for. */
  readonly #worth: number;

  /** @throws UsageError `WINDOW` */
  constructor({ zeroPoint }: Pick<Quantisation, 'zeroPoint'>, steps: number) {
    if (!WINDOWS.includes(steps)) {
      throw new UsageError('WINDOW', 'A graph cannot be simulated over this number of steps', {
        expected: `a divisor of ${FULL_SCALE}: ${WINDOWS.join(', ')}`,
        received: String(steps),
      });
    }
    this.steps = steps;
    this.#worth = FULL_SCALE / steps;
    this.#zeroPoint = zeroPoint;
    this.rest = Math.round(zeroPoint / this.#worth);
  }

  /** What a population fires, as the values that its spikes stand for. */
  fire({ values, threshold }: Drives, neuron: Neuron): Uint8Array {
    const offset = (this.rest * this.#worth - this.#zeroPoint) * (threshold / FULL_SCALE);
    const fired = new Uint8Array(values.length);
    for (let i = 0; i < values.length; i++) {
      const spikes = neuron(clip(values[i] + offset, 0, threshold), threshold, this.steps);
      fired[i] = clip(this.#zeroPoint + (spikes - this.rest) * this.#worth, 0, FULL_SCALE);
    }
    return fired;
  }

  /** Spikes that a value stands for, 0…steps. */
  countOf(value: number): number {
    return clip(Math.round(this.rest + (value - this.#zeroPoint) / this.#worth), 0, this.steps);
  }
}
