/** What a request must be before anything looks at who sent it: for this server, and from its own page. */
import type { IncomingHttpHeaders } from 'node:http';
import type { Refusal } from './reply.ts';

/** Where requests come from: the device itself, or its network. */
export interface Realm {
  readonly kind: 'display' | 'network';
  readonly scheme: 'http' | 'https';
  /** Names and addresses, each with the port: `127.0.0.1:8646`. */
  readonly hosts: ReadonlySet<string>;
}

export interface Asked {
  readonly method?: string | undefined;
  readonly headers: IncomingHttpHeaders;
}

/** What a browser says of where a request began; both others are pages of somebody else. */
const OWN_SITES: readonly string[] = ['same-origin', 'none'];

/**
 * Why a request is refused; null where it may go on. A name that is none of the device's may be one that somebody else's
 * page has bound to its address (DNS rebinding); a foreign origin is that page itself. Browsers let no page set these
 * headers, and send an origin with every POST.
 */
export function refusalOf({ method, headers }: Asked, { scheme, hosts }: Realm): Refusal | null {
  if (method !== 'GET' && method !== 'POST') return { status: 405, code: 'SCREEN_METHOD' };
  const { host, origin } = headers;
  if (host === undefined || !hosts.has(host.toLowerCase())) return { status: 421, code: 'SCREEN_HOST' };
  const site = headers['sec-fetch-site'];
  if (site !== undefined && !OWN_SITES.includes(String(site))) return { status: 403, code: 'SCREEN_ORIGIN' };
  const isOwn = origin === `${scheme}://${host}`;
  if (origin === undefined ? method === 'POST' : !isOwn) return { status: 403, code: 'SCREEN_ORIGIN' };
  if (method === 'POST' && !isJson(headers['content-type'])) {
    return { status: 415, code: 'SCREEN_CONTENT_TYPE' };
  }
  return null;
}

/** A form cannot be sent as this, and another origin not without asking first. */
function isJson(contentType: string | undefined): boolean {
  return contentType !== undefined && /^application\/json(; ?charset=utf-8)?$/i.test(contentType);
}

/** As a client may write the names of the device itself. */
export function displayHosts(port: number): ReadonlySet<string> {
  return new Set(['127.0.0.1', 'localhost', '[::1]'].map((host) => `${host}:${port}`));
}

/** @param port that of https is left out by browsers */
export function networkHosts(names: readonly string[], port: number): ReadonlySet<string> {
  const lower = names.map((name) => name.toLowerCase());
  return new Set([...lower.map((name) => `${name}:${port}`), ...(port === 443 ? lower : [])]);
}
