/** Reads with a device, and with the processor whatever the device does not answer. */
import type { Frame } from '../../frame.ts';
import { type Accelerator, AcceleratorLost } from '../engine/accelerator.ts';
import type { Classification, Classifier } from './classifier.ts';
import type { Timings } from './reading.ts';

export interface StandbyParts {
  readonly accelerator: Pick<Accelerator, 'serves'>;
  /** Reads with the accelerator. */
  readonly accelerated: Classifier;
  /** Reads without it. */
  readonly standby: Classifier;
}

/**
 * A reading is one engine's from its first pass to its last: where the device fails in the middle, the frame is read again
 * from its beginning, so that a result names the one that computed all of it. The time that was lost counts as inference.
 */
export class StandbyClassifier implements Classifier {
  readonly #parts: StandbyParts;

  constructor(parts: StandbyParts) {
    this.#parts = parts;
  }

  get model(): Classifier['model'] {
    return this.#parts.standby.model;
  }

  get triages(): boolean {
    return this.#parts.standby.triages;
  }

  reassures(name: string): boolean {
    return this.#parts.standby.reassures(name);
  }

  async classify(image: Frame | string | Uint8Array): Promise<Classification> {
    const { accelerator, accelerated, standby } = this.#parts;
    if (!accelerator.serves) return standby.classify(image);
    const started = performance.now();
    try {
      return await accelerated.classify(image);
    } catch (error) {
      if (!(error instanceof AcceleratorLost)) throw error;
    }
    const lost = performance.now() - started;
    const classification = await standby.classify(image);
    const { reading } = classification;
    return { ...classification, reading: { ...reading, timings: later(reading.timings, lost) } };
  }
}

function later(timings: Timings, lost: number): Timings {
  return { ...timings, inference: timings.inference + lost, total: timings.total + lost };
}
