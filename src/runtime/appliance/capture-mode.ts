import { type Appliance, type TakeOptions, type Tally, takeCaptures } from './appliance.ts';

/** Whether captures are taken by themselves or when asked for; a key, a button or a screen may switch it. */
export class CaptureMode {
  #isAutomatic: boolean;
  #automatic = new AbortController();
  readonly #listeners = new Set<() => void>();

  constructor(isAutomatic: boolean) {
    this.#isAutomatic = isAutomatic;
  }

  get isAutomatic(): boolean {
    return this.#isAutomatic;
  }

  /** Aborts when captures are no more taken by themselves. */
  get automaticEnded(): AbortSignal {
    return this.#automatic.signal;
  }

  switch(isAutomatic: boolean): void {
    if (isAutomatic === this.#isAutomatic) return;
    this.#isAutomatic = isAutomatic;
    if (isAutomatic) this.#automatic = new AbortController();
    else this.#automatic.abort();
    for (const listener of [...this.#listeners]) listener();
  }

  /** Calls `listener` at every switch, until what it returns is called. */
  onSwitch(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }
}

/**
 * Runs the appliance until its captures are taken, the source ends or `take.signal` aborts.
 * @throws SpikescopeError when the source or the journal fails
 */
export async function operate(appliance: Appliance, mode: CaptureMode, take: TakeOptions): Promise<Tally> {
  while (!take.signal.aborted) {
    if (mode.isAutomatic) {
      const { automaticEnded } = mode;
      await takeCaptures(appliance, { ...take, signal: AbortSignal.any([take.signal, automaticEnded]) });
      if (!automaticEnded.aborted) break;
    } else {
      appliance.throwFault();
      const { isExhausted } = appliance.flow.view;
      if (isExhausted || appliance.tally.captures >= (take.count ?? Infinity)) break;
      await changed(appliance, mode, take.signal);
    }
  }
  return appliance.tally;
}

/** Resolves when the flow changes, the mode is switched, or `signal` aborts. */
function changed(appliance: Appliance, mode: CaptureMode, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      forgetFlow();
      forgetMode();
      signal.removeEventListener('abort', done);
      resolve();
    };
    const forgetFlow = appliance.flow.onChange(done);
    const forgetMode = mode.onSwitch(done);
    signal.addEventListener('abort', done);
  });
}
