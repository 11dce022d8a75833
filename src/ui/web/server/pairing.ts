import { randomBytes, randomInt, randomUUID } from 'node:crypto';
import type { StoredDocument } from '../../../store/documents.ts';
import { digestOf } from './clients.ts';
import { MOST_PAIRED, type PairedDevice, type Preferences } from './preferences.ts';

/** Milliseconds for which a code can be typed, and wrong ones that end it. */
const VALID_FOR = 120_000;
const MOST_WRONG = 5;

/** Pairs another device by a code that the display shows, once for each code. */
export class Pairing {
  readonly #document: StoredDocument<Preferences>;
  #offer: { readonly code: string; readonly role: PairedDevice['role']; readonly until: number } | null =
    null;
  #wrong = 0;

  constructor(document: StoredDocument<Preferences>) {
    this.#document = document;
  }

  /** A code of eight digits; null where no further device can be paired. */
  begin(role: PairedDevice['role']): string | null {
    if (this.#document.data.paired.length >= MOST_PAIRED) return null;
    const code = String(randomInt(10 ** 8)).padStart(8, '0');
    this.#offer = { code, role, until: performance.now() + VALID_FOR };
    this.#wrong = 0;
    return code;
  }

  /** The secret of the device that sends the right code; null for a wrong one, and where none is offered. */
  async complete(code: string): Promise<string | null> {
    const offer = this.#offer;
    if (offer === null || performance.now() > offer.until) return null;
    if (code !== offer.code) {
      if (++this.#wrong >= MOST_WRONG) this.#offer = null;
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
