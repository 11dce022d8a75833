import { randomBytes, randomInt, randomUUID } from 'node:crypto';
import type { StoredDocument } from '../../../store/documents.ts';
import { digestOf } from './clients.ts';
import { MOST_PAIRED, type PairedDevice, type Preferences } from './preferences.ts';

/** Milliseconds for which a code can be typed; wrong ones after which an address is heard no more, and nobody is. */
const VALID_FOR = 120_000;
const MOST_WRONG = 5;
const MOST_WRONG_OF_ALL = 100;

/** Pairs another device by a code that the display shows, once for each code. */
export class Pairing {
  readonly #document: StoredDocument<Preferences>;
  #offer: { readonly code: string; readonly role: PairedDevice['role']; readonly until: number } | null =
    null;
  readonly #wrong = new Map<string, number>();

  constructor(document: StoredDocument<Preferences>) {
    this.#document = document;
  }

  /** A code of eight digits; null where no further device can be paired. */
  begin(role: PairedDevice['role']): string | null {
    if (this.#document.data.paired.length >= MOST_PAIRED) return null;
    const code = String(randomInt(10 ** 8)).padStart(8, '0');
    this.#offer = { code, role, until: performance.now() + VALID_FOR };
    this.#wrong.clear();
    return code;
  }

  /**
   * The secret of the device that sends the right code; null for a wrong one, and where none is offered. Who guesses spends
   * the guesses of his address, not those of whom the code was shown to.
   */
  async complete(code: string, address: string): Promise<string | null> {
    const offer = this.#offer;
    const wrong = this.#wrong.get(address) ?? 0;
    if (offer === null || performance.now() > offer.until || wrong >= MOST_WRONG) return null;
    if (code !== offer.code) {
      this.#wrong.set(address, wrong + 1);
      const all = [...this.#wrong.values()].reduce((sum, each) => sum + each, 0);
      if (all >= MOST_WRONG_OF_ALL) this.#offer = null;
      return null;
    }
    this.#offer = null;
    const secret = randomBytes(32).toString('base64url');
    const { role } = offer;
    const device = { id: randomUUID(), role, since: new Date().toISOString(), digest: digestOf(secret) };
    await this.#document.update(({ paired }) => {
      paired.push(device);
    });
    return secret;
  }

  async end(id: string): Promise<void> {
    await this.#document.update((data) => {
      data.paired = data.paired.filter((device) => device.id !== id);
    });
  }
}
