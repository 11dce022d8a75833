import { setTimeout as delay } from 'node:timers/promises';
import { ExponentialBackoff, type IBackoff } from 'cockatiel';
import { SpikescopeError } from '../../errors.ts';

/** What a network does now and then, and what passes. */
const PASSING: ReadonlySet<string> = new Set(['SOURCE_UNREACHABLE', 'SOURCE_CUT_SHORT']);

const FIRST_PAUSE = new ExponentialBackoff({ initialDelay: 1_000, maxDelay: 60_000 });
/** Attempts in all; a network that cuts each of them in its middle ends there. */
const ATTEMPTS = 200;
/** Attempts one after the other that brought next to nothing. */
const VAIN_ATTEMPTS = 8;
/** Bytes that an attempt must bring to be none in vain: more than the metadata that each one asks for again. */
const WORTH = 65_536;

export interface PersistOptions {
  /** Bytes that have come so far. */
  readonly bytes: () => number;
  readonly sleep?: (milliseconds: number) => Promise<unknown>;
}

/** Does work again for as long as the network is what fails, with growing pauses that begin anew once something has come. */
export async function persist<T>(
  work: () => Promise<T>,
  { bytes, sleep = delay }: PersistOptions,
): Promise<T> {
  let pause: IBackoff<unknown> | null = null;
  let vain = 0;
  for (let attempt = 1; ; attempt++) {
    const before = bytes();
    try {
      return await work();
    } catch (error) {
      if (!(error instanceof SpikescopeError) || !PASSING.has(error.code)) throw error;
      const isWorth = bytes() - before >= WORTH;
      vain = isWorth ? 0 : vain + 1;
      if (attempt >= ATTEMPTS || vain >= VAIN_ATTEMPTS) throw error;
      pause = (isWorth || pause === null ? FIRST_PAUSE : pause).next(undefined);
      await sleep(pause.duration);
    }
  }
}
