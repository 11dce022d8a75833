/**
 * A device that only the page talks to: the paths, headers and replies of the contract, states as a test sets them, frames
 * as a test lets them flow. It knows nothing of a page, and takes no command that the contract has not.
 */
import { readFile } from 'node:fs/promises';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import path from 'node:path';
import {
  type CommandReply,
  commandSchema,
  type HistoryPage,
  type ScreenCommand,
  type ScreenState,
  stateSchema,
} from '../../../../src/ui/web/contract.ts';
import { type Exposure, FRAME_HEADERS, PATHS, TOKEN_HEADER } from '../../../../src/ui/web/words.ts';
import { RESULT, restingState } from './states.ts';

const PAGE = path.resolve('dist/ui/web/page');
const TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.json': 'application/json',
  '.svg': 'image/svg+xml',
};
/** As strict as a page can be served: whatever needs more fails here. */
export const POLICY =
  "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; base-uri 'none'; " +
  "form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'";
const TOKEN = 'token-of-this-start';

export interface Frames {
  /** JPEG. */
  pictures: readonly Buffer[];
  /** Milliseconds between two; Infinity: the camera has stopped. */
  every: number;
  focus: number;
  exposure: Exposure;
}

export class FakeDevice {
  readonly url: string;
  readonly commands: ScreenCommand[] = [];
  readonly frames: Frames;
  history: HistoryPage = { entries: [], next: null };
  searched: string[] = [];
  isPairing = false;
  /** What becomes of a command; done without it. */
  onCommand: (command: ScreenCommand) => CommandReply | Promise<CommandReply> | undefined = () => undefined;
  readonly #server: Server;
  readonly #streams = new Set<ServerResponse>();
  readonly #startedAt = performance.now();
  #state = restingState();
  #hangs = false;
  #frozenAt: { readonly id: number; readonly at: number } | null = null;

  private constructor(server: Server, pictures: readonly Buffer[]) {
    this.#server = server;
    this.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
    this.frames = { pictures, every: 50, focus: 1.4, exposure: 'good' };
    this.reset();
    server.on('request', (request, response) => void this.#answer(request, response));
  }

  static async start(pictures: readonly Buffer[]): Promise<FakeDevice> {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    return new FakeDevice(server, pictures);
  }

  get state(): ScreenState {
    return this.#state;
  }

  /** Tells a new state to every page that listens. */
  tell(state: ScreenState): void {
    this.#state = stateSchema.parse({ ...state, sequence: this.#state.sequence + 1 });
    for (const stream of this.#streams) stream.write(this.#event());
  }

  /** As it was started, but for its state. */
  reset(): void {
    this.commands.length = 0;
    this.searched.length = 0;
    this.history = { entries: [], next: null };
    this.onCommand = () => undefined;
    this.#frozenAt = null;
    this.#hangs = false;
    Object.assign(this.frames, { every: 50, focus: 1.4, exposure: 'good' });
  }

  /** The camera gives nothing any more. */
  stall(): void {
    this.#frozenAt = this.#frame();
  }

  /** Answers nothing any more, and leaves every connection open; `reset` lets it go on. */
  hang(): void {
    this.#hangs = true;
  }

  /** Ends every stream, as a device does that dies; `listen` lets it live again. */
  cut(): void {
    for (const stream of this.#streams) stream.destroy();
    this.#server.closeAllConnections();
    this.#server.close();
  }

  async listen(): Promise<void> {
    const port = Number(new URL(this.url).port);
    await new Promise<void>((resolve) => this.#server.listen(port, '127.0.0.1', resolve));
  }

  async stop(): Promise<void> {
    for (const stream of this.#streams) stream.destroy();
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  #event(): string {
    return `event: state\ndata: ${JSON.stringify(this.#state)}\n\n`;
  }

  #frame(): { id: number; at: number } {
    if (this.#frozenAt !== null) return this.#frozenAt;
    const id = Math.floor((performance.now() - this.#startedAt) / this.frames.every);
    return { id, at: this.#startedAt + id * this.frames.every };
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { pathname, searchParams } = new URL(request.url ?? '/', this.url);
    if (this.#hangs) return;
    response.setHeader('content-security-policy', POLICY);
    response.setHeader('x-content-type-options', 'nosniff');
    response.setHeader('cache-control', 'no-store');
    switch (pathname) {
      case PATHS.start:
        return json(response, 200, {
          schema: 'spikescope/screen/1',
          token: TOKEN,
          version: '0.1.0',
          languages: ['en', 'de', 'fr', 'es', 'pt', 'sw', 'hi'],
          pairing: this.isPairing,
        });
      case PATHS.events:
        response.writeHead(200, { 'content-type': 'text/event-stream' }).write(this.#event());
        this.#streams.add(response);
        response.on('close', () => this.#streams.delete(response));
        return;
      case PATHS.state:
        return json(response, 200, this.#state);
      case PATHS.command:
        return this.#command(request, response);
      case PATHS.pair: {
        const { code } = JSON.parse(await bodyOf(request));
        this.isPairing = code !== '12345678';
        if (this.isPairing) return json(response, 403, { outcome: 'refused', code: 'SCREEN_CODE_WRONG' });
        return json(response, 200, { outcome: 'done' });
      }
      case PATHS.frame:
        return this.#sendFrame(Number(searchParams.get('after') ?? -1), response);
      case PATHS.frozen:
        response.writeHead(200, {
          'content-type': 'image/jpeg',
          [FRAME_HEADERS.result]: this.#state.reading?.result ?? RESULT,
          [FRAME_HEADERS.square]: '75,0,450,450',
        });
        response.end(this.frames.pictures[0]);
        return;
      case PATHS.saliency:
        return json(response, 200, saliencyOf(this.#state.reading?.result ?? RESULT));
      case PATHS.history:
        this.searched.push(searchParams.get('find') ?? '');
        return json(response, 200, this.history);
      default:
        return sendFile(pathname, response);
    }
  }

  async #command(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const isAllowed =
      request.method === 'POST' &&
      request.headers[TOKEN_HEADER] === TOKEN &&
      request.headers['content-type'] === 'application/json';
    const command = commandSchema.safeParse(JSON.parse(await bodyOf(request)));
    if (!isAllowed) return json(response, 403, { outcome: 'refused', code: 'SCREEN_DENIED' });
    if (!command.success) return json(response, 400, { outcome: 'refused', code: 'SCREEN_MALFORMED' });
    this.commands.push(command.data);
    const reply = (await this.onCommand(command.data)) ?? { outcome: 'done' };
    const status = { done: 200, failed: 409, refused: 403 }[reply.outcome];
    json(response, status, reply);
  }

  async #sendFrame(after: number, response: ServerResponse): Promise<void> {
    const until = performance.now() + 300;
    let frame = this.#frame();
    while (frame.id <= after && performance.now() < until) {
      await new Promise((resolve) => setTimeout(resolve, 5));
      frame = this.#frame();
    }
    const age = performance.now() - frame.at;
    if (this.#state.viewfinder.state === 'absent')
      return json(response, 503, { code: 'FRAME_ABSENT', age: null });
    if (frame.id <= after || age > 500) return json(response, 503, { code: 'FRAME_STALE', age });
    const { pictures, focus, exposure } = this.frames;
    response.writeHead(200, {
      'content-type': 'image/jpeg',
      [FRAME_HEADERS.id]: String(frame.id),
      [FRAME_HEADERS.time]: new Date().toISOString(),
      [FRAME_HEADERS.age]: age.toFixed(1),
      [FRAME_HEADERS.focus]: String(focus),
      [FRAME_HEADERS.exposure]: exposure,
      [FRAME_HEADERS.field]: '0.5,0.5,0.36',
    });
    response.end(pictures[frame.id % pictures.length]);
  }
}

function json(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
}

async function bodyOf(request: IncomingMessage): Promise<string> {
  const parts: Buffer[] = [];
  for await (const part of request) parts.push(part);
  return Buffer.concat(parts).toString('utf8');
}

async function sendFile(pathname: string, response: ServerResponse): Promise<void> {
  const file = path.join(PAGE, pathname === '/' ? 'index.html' : path.normalize(pathname));
  try {
    const bytes = await readFile(file);
    response.writeHead(200, { 'content-type': TYPES[path.extname(file)] ?? 'text/plain' }).end(bytes);
  } catch {
    response.writeHead(404).end();
  }
}

/** A hill a little off the middle. */
function saliencyOf(result: string) {
  const side = 16;
  const values = Array.from({ length: side * side }, (_, i) => {
    const [x, y] = [(i % side) - 8.5, Math.floor(i / side) - 7];
    return Math.exp(-(x * x + y * y) / 18);
  });
  return {
    ...{ result, code: 'mel', width: 600, height: 450, square: { x: 75, y: 0, side: 450 } },
    ...{ rows: side, columns: side, values },
  };
}
