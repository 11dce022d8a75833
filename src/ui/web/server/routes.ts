/** What each path answers, once a request has come through the gate. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { z } from 'zod';
import { SpikescopeError } from '../../../errors.ts';
import { programVersion } from '../../../program-version.ts';
import type { Journal } from '../../../store/journal.ts';
import { type CommandReply, commandSchema, SCREEN_SCHEMA, type ScreenStart } from '../contract.ts';
import { LANGUAGES, PATHS, TOKEN_HEADER } from '../words.ts';
import { type Client, type Clients, may, PAIRED_COOKIE } from './clients.ts';
import type { ScreenCommands } from './commands.ts';
import { historyOf } from './history.ts';
import { jsonBody } from './http/body.ts';
import { cookieFor } from './http/cookies.ts';
import type { Realm } from './http/gate.ts';
import { type Refusal, refuse, reply, replyJson } from './http/reply.ts';
import type { Pairing } from './pairing.ts';
import type { FrozenFrame } from './pixels/frozen.ts';
import type { Viewfinder } from './pixels/viewfinder.ts';
import type { ScreenStates } from './state/screen-state.ts';
import type { StateStream } from './state/stream.ts';

export interface RouteParts {
  readonly clients: Clients;
  readonly commands: ScreenCommands;
  readonly states: ScreenStates;
  readonly stream: StateStream;
  readonly viewfinder: Viewfinder;
  readonly frozen: FrozenFrame;
  readonly pairing: Pairing;
  readonly journal: Journal;
}

export interface Question {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly url: URL;
  readonly realm: Realm;
  /** Null for a stranger. */
  readonly client: Client | null;
}

interface Known extends Question {
  readonly client: Client;
}

const NOT_FOUND: Refusal = { status: 404, code: 'SCREEN_NOT_FOUND' };
const DENIED: Refusal = { status: 403, code: 'SCREEN_DENIED' };
/** Seconds for which a paired device stays one: a browser forgets it after that. */
const PAIRED_FOR = 180 * 86_400;

const historyQuestion = z.object({
  before: z.coerce.number().int().min(0).default(0),
  limit: z.coerce.number().int().min(1).max(100).default(25),
  find: z.string().max(64).default(''),
});

export class Routes {
  readonly #parts: RouteParts;

  constructor(parts: RouteParts) {
    this.#parts = parts;
  }

  /** Whether a path is one of these and not a file of the page. */
  static has(path: string): boolean {
    return path.startsWith('/api/');
  }

  async answer(question: Question): Promise<void> {
    const { request, response, url, client } = question;
    const isPost = request.method === 'POST';
    if (url.pathname === PATHS.start && !isPost) return this.#start(question);
    if (url.pathname === PATHS.pair && isPost) return this.#pair(question);
    if (client === null) return refuse(response, { status: 401, code: 'SCREEN_UNPAIRED' });
    const known = { ...question, client };
    if (isPost) return url.pathname === PATHS.command ? this.#command(known) : refuse(response, NOT_FOUND);
    switch (url.pathname) {
      case PATHS.events:
        return this.#events(known);
      case PATHS.state:
        return replyJson(response, 200, this.#parts.states.of(client));
      case PATHS.frame:
        return this.#frame(known);
      case PATHS.frozen:
        return this.#frozen(known);
      case PATHS.saliency:
        return this.#saliency(known);
      case PATHS.history:
        return this.#history(known);
      default:
        return refuse(response, NOT_FOUND);
    }
  }

  #start({ response, client }: Question): void {
    const start: ScreenStart = {
      schema: SCREEN_SCHEMA,
      token: client === null ? '' : this.#parts.clients.token,
      version: programVersion(),
      languages: [...LANGUAGES],
      pairing: client === null,
    };
    replyJson(response, 200, start);
  }

  async #pair({ request, response, realm }: Question): Promise<void> {
    if (realm.kind !== 'network') return refuse(response, NOT_FOUND);
    const body = await jsonBody(request);
    if (body === 'too-large') return refuse(response, { status: 413, code: 'SCREEN_TOO_LARGE' });
    const sent =
      body === 'malformed' ? undefined : z.strictObject({ code: z.string() }).safeParse(body.document).data;
    const address = request.socket.remoteAddress ?? '';
    const secret = sent === undefined ? null : await this.#parts.pairing.complete(sent.code, address);
    if (secret === null) return refuse(response, { status: 403, code: 'SCREEN_CODE_WRONG' });
    const cookie = cookieFor(PAIRED_COOKIE, secret, { isSecure: true, maximumAge: PAIRED_FOR });
    const done = JSON.stringify({ outcome: 'done' } satisfies CommandReply);
    reply(response, 200, { 'content-type': 'application/json', 'set-cookie': cookie }, done);
  }

  async #command({ request, response, client }: Known): Promise<void> {
    const { clients, commands } = this.#parts;
    if (!clients.hasToken(request.headers[TOKEN_HEADER]))
      return refuse(response, { status: 403, code: 'SCREEN_TOKEN' });
    if (!client.commands.take()) return refuse(response, { status: 429, code: 'SCREEN_BUSY' });
    const body = await jsonBody(request);
    if (body === 'too-large') return refuse(response, { status: 413, code: 'SCREEN_TOO_LARGE' });
    const command = body === 'malformed' ? undefined : commandSchema.safeParse(body.document).data;
    if (command === undefined) return refuse(response, { status: 400, code: 'SCREEN_MALFORMED' });
    const answer = await commands.do(command, client).catch((error: unknown): CommandReply => {
      return { outcome: 'failed', code: error instanceof SpikescopeError ? error.code : 'INTERNAL' };
    });
    replyJson(response, { done: 200, failed: 409, refused: 403 }[answer.outcome], answer);
  }

  #events({ response, client }: Known): void {
    const { stream } = this.#parts;
    if (!stream.open(response, client)) refuse(response, { status: 429, code: 'SCREEN_BUSY' });
  }

  async #frame({ request, response, url, client }: Known): Promise<void> {
    if (!may(client, 'pixels')) return refuse(response, DENIED);
    const left = new AbortController();
    response.on('close', () => left.abort());
    const after = Number(url.searchParams.get('after') ?? 0);
    const shown = await this.#parts.viewfinder.frame(Number.isFinite(after) ? after : 0, left.signal);
    if (request.destroyed && left.signal.aborted) return;
    if ('code' in shown) replyJson(response, 503, shown);
    else reply(response, 200, shown.headers, shown.jpeg);
  }

  async #frozen({ response, client }: Known): Promise<void> {
    if (!may(client, 'pixels')) return refuse(response, DENIED);
    const shown = await this.#parts.frozen.frame();
    if (shown === null) refuse(response, NOT_FOUND);
    else reply(response, 200, shown.headers, shown.jpeg);
  }

  async #saliency({ response, client }: Known): Promise<void> {
    if (!may(client, 'pixels')) return refuse(response, DENIED);
    const overlay = await this.#parts.frozen.overlay();
    if (overlay === null) refuse(response, NOT_FOUND);
    else replyJson(response, 200, overlay);
  }

  async #history({ response, url, client }: Known): Promise<void> {
    if (!may(client, 'history')) return refuse(response, DENIED);
    const asked = historyQuestion.safeParse(Object.fromEntries(url.searchParams)).data;
    if (asked === undefined) return refuse(response, { status: 400, code: 'SCREEN_MALFORMED' });
    const withContext = may(client, 'context');
    replyJson(response, 200, historyOf(this.#parts.journal, { ...asked, withContext }));
  }
}
