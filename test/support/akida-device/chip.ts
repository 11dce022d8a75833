/**
 * AKD1000 or AKD1500 at the level of registers and memory: what the vendor's engine writes and reads, and no more. Its
 * program is read back from the tracks that it is configured with, images from its memory; what it answers is computed by
 * the integer engine from the weights that were read back.
 *
 * It knows nothing of time, energy or how silicon computes. That an event's first coordinate is the row is what the engine's
 * own conversions say; no card has been asked.
 */
import type { Akida1Device } from '../../../src/model/bundle/akida-programs-section.ts';
import { Random } from '../random.ts';
import { denseOutputOf, denseWithFault, spoiledDense } from './dense-output.ts';
import { Dma } from './dma.ts';
import type { Fault, FaultKind } from './faults.ts';
import { Memory } from './memory.ts';
import { outputOf, randomSlot, withFault } from './output.ts';
import { type Block, blocksOf } from './tracks.ts';

const REGISTERS = 0xfcc0_0000;
const REGISTER_BYTES = 0x10_0000;
const IDENTIFICATION = 0x00;
const GENERAL_CONTROL = 0x04;
/** Bits of it that reset the mesh's configuration, and the DMA controllers. */
const RESETS_MESH = (1 << 8) | (1 << 10);
const RESETS_CORE = 1 << 9;
const CONTROLLERS = { events: 0x2_0000, images: 0x2_8000, configuration: 0x3_0000 } as const;
const CONTROLLER_BYTES = 0x100;
const CONTAINER_SIZE = 0x0c;

const EARLIER_CHIP = 0xbc00_0001;

interface ChipKind {
  readonly identification: number;
  /** Addresses of its memory. */
  readonly memory: { readonly from: number; readonly to: number };
  /** Whether it writes every value of its output, rather than events. */
  readonly isDense: boolean;
}

/** As the engine's headers have them; of an AKD1500's memory the PCIe controller keeps the first 256 bytes. */
export const CHIPS = {
  akd1000: {
    identification: 0xbc00_0002,
    memory: { from: 0x2400_0000, to: 0x3000_0000 },
    isDense: false,
  },
  akd1500: {
    identification: 0xbca1_0309,
    memory: { from: 0x2000_0100, to: 0x2010_0000 },
    isDense: true,
  },
} as const satisfies Readonly<Record<Akida1Device, ChipKind>>;

const ETIMEDOUT = 110;
const EFAULT = 14;

/** Computes the embedding of an image with what the card is configured with. */
export type Compute = (image: Uint8Array, blocks: readonly Block[]) => Promise<Uint8Array>;

export interface OutputShape {
  readonly rows: number;
  readonly columns: number;
  readonly channels: number;
}

export class PlayedChip {
  readonly memory = new Memory();
  readonly #kind: ChipKind;
  readonly #compute: Compute;
  readonly #shape: OutputShape;
  readonly #registers = new Map<number, number>();
  readonly #controllers: Readonly<Record<keyof typeof CONTROLLERS, Dma>>;
  #blocks: Block[] = [];
  #fault: Fault | null = null;
  #images = 0;
  #random = new Random(1);

  constructor(device: Akida1Device, shape: OutputShape, compute: Compute) {
    this.#kind = CHIPS[device];
    this.#shape = shape;
    this.#compute = compute;
    this.#controllers = {
      events: new Dma(this.memory, () => undefined),
      images: new Dma(this.memory, (descriptor, isCalledOff) => this.#takeImage(descriptor, isCalledOff)),
      configuration: new Dma(this.memory, (descriptor) => this.#configure(descriptor)),
    };
  }

  /** Images that were answered since the start. */
  get images(): number {
    return this.#images;
  }

  /** Everything that the card is configured with since its last reset. */
  get blocks(): readonly Block[] {
    return this.#blocks;
  }

  set fault(fault: Fault | null) {
    this.#fault = fault;
    this.#random = new Random(fault?.seed ?? 1);
    this.#controllers.configuration.interrupts = !this.has('no-interrupt');
    this.#controllers.images.takes = !this.has('full-queue');
  }

  has(kind: FaultKind): boolean {
    return this.#fault?.kind === kind && this.#images >= (this.#fault.afterImages ?? 0);
  }

  /** The bytes, or the error number, negative. */
  read(address: number, size: number): Buffer | number {
    if (this.has('timeout')) return -ETIMEDOUT;
    if (this.has('dead')) return Buffer.alloc(size, 0xff);
    if (this.#isMemory(address, size)) return this.memory.read(address, size);
    if (!isRegister(address, size)) return -EFAULT;
    const bytes = Buffer.alloc(4);
    bytes.writeUInt32LE(this.#readRegister(address - REGISTERS));
    return this.has('short-transfer') ? bytes.subarray(0, 1) : bytes;
  }

  /** Bytes that were written, or the error number, negative. */
  write(address: number, bytes: Buffer): number {
    if (this.has('timeout')) return -ETIMEDOUT;
    if (this.has('dead')) return bytes.length;
    if (this.#isMemory(address, bytes.length)) this.memory.write(address, bytes);
    else if (isRegister(address, bytes.length))
      this.#writeRegister(address - REGISTERS, bytes.readUInt32LE());
    else return -EFAULT;
    return bytes.length;
  }

  #readRegister(offset: number): number {
    if (offset === IDENTIFICATION)
      return this.has('other-version') ? EARLIER_CHIP : this.#kind.identification;
    const found = this.#controllerAt(offset);
    if (found === null) return this.#registers.get(offset) ?? 0;
    const value = found.controller.read(found.register);
    return this.has('register') && found.register === CONTAINER_SIZE ? (value ^ 0x00fe_0000) >>> 0 : value;
  }

  #writeRegister(offset: number, value: number): void {
    const found = this.#controllerAt(offset);
    if (found !== null) {
      found.controller.write(found.register, value);
      return;
    }
    this.#registers.set(offset, value);
    if (offset !== GENERAL_CONTROL) return;
    if ((value & RESETS_MESH) !== 0) this.#blocks = [];
    if ((value & RESETS_CORE) !== 0)
      for (const controller of Object.values(this.#controllers)) controller.reset();
  }

  #controllerAt(offset: number): { controller: Dma; register: number } | null {
    for (const name of ['events', 'images', 'configuration'] as const) {
      const register = offset - CONTROLLERS[name];
      if (register >= 0 && register < CONTROLLER_BYTES)
        return { controller: this.#controllers[name], register };
    }
    return null;
  }

  /** Descriptor: direction and version; address and length in words of a track. */
  #configure([, address, words]: Uint32Array): void {
    this.#blocks.push(...blocksOf(this.memory.words(address, words & 0xffff)));
  }

  /** Descriptor: job; address; bytes of a row, rows; bytes to the next row; …; where the output goes. */
  async #takeImage(descriptor: Uint32Array, isCalledOff: () => boolean): Promise<void> {
    const [job, address, size, next] = descriptor;
    const [rowBytes, rows] = [size & 0xffff, size >>> 16];
    const image = Buffer.concat(
      Array.from({ length: rows }, (_, row) => this.memory.read(address + row * (next & 0xffff), rowBytes)),
    );
    const embedding = await this.#compute(image, this.#blocks);
    if (isCalledOff() || this.has('stale-job')) return;
    this.memory.write(descriptor[7], this.#answer(embedding));
    const number = job >>> 16;
    this.#controllers.images.job = this.has('unknown-job') ? number + 1000 : number;
    this.#images++;
    // What begins after this image.
    this.#controllers.images.takes = !this.has('full-queue');
  }

  #answer(embedding: Uint8Array): Uint8Array {
    if (this.#kind.isDense) return this.#denseAnswer(embedding);
    const output = outputOf(embedding, this.#shape);
    if (this.has('random-output')) return randomSlot(output, this.#shape, this.#random);
    if (this.has('event-outside')) return withFault(output, 'event-outside', this.#shape);
    return this.has('too-many-words') ? withFault(output, 'too-many-words', this.#shape) : output;
  }

  #denseAnswer(embedding: Uint8Array): Uint8Array {
    const output = denseOutputOf(embedding);
    if (this.has('random-output')) return spoiledDense(output, this.#random);
    return this.has('too-many-words') || this.has('event-outside')
      ? denseWithFault(output, this.has('event-outside') ? 'value' : 'words')
      : output;
  }

  #isMemory(address: number, size: number): boolean {
    const { from, to } = this.#kind.memory;
    return address >= from && address + size <= to;
  }
}

function isRegister(address: number, size: number): boolean {
  return (
    address >= REGISTERS && address + size <= REGISTERS + REGISTER_BYTES && size === 4 && address % 4 === 0
  );
}
