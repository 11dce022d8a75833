import { readFileSync } from 'node:fs';
import {
  createServer,
  type IncomingMessage,
  type Server,
  type ServerOptions,
  type ServerResponse,
} from 'node:http';
import { createServer as createSecureServer } from 'node:https';
import type { Socket } from 'node:net';
import { SpikescopeError } from '../../../errors.ts';
import { listening } from '../../../runtime/appliance/service/listening.ts';
import type { ScreenSettings } from '../../../runtime/appliance/settings/screen.ts';
import { type Client, type Clients, DISPLAY_COOKIE } from './clients.ts';
import { Connections } from './http/connections.ts';
import { cookieFor } from './http/cookies.ts';
import { displayHosts, networkHosts, type Realm, refusalOf } from './http/gate.ts';
import { type PageFile, pageFiles } from './http/page-files.ts';
import { refuse, reply } from './http/reply.ts';
import { Routes } from './routes.ts';

/** Slow and idle clients are let go. */
const LIMITS: ServerOptions = {
  maxHeaderSize: 8192,
  headersTimeout: 5_000,
  requestTimeout: 10_000,
  keepAliveTimeout: 10_000,
  connectionsCheckingInterval: 5_000,
};
/** Milliseconds in which a client of the network has agreed upon its keys. */
const HANDSHAKE = 5_000;

export interface ServerParts {
  readonly settings: ScreenSettings;
  readonly clients: Clients;
  readonly routes: Routes;
}

interface Asked {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly realm: Realm;
  readonly connections: Connections;
}

/** The page of the screen and what is behind it: over http on loopback, and where that is set over https on the network. */
export class ScreenServer {
  readonly #parts: ServerParts;
  readonly #files: ReadonlyMap<string, PageFile>;
  readonly #servers: Server[] = [];
  #port = 0;

  constructor(parts: ServerParts, files: ReadonlyMap<string, PageFile> = pageFiles()) {
    this.#parts = parts;
    this.#files = files;
  }

  get url(): string {
    return `http://127.0.0.1:${this.#port}/`;
  }

  /** Whether there is a page to serve, or only what is behind it. */
  get hasPage(): boolean {
    return this.#files.has('/');
  }

  /** @throws SpikescopeError `SCREEN_PORT` when a port is taken, `SCREEN_CERTIFICATE` */
  async open(): Promise<void> {
    const { port, network } = this.#parts.settings;
    const atDisplay = new Connections();
    const local = createServer(LIMITS, (request, response) => {
      const realm: Realm = { kind: 'display', scheme: 'http', hosts: displayHosts(this.#port) };
      this.#serve({ request, response, realm, connections: atDisplay });
    });
    local.on('connection', (socket) => atDisplay.add(socket));
    this.#port = await this.#listen(local, port, '127.0.0.1');
    if (network === null) return;
    const realm: Realm = {
      ...{ kind: 'network', scheme: 'https' },
      hosts: networkHosts(network.hosts, network.port),
    };
    const connections = new Connections();
    const options = {
      ...{ ...LIMITS, ...certificateOf(network) },
      ...({ minVersion: 'TLSv1.2', handshakeTimeout: HANDSHAKE } as const),
    };
    const secure = createSecureServer(options, (request, response) =>
      this.#serve({ request, response, realm, connections }),
    );
    secure.on('connection', (socket: Socket) => {
      // Before anything is worked out for it: keys cost more than answers.
      if (this.#parts.clients.admitsConnection(socket.remoteAddress ?? '')) connections.add(socket);
      else socket.destroy();
    });
    await this.#listen(secure, network.port, network.address);
  }

  async close(): Promise<void> {
    await Promise.all(
      this.#servers.map(
        (server) =>
          new Promise<void>((resolve) => {
            server.close(() => resolve());
            server.closeAllConnections();
          }),
      ),
    );
  }

  #serve(asked: Asked): void {
    const { response } = asked;
    this.#answer(asked).catch(() => {
      // Nothing of what failed is told to who asks.
      if (response.headersSent) response.destroy();
      else refuse(response, { status: 500, code: 'SCREEN_FAILED' });
    });
  }

  async #answer({ request, response, realm, connections }: Asked): Promise<void> {
    const { clients, routes } = this.#parts;
    const client = clients.of(request, realm);
    response.once('close', connections.asks(request.socket, client !== null));
    if (!this.#isAdmitted(request, realm, client))
      return refuse(response, { status: 429, code: 'SCREEN_BUSY' });
    const refusal = refusalOf(request, realm);
    if (refusal !== null) return refuse(response, refusal);
    const url = URL.parse(request.url ?? '/', `${realm.scheme}://${request.headers.host}`);
    if (url === null) return refuse(response, { status: 400, code: 'SCREEN_MALFORMED' });
    if (Routes.has(url.pathname)) return routes.answer({ request, response, url, realm, client });
    this.#file(url.pathname, request, response, realm);
  }

  #isAdmitted({ socket, url = '/' }: IncomingMessage, { kind }: Realm, client: Client | null): boolean {
    if (client !== null) return client.requests.take();
    // The display itself is a stranger until it has the page: others, who share its address, must not keep it from that.
    if (kind === 'display' && this.#files.has(url)) return true;
    return this.#parts.clients.admitsStranger(socket.remoteAddress ?? '');
  }

  /** The page itself says nothing of anybody, so that who is to be paired may have it. */
  #file(path: string, request: IncomingMessage, response: ServerResponse, realm: Realm): void {
    const file = this.#files.get(path);
    if (file === undefined || request.method !== 'GET') {
      const isMissing = path === '/' && !this.hasPage;
      const missing = { status: 503, code: 'SCREEN_PAGE_MISSING' };
      refuse(response, isMissing ? missing : { status: 404, code: 'SCREEN_NOT_FOUND' });
      return;
    }
    const cookie = cookieFor(DISPLAY_COOKIE, this.#parts.clients.displaySecret);
    const headers = {
      'content-type': file.type,
      ...(file.isPacked && { 'content-encoding': 'gzip' }),
      ...(file.isImmutable && { 'cache-control': 'public, max-age=31536000, immutable' }),
      ...(path === '/' && realm.kind === 'display' && { 'set-cookie': cookie }),
    };
    reply(response, 200, headers, file.body);
  }

  async #listen(server: Server, port: number, host: string): Promise<number> {
    const actual = await listening(server, port, host, {
      code: 'SCREEN_PORT',
      message: 'The page of the screen cannot be served',
      field: '--screen',
    });
    this.#servers.push(server);
    return actual;
  }
}

function certificateOf({ cert, key }: NonNullable<ScreenSettings['network']>): { cert: Buffer; key: Buffer } {
  try {
    return { cert: readFileSync(cert), key: readFileSync(key) };
  } catch (cause) {
    throw new SpikescopeError('SCREEN_CERTIFICATE', 'The certificate for the screen cannot be read', {
      field: 'screen',
      expected: 'a certificate and its key, PEM',
      received: cause instanceof Error ? cause.message : String(cause),
      remedy: 'name both under `screen`, `network` in the configuration, readable for the service',
      cause,
    });
  }
}
