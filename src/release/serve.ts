import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { reasonOf, SpikescopeError } from '../errors.ts';
import { FolderSource } from '../updates/source/folder.ts';
import type { Workspace } from './workspace.ts';

export interface ServeOptions {
  readonly host: string;
  /** 0 for any that is free. */
  readonly port: number;
}

/**
 * Serves what is published, for trying it out: in earnest any static web server does. Regular files alone, whole or from a
 * byte on; no lists, no links.
 * @throws SpikescopeError `SERVE`
 */
export async function serve(workspace: Workspace, { host, port }: ServeOptions): Promise<Server> {
  const source = new FolderSource(workspace.public);
  const server = createServer((request, response) => {
    answer(source, request, response).catch(() => response.destroy());
  });
  server.listen(port, host);
  try {
    await once(server, 'listening');
  } catch (cause) {
    throw new SpikescopeError('SERVE', 'The repository cannot be served', {
      field: `${host}:${port}`,
      received: reasonOf(cause),
      remedy: 'give another address with --host or --port',
      cause,
    });
  }
  return server;
}

async function answer(
  source: FolderSource,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const refuse = (status: number) => void response.writeHead(status).end();
  if (request.method !== 'GET') return refuse(405);
  const names = namesIn(request.url ?? '');
  const [, first] = /^bytes=(\d{1,15})-$/.exec(request.headers.range ?? '') ?? [];
  const from = Number(first ?? 0);
  // A link or a name that leads elsewhere is as good as nothing.
  const opened = names === null ? null : await source.open(names, from).catch(() => null);
  if (opened === null) return refuse(404);
  const pieces = Readable.from(opened.pieces);
  const { size = 0 } = opened;
  if (from > 0 && from >= size) return refuse(416);
  response.writeHead(first === undefined ? 200 : 206, {
    'Content-Type': 'application/octet-stream',
    'Content-Length': size - from,
    ...(first !== undefined && { 'Content-Range': `bytes ${from}-${size - 1}/${size}` }),
  });
  await pipeline(pieces, response);
}

function namesIn(url: string): string[] | null {
  try {
    const [path] = url.split('?');
    return path.slice(1).split('/').map(decodeURIComponent);
  } catch {
    return null;
  }
}
