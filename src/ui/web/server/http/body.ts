import type { IncomingMessage } from 'node:http';

/** Bytes of the largest command. */
const MAXIMUM_BYTES = 4096;

/** The JSON document of a request; `too-large` or `malformed` where there is none. Rejects when the client leaves. */
export async function jsonBody(
  request: IncomingMessage,
): Promise<{ readonly document: unknown } | 'too-large' | 'malformed'> {
  if (Number(request.headers['content-length'] ?? 0) > MAXIMUM_BYTES) return 'too-large';
  const pieces: Buffer[] = [];
  let bytes = 0;
  for await (const piece of request) {
    const buffer = Buffer.from(piece);
    bytes += buffer.length;
    if (bytes > MAXIMUM_BYTES) return 'too-large';
    pieces.push(buffer);
  }
  try {
    const text = new TextDecoder('utf-8', { fatal: true }).decode(Buffer.concat(pieces));
    return { document: JSON.parse(text) };
  } catch {
    return 'malformed';
  }
}
