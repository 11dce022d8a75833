import type { OutgoingHttpHeaders, ServerResponse } from 'node:http';

/**
 * Of every answer. Nothing is loaded from elsewhere, nothing frames the page, and what the device shows stays in no cache:
 * only files of the page, whose names change with their content, are kept.
 */
const HEADERS: Readonly<Record<string, string>> = {
  'content-security-policy':
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob:; connect-src 'self'; " +
    "font-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'DENY',
  'referrer-policy': 'no-referrer',
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
  'permissions-policy': 'camera=(), microphone=(), geolocation=(), usb=(), serial=(), bluetooth=()',
  'cache-control': 'no-store',
};

/** Answers a request whole. */
export function reply(
  response: ServerResponse,
  status: number,
  headers: OutgoingHttpHeaders = {},
  body?: Uint8Array | string,
): void {
  response.writeHead(status, { ...HEADERS, 'content-length': lengthOf(body), ...headers }).end(body);
}

function lengthOf(body: Uint8Array | string | undefined): number {
  return body === undefined ? 0 : Buffer.byteLength(body);
}

export function replyJson(response: ServerResponse, status: number, document: unknown): void {
  reply(response, status, { 'content-type': 'application/json' }, JSON.stringify(document));
}

/** Begins an answer that goes on. */
export function beginStream(response: ServerResponse, contentType: string): void {
  response.writeHead(200, { ...HEADERS, 'content-type': contentType });
  response.flushHeaders();
}

/** Why a request is not answered as it asks: HTTP's status and a code of the program. */
export interface Refusal {
  readonly status: number;
  readonly code: string;
}

export function refuse(response: ServerResponse, { status, code }: Refusal): void {
  // What it still sends is not waited for.
  if (status === 413 || status === 429) response.setHeader('connection', 'close');
  replyJson(response, status, { outcome: 'refused', code });
}
