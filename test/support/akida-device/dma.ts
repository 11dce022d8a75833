/**
 * A DMA controller of the core, as far as the vendor's engine sees it (inc/engine/registers_dma_engine.h): a ring of
 * descriptors that it works through while its run bit is set.
 */
import type { Memory } from './memory.ts';

const CONTROL = 0x00;
const CONTAINER = 0x04;
const CONTAINER_ADDRESS = 0x08;
const CONTAINER_SIZE = 0x0c;
const DESCRIPTOR_STATUS = 0x10;
const MONITOR_CONTROL = 0x24;
const MONITOR_STATUS = 0x28;

const SOFT_RESET = 1 << 9;
const RUN = 1 << 8;
const STATUS_CLEAR = 1;
/** None current, none last. */
const NO_DESCRIPTORS = 0x00ff00ff;
const WORDS_PER_UNIT = 8;
/** Of the container: the descriptor that it is at. */
const PLACE = 0xff;

/**
 * What a descriptor asks for. Resolves once it is done.
 * @param isCalledOff whether the controller was reset meanwhile: then nothing may come of it any more
 */
export type Work = (descriptor: Uint32Array, isCalledOff: () => boolean) => Promise<void> | void;

export class Dma {
  readonly #memory: Memory;
  readonly #work: Work;
  readonly #registers = new Map<number, number>();
  #isBusy = false;
  /** Resets so far: what was begun before the last one is given up. */
  #resets = 0;
  /** A queue that stands still takes nothing more. */
  takes = true;
  /** Whether its end of work is ever told. */
  interrupts = true;

  constructor(memory: Memory, work: Work) {
    this.#memory = memory;
    this.#work = work;
  }

  read(register: number): number {
    if (register === MONITOR_STATUS && !this.interrupts) return 0;
    return this.#registers.get(register) ?? (register === CONTAINER ? NO_DESCRIPTORS : 0);
  }

  write(register: number, value: number): void {
    if (register === CONTROL && (value & SOFT_RESET) !== 0) {
      this.reset();
      return;
    }
    if (register === MONITOR_CONTROL && (value & STATUS_CLEAR) !== 0) {
      this.#registers.set(MONITOR_STATUS, 0);
      this.#registers.set(register, (value & ~STATUS_CLEAR) >>> 0);
      return;
    }
    this.#registers.set(register, register === CONTAINER ? this.#withOwnPlace(value) : value);
    if (register === CONTROL || register === CONTAINER) void this.#run();
  }

  /**
   * The engine reads the register, sets the last descriptor, and writes all of it back, while the place goes on: that is the
   * controller's own, and what is written over it is lost.
   */
  #withOwnPlace(value: number): number {
    return ((value & ~PLACE) | (this.read(CONTAINER) & PLACE)) >>> 0;
  }

  /** The last job done, as the input controllers tell. */
  set job(number: number) {
    this.#registers.set(DESCRIPTOR_STATUS, ((number & 0xffff) << 16) >>> 0);
  }

  reset(): void {
    this.#registers.clear();
    this.#resets++;
    this.#isBusy = false;
  }

  async #run(): Promise<void> {
    if (this.#isBusy) return;
    this.#isBusy = true;
    const resets = this.#resets;
    while (resets === this.#resets) {
      const isRunning = (this.read(CONTROL) & RUN) !== 0;
      const container = this.read(CONTAINER);
      const [current, last] = [container & PLACE, (container >>> 16) & 0xff];
      if (!isRunning || !this.takes || current === last) break;
      await this.#take(current);
    }
    if (resets === this.#resets) this.#isBusy = false;
  }

  async #take(current: number): Promise<void> {
    const size = this.read(CONTAINER_SIZE);
    const words = (size & 0x1f) * WORDS_PER_UNIT;
    const most = (size >>> 16) & 0xff;
    const next = current >= most ? 0 : current + 1;
    const address = this.read(CONTAINER_ADDRESS) + next * words * 4;
    const resets = this.#resets;
    const isCalledOff = () => resets !== this.#resets;
    const done = this.#work(this.#memory.words(address, words), isCalledOff);
    // Without waiting where there is nothing to wait for: a program is looked at between two accesses.
    if (done !== undefined) await done;
    if (isCalledOff()) return;
    this.#registers.set(CONTAINER, ((this.read(CONTAINER) & ~PLACE) | next) >>> 0);
    this.#registers.set(MONITOR_STATUS, 0x0001_0001);
  }
}
