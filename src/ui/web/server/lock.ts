import { randomBytes, scrypt, timingSafeEqual } from 'node:crypto';
import { promisify } from 'node:util';
import type { StoredDocument } from '../../../store/documents.ts';
import type { Preferences } from './preferences.ts';

const derive = promisify<string, string, number, { N: number }, Buffer>(scrypt);

/** A PIN has few digits: no cost of its digest keeps it from who has the file, only that it does not stand there plainly. */
const COST = { N: 4096 };
const LENGTH = 32;
/** Milliseconds for which the settings stay open after what was last done in them. */
const OPEN_FOR = 5 * 60_000;
/** Wrong PINs that are free, and how long is waited after the next: twice as long after each. */
const FREE = 4;
const FIRST_WAIT = 30_000;
const LONGEST_WAIT = 15 * 60_000;

/** The PIN before the settings. */
export class Lock {
  readonly #document: StoredDocument<Preferences>;
  #openUntil = 0;
  #wrong = 0;
  #waitUntil = 0;
  /** One at a time, so that attempts beside each other are no more than one after the other. */
  #trying: Promise<unknown> = Promise.resolve();

  constructor(document: StoredDocument<Preferences>) {
    this.#document = document;
  }

  get isOpen(): boolean {
    return performance.now() < this.#openUntil;
  }

  get isSet(): boolean {
    return this.#document.data.pin !== null;
  }

  /** Milliseconds for which it stays open, and for which no PIN is taken; 0 for not. */
  get left(): { readonly open: number; readonly wait: number } {
    const now = performance.now();
    return { open: Math.max(0, this.#openUntil - now), wait: Math.max(0, this.#waitUntil - now) };
  }

  /** Opens with the right PIN; where none is set, this one is from now on. @returns false for a wrong one */
  open(pin: string): Promise<boolean> {
    const attempt = this.#trying.then(() => this.#try(pin));
    this.#trying = attempt.catch(() => {});
    return attempt;
  }

  /** Something was done in the settings. */
  use(): void {
    if (this.isOpen) this.#openUntil = performance.now() + OPEN_FOR;
  }

  close(): void {
    this.#openUntil = 0;
  }

  async change(pin: string): Promise<void> {
    const salt = randomBytes(16).toString('base64url');
    const digest = (await derive(pin, salt, LENGTH, COST)).toString('base64url');
    await this.#document.update((data) => {
      data.pin = { salt, digest };
    });
  }

  async #try(pin: string): Promise<boolean> {
    if (this.left.wait > 0) return false;
    const { pin: kept } = this.#document.data;
    if (kept === null) await this.change(pin);
    else if (!(await isRight(pin, kept))) {
      this.#wrong++;
      const doubled = FIRST_WAIT * 2 ** (this.#wrong - FREE - 1);
      if (this.#wrong > FREE) this.#waitUntil = performance.now() + Math.min(LONGEST_WAIT, doubled);
      return false;
    }
    this.#wrong = 0;
    this.#openUntil = performance.now() + OPEN_FOR;
    return true;
  }
}

async function isRight(pin: string, { salt, digest }: NonNullable<Preferences['pin']>): Promise<boolean> {
  const kept = Buffer.from(digest, 'base64url');
  const derived = await derive(pin, salt, LENGTH, COST);
  return kept.length === derived.length && timingSafeEqual(kept, derived);
}
