import { SpikescopeError, UsageError } from '../../errors.ts';
import { seedOf } from '../trainer/seed.ts';
import { ahead } from './ahead.ts';
import type { CheckedOptions } from './check-options.ts';
import { mix } from './mixing.ts';
import { orderOf, type Place } from './order.ts';
import type { Producer } from './producer.ts';
import type { Batch } from './training-data.ts';

const MIXING = 5;

/** Cuts epochs into batches and has their images made. */
export class Epochs {
  readonly batchesPerEpoch: number;
  readonly #labels: Int32Array;
  readonly #produce: Producer;
  readonly #options: CheckedOptions;
  readonly #weights: Float64Array | null;
  readonly #underWay = new Set<Promise<Batch>>();
  #closed = false;

  constructor(labels: Int32Array, produce: Producer, options: CheckedOptions) {
    const { batch, dropLast, classWeights } = options;
    this.#labels = labels;
    this.#produce = produce;
    this.#options = options;
    this.#weights = classWeights === null ? null : Float64Array.from(labels, (label) => classWeights[label]);
    if (this.#weights?.every((weight) => weight === 0)) {
      throw new UsageError('TRAINING_OPTIONS', 'Every image would have the sampling weight 0', {
        field: 'classWeights',
      });
    }
    this.batchesPerEpoch = dropLast ? Math.floor(labels.length / batch) : Math.ceil(labels.length / batch);
  }

  async *batches(epoch: number): AsyncGenerator<Batch, void, undefined> {
    const { batch } = this.#options;
    const order = orderOf(this.#labels.length, epoch, { ...this.#options, weights: this.#weights });
    yield* ahead(this.batchesPerEpoch, (number) =>
      this.#tracked(this.#make(order.slice(number * batch, (number + 1) * batch), epoch, number)),
    );
  }

  /** Work under way finishes first. */
  async close(): Promise<void> {
    this.#closed = true;
    await Promise.allSettled(this.#underWay);
  }

  async #make(places: readonly Place[], epoch: number, number: number): Promise<Batch> {
    if (this.#closed) {
      throw new SpikescopeError('TRAINING_DATA_CLOSED', 'The training data are closed', {
        remedy: 'read all batches before closing',
      });
    }
    const { augmentation, seed } = this.#options;
    const images = await this.#produce(places, epoch);
    const indices = Int32Array.from(places, ({ index }) => index);
    const labels = indices.map((index) => this.#labels[index]);
    if (augmentation === null) return { images, labels, indices, mixed: null };
    return {
      labels,
      indices,
      ...mix({ images, labels }, augmentation.mixing, seedOf(seed, MIXING, epoch, number)),
    };
  }

  async #tracked(batch: Promise<Batch>): Promise<Batch> {
    this.#underWay.add(batch);
    try {
      return await batch;
    } finally {
      this.#underWay.delete(batch);
    }
  }
}
