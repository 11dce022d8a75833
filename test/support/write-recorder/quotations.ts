/** Characters that are compared at a time. */
const WINDOW = 12;
/** Fewer different bytes than this in a window can stand anywhere by chance. */
const DISTINCT = 7;
/** Forms in which bytes are quoted as text or numbers. */
const FORMS: readonly ((bytes: Buffer) => string)[] = [
  (bytes) => bytes.toString('latin1'),
  (bytes) => bytes.toString('hex'),
  ...[0, 1, 2].map((skipped) => (bytes: Buffer) => bytes.subarray(skipped).toString('base64')),
  (bytes) => bytes.subarray(1).toString('base64url'),
];

/**
 * Finds longer pieces of secrets in whatever was written, as bytes, in hexadecimal, in base64 at any offset, and as lists of
 * numbers.
 */
export class Quotations {
  readonly #windows = new Map<string, string>();
  /** Whether a window begins with these three bytes: most places are done with after one look. */
  readonly #beginnings = new Uint8Array(2 ** 24);
  readonly #step: number;

  /** @param step characters from one place of a secret that is looked for to the next: a shorter piece may go unseen */
  constructor(step = 48) {
    this.#step = step;
  }

  /** @param numbers what a list in JSON would hold; by default the bytes */
  add(name: string, bytes: Buffer, numbers: ArrayLike<number> = bytes): void {
    for (const form of FORMS) this.#note(name, form(bytes));
    this.#note(name, Array.from(numbers).join(','));
  }

  /** The names of the secrets of which a piece stands in `bytes`. */
  in(bytes: Buffer): string[] {
    const found = new Set<string>();
    const text = bytes.toString('latin1');
    for (let at = 0; at + WINDOW <= text.length; at++) {
      if (this.#beginnings[beginning(bytes[at], bytes[at + 1], bytes[at + 2])] === 0) continue;
      const name = this.#windows.get(text.slice(at, at + WINDOW));
      if (name !== undefined) found.add(name);
    }
    return [...found].sort();
  }

  #note(name: string, text: string): void {
    for (let at = 0; at + WINDOW <= text.length; at += this.#step) {
      const window = text.slice(at, at + WINDOW);
      if (new Set(window).size < DISTINCT) continue;
      this.#windows.set(window, name);
      this.#beginnings[beginning(window.charCodeAt(0), window.charCodeAt(1), window.charCodeAt(2))] = 1;
    }
  }
}

function beginning(first: number, second: number, third: number): number {
  return (first << 16) | (second << 8) | third;
}
