/** Who asks: the device's own display, or a device that was paired, and what it may. */
import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import { RateLimiter } from '../../../telehealth/commands/rate-limiter.ts';
import type { Right, Role } from '../words.ts';
import { cookieOf } from './http/cookies.ts';
import type { Realm } from './http/gate.ts';
import type { PairedDevice } from './preferences.ts';

/** Of the display, over http on loopback; each start has another secret. */
export const DISPLAY_COOKIE = 'spikescope-screen';
/** Of a paired device. The prefix binds it to https and this host. */
export const PAIRED_COOKIE = '__Host-spikescope-screen';

/** Pixels and settings are for the display alone. */
const RIGHTS: Readonly<Record<Role, readonly Right[]>> = {
  display: ['see', 'pixels', 'capture', 'teach', 'context', 'history', 'settings'],
  clinician: ['see', 'capture', 'teach', 'context', 'history'],
  observer: ['see'],
};

export interface Client {
  readonly role: Role;
  readonly rights: readonly Right[];
  /** The paired device; null for the display. */
  readonly pairing: string | null;
  /** All its requests: a viewfinder alone makes sixty a second. */
  readonly requests: RateLimiter;
  readonly commands: RateLimiter;
}

export function may({ rights }: Pick<Client, 'rights'>, right: Right): boolean {
  return rights.includes(right);
}

function clientFor(role: Role, pairing: string | null): Client {
  return {
    ...{ role, rights: RIGHTS[role], pairing },
    requests: new RateLimiter({ burst: 300, perSecond: 150 }),
    commands: new RateLimiter({ burst: 12, perSecond: 6 }),
  };
}

/** Addresses that are counted each for themselves. */
const MOST_ADDRESSES = 256;

/** A budget for each address. */
class AddressBudgets {
  readonly #rate: { readonly burst: number; readonly perSecond: number };
  readonly #limiters = new Map<string, RateLimiter>();

  constructor(rate: { readonly burst: number; readonly perSecond: number }) {
    this.#rate = rate;
  }

  take(address: string): boolean {
    let limiter = this.#limiters.get(address);
    if (limiter === undefined) {
      if (this.#limiters.size >= MOST_ADDRESSES) this.#limiters.clear();
      limiter = new RateLimiter(this.#rate);
      this.#limiters.set(address, limiter);
    }
    return limiter.take();
  }
}

export class Clients {
  readonly displaySecret = randomBytes(24).toString('base64url');
  /** Of this start: what every command must carry, beside the cookie. */
  readonly token = randomBytes(24).toString('base64url');
  readonly #display = clientFor('display', null);
  readonly #pairedWith: () => readonly PairedDevice[];
  readonly #paired = new Map<string, Client>();
  /** What strangers may ask, and the connections that anybody may open from afar. */
  readonly #strangers = new AddressBudgets({ burst: 60, perSecond: 20 });
  readonly #connections = new AddressBudgets({ burst: 40, perSecond: 10 });
  readonly #allConnections = new RateLimiter({ burst: 80, perSecond: 20 });

  constructor(pairedWith: () => readonly PairedDevice[]) {
    this.#pairedWith = pairedWith;
  }

  /** Null for a stranger. */
  of({ headers }: Pick<IncomingMessage, 'headers'>, { kind }: Pick<Realm, 'kind'>): Client | null {
    if (kind === 'display') {
      const secret = cookieOf(headers.cookie, DISPLAY_COOKIE);
      return secret !== undefined && isSame(secret, this.displaySecret) ? this.#display : null;
    }
    const secret = cookieOf(headers.cookie, PAIRED_COOKIE);
    if (secret === undefined || secret.length > 64) return null;
    const digest = digestOf(secret);
    const device = this.#pairedWith().find((each) => isSame(each.digest, digest));
    return device === undefined ? null : this.#clientOf(device);
  }

  /** Whether a stranger may ask once more. */
  admitsStranger(address: string): boolean {
    return this.#strangers.take(address);
  }

  /** Whether one more connection may be opened from the network. */
  admitsConnection(address: string): boolean {
    return this.#connections.take(address) && this.#allConnections.take();
  }

  hasToken(sent: unknown): boolean {
    return typeof sent === 'string' && isSame(sent, this.token);
  }

  #clientOf({ id, role }: PairedDevice): Client {
    const known = this.#paired.get(id);
    if (known !== undefined) return known;
    const client = clientFor(role, id);
    this.#paired.set(id, client);
    return client;
  }
}

/** What is kept of a paired device's secret. */
export function digestOf(secret: string): string {
  return createHash('sha256').update(secret).digest('base64url');
}

function isSame(sent: string, known: string): boolean {
  const [a, b] = [Buffer.from(sent), Buffer.from(known)];
  return a.length === b.length && timingSafeEqual(a, b);
}
