/** The card's memory as far as anything was written to it; the rest reads as zeros. */
const PAGE = 2 ** 16;

export class Memory {
  readonly #pages = new Map<number, Buffer>();

  read(address: number, size: number): Buffer {
    const bytes = Buffer.alloc(size);
    this.#visit(address, size, (page, from, at, length) => {
      this.#pages.get(page)?.copy(bytes, at, from, from + length);
    });
    return bytes;
  }

  write(address: number, bytes: Uint8Array): void {
    this.#visit(address, bytes.length, (number, from, at, length) => {
      const page = this.#pages.get(number) ?? Buffer.alloc(PAGE);
      this.#pages.set(number, page);
      page.set(bytes.subarray(at, at + length), from);
    });
  }

  words(address: number, count: number): Uint32Array {
    const bytes = this.read(address, count * 4);
    return Uint32Array.from({ length: count }, (_, i) => bytes.readUInt32LE(i * 4));
  }

  #visit(
    address: number,
    size: number,
    visit: (page: number, from: number, at: number, length: number) => void,
  ): void {
    for (let at = 0; at < size; ) {
      const from = (address + at) % PAGE;
      const length = Math.min(PAGE - from, size - at);
      visit(Math.floor((address + at) / PAGE), from, at, length);
      at += length;
    }
  }
}
