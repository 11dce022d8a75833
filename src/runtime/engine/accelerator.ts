import { SpikescopeError } from '../../errors.ts';
import type { ModelBundle } from '../../model/bundle/bundle.ts';
import type { Inference } from '../../model/inference.ts';
import type { BackendName, Engine, InferOptions } from './contract.ts';
import { replayGolden } from './golden.ts';

/** Milliseconds from a fault to the next attempt to open the device. */
export const RETRY_AFTER = 60_000;

/** Calls `work` once after so many milliseconds. @returns what calls it off */
export type Schedule = (work: () => void, milliseconds: number) => () => void;

/** What became of an accelerator. */
export type AcceleratorChange =
  | { readonly serves: false; readonly fault: SpikescopeError; readonly isTriedAgain: boolean }
  | { readonly serves: true };

export interface AcceleratorOptions {
  readonly backend: BackendName;
  readonly bundle: ModelBundle;
  /** Opens the device and proves it by the golden inputs. */
  readonly open: () => Promise<Engine>;
  /** Called when it has failed, and when it serves again; must not throw. */
  readonly onChange: (change: AcceleratorChange) => void;
  /** Default: the system's timers, for which no process stays alive. */
  readonly schedule?: Schedule;
}

/** An inference that the device has not answered: whoever wants the answer asks another engine. */
export class AcceleratorLost extends SpikescopeError {
  constructor(fault: SpikescopeError) {
    super(fault.code, fault.message, { ...fault.details, cause: fault });
    this.name = 'AcceleratorLost';
  }
}

/**
 * A device as an engine that may fail at any call. The first call that fails takes it out of service; it is opened anew
 * after a minute, proved by the golden inputs, and then serves again. One that has answered wrongly is not asked again: a
 * wrong answer is worse than none.
 */
export class Accelerator implements Engine {
  readonly backend: BackendName;
  readonly #options: AcceleratorOptions;
  readonly #schedule: Schedule;
  /** Null while it is out of service. */
  #engine: Engine | null;
  /** The one that served last: what it was stays known while it does not. */
  #last: Pick<Engine, 'instructionSet' | 'arenaBytes'>;
  #fault: SpikescopeError | null = null;
  #faults = 0;
  /** Settled, and never rejected, when all closing and opening so far is over. */
  #work: Promise<void> = Promise.resolve();
  #callOff: (() => void) | null = null;
  #isClosed = false;

  /** @param first an engine that has been proved, or why there is none yet */
  constructor(first: Engine | SpikescopeError, options: AcceleratorOptions) {
    this.#options = options;
    this.#schedule = options.schedule ?? byTimer;
    this.backend = options.backend;
    this.#engine = first instanceof SpikescopeError ? null : first;
    this.#last = this.#engine ?? { instructionSet: options.backend, arenaBytes: 0 };
    if (first instanceof SpikescopeError) this.#lose(null, first);
  }

  /** Whether it answers, as far as is known. */
  get serves(): boolean {
    return this.#engine !== null;
  }

  /** Why it does not serve; null while it does. */
  get fault(): SpikescopeError | null {
    return this.#fault;
  }

  /** How often it went out of service. */
  get faults(): number {
    return this.#faults;
  }

  get instructionSet(): string {
    return this.#last.instructionSet;
  }

  get arenaBytes(): number {
    return this.#last.arenaBytes;
  }

  /** Rejects with `AcceleratorLost` where the device gives no answer, whatever its reason. */
  async infer(inputs: Uint8Array, count?: number, options?: InferOptions): Promise<Inference> {
    const engine = this.#engine;
    if (engine === null) throw this.#refusal();
    try {
      return await engine.infer(inputs, count, options);
    } catch (error) {
      if (this.#isClosed || (error instanceof SpikescopeError && error.code === 'ABORTED')) throw error;
      const fault = faultOf(error);
      this.#lose(engine, fault);
      throw new AcceleratorLost(fault);
    }
  }

  /** Replays the golden inputs. @throws AcceleratorLost when it does not serve, or does not answer as it must */
  async prove(): Promise<void> {
    const engine = this.#engine;
    if (engine === null) throw this.#refusal();
    try {
      await replayGolden(this.#options.bundle, this);
    } catch (error) {
      if (error instanceof AcceleratorLost || this.#isClosed) throw error;
      const fault = faultOf(error);
      this.#lose(engine, fault);
      throw new AcceleratorLost(fault);
    }
  }

  /** Ends attempts to open it, and closes it; calls under way finish first. */
  async close(): Promise<void> {
    this.#isClosed = true;
    this.#callOff?.();
    await this.#work;
    const engine = this.#engine;
    this.#engine = null;
    await engine?.close();
  }

  #refusal(): SpikescopeError {
    if (this.#isClosed) return new SpikescopeError('ENGINE_CLOSED', 'The engine has been closed');
    return new AcceleratorLost(this.#fault ?? faultOf(undefined));
  }

  /** Of calls that fail together, the first takes it out of service. */
  #lose(engine: Engine | null, fault: SpikescopeError): void {
    if (engine !== this.#engine) return;
    this.#engine = null;
    this.#faults++;
    if (engine !== null) this.#then(() => engine.close());
    const isTriedAgain = this.#failed(fault);
    this.#options.onChange({ serves: false, fault, isTriedAgain });
  }

  /** @returns whether it is tried again */
  #failed(fault: SpikescopeError): boolean {
    this.#fault = fault;
    if (this.#isClosed || !isPassing(fault)) return false;
    this.#callOff = this.#schedule(() => this.#then(() => this.#reopen()), RETRY_AFTER);
    return true;
  }

  async #reopen(): Promise<void> {
    if (this.#isClosed) return;
    let engine: Engine;
    try {
      engine = await this.#options.open();
    } catch (error) {
      this.#failed(faultOf(error));
      return;
    }
    if (this.#isClosed) return engine.close();
    this.#engine = engine;
    this.#last = engine;
    this.#fault = null;
    this.#options.onChange({ serves: true });
  }

  /** After what is under way. That an engine which has failed also fails to close says nothing new. */
  #then(work: () => Promise<void>): void {
    this.#work = this.#work.then(work).catch(() => {});
  }
}

/** Faults of a device that no attempt mends: its program is another device's, or none. */
const LASTING = ['DEVICE_PROGRAM', 'DEVICE_VERSION'];

/** Whether a fault may pass: that of a device, not that of a model which it cannot run or of answers that are wrong. */
export function isPassing({ code }: SpikescopeError): boolean {
  if (LASTING.includes(code)) return false;
  return code.startsWith('DEVICE_') || code === 'ENGINE_FAILED' || code === 'OUT_OF_MEMORY';
}

/** @param error anything that was thrown where a device was asked */
export function faultOf(error: unknown): SpikescopeError {
  if (error instanceof SpikescopeError) return error;
  return new SpikescopeError('DEVICE_FAILED', 'The device has failed', { cause: error });
}

const byTimer: Schedule = (work, milliseconds) => {
  const timer = setTimeout(work, milliseconds).unref();
  return () => clearTimeout(timer);
};
