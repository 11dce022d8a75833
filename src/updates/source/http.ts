import { RefusedError, reasonOf, UsageError } from '../../errors.ts';
import { type Opened, type Source, sourceFault } from './source.ts';

export interface HttpOptions {
  /** Milliseconds for an answer to begin. */
  readonly patience?: number;
  /** Milliseconds between two pieces of an answer. */
  readonly stall?: number;
}

const PATIENCE = 30_000;
const STALL = 30_000;
/** With which servers, and proxies before them, say that another time may do. */
const BUSY: ReadonlySet<number> = new Set([408, 425, 429, 502, 503, 504]);

/**
 * A repository on a static web server. It need not be trusted, nor its certificate: what it says is verified all the same,
 * and no more is taken from it than was asked for. Redirections are not followed: they could lead into the local network.
 */
export class HttpSource implements Source {
  readonly kind = 'http';
  readonly #base: URL;
  readonly #options: HttpOptions;

  /** @throws UsageError `SOURCE_URL` */
  constructor(address: string, options: HttpOptions = {}) {
    const base = URL.canParse(address) ? new URL(address) : null;
    if (
      base === null ||
      !['http:', 'https:'].includes(base.protocol) ||
      base.search !== '' ||
      base.hash !== ''
    ) {
      throw new UsageError('SOURCE_URL', 'This is no address of a repository', {
        field: '--from',
        expected: 'a folder, or an address such as https://updates.example/spikescope',
        received: address,
      });
    }
    if (!base.pathname.endsWith('/')) base.pathname += '/';
    this.#base = base;
    this.#options = options;
  }

  /** Without what may stand in it of a user and a password. */
  describe(): string {
    return this.#base.origin + this.#base.pathname;
  }

  async open(name: readonly string[], from: number): Promise<Opened | null> {
    const url = new URL(name.map(encodeURIComponent).join('/'), this.#base);
    const stop = new AbortController();
    const response = await within(
      this.#options.patience ?? PATIENCE,
      stop,
      url,
      this.#request(url, from, stop),
    );
    if (response.status === 404 || response.status === 403 || response.status === 410) {
      stop.abort();
      return null;
    }
    if (BUSY.has(response.status)) {
      stop.abort();
      const received = `status ${response.status}`;
      throw sourceFault('SOURCE_UNREACHABLE', 'The server has no time now', url.href, received);
    }
    const begins = beginningOf(response, from);
    if (begins === null || response.body === null) {
      stop.abort();
      throw new RefusedError('SOURCE_ANSWER', 'The server does not answer as a static web server does', {
        file: url.href,
        expected: from > 0 ? `status 200, or 206 from byte ${from} on` : 'status 200',
        received: `status ${response.status}${contentRange(response)}`,
        remedy: 'look at the server’s log; redirections are not followed',
      });
    }
    // Taken now: Node ends a body that nobody reads once its response is collected, and a taker may have much to do first.
    const reader = response.body.getReader();
    return { from: begins, pieces: this.#piecesOf(reader, url, stop) };
  }

  async #request(url: URL, from: number, stop: AbortController): Promise<Response> {
    const { username, password } = this.#base;
    const target = new URL(url);
    target.username = '';
    target.password = '';
    const credentials = `${decodeURIComponent(username)}:${decodeURIComponent(password)}`;
    const headers = {
      'Accept-Encoding': 'identity',
      ...(from > 0 && { Range: `bytes=${from}-` }),
      ...(username !== '' && { Authorization: `Basic ${Buffer.from(credentials).toString('base64')}` }),
    };
    return fetch(target, { headers, redirect: 'manual', signal: stop.signal });
  }

  async *#piecesOf(
    reader: ReadableStreamDefaultReader<Uint8Array>,
    url: URL,
    stop: AbortController,
  ): AsyncGenerator<Uint8Array> {
    try {
      for (;;) {
        const { done, value } = await within(this.#options.stall ?? STALL, stop, url, reader.read());
        if (done) return;
        yield value;
      }
    } finally {
      // Also where the taker has had enough: the rest is not waited for.
      stop.abort();
    }
  }
}

/** Where an answer begins; null for one that cannot be used. */
function beginningOf(response: Response, from: number): number | null {
  if (response.status === 200) return 0;
  if (response.status !== 206 || from === 0) return null;
  const [, first] = /^bytes (\d+)-\d+\/(\d+|\*)$/.exec(response.headers.get('content-range') ?? '') ?? [];
  return Number(first) === from ? from : null;
}

function contentRange(response: Response): string {
  const range = response.headers.get('content-range');
  return range === null ? '' : `, content-range ${range}`;
}

async function within<T>(
  milliseconds: number,
  stop: AbortController,
  url: URL,
  promised: Promise<T>,
): Promise<T> {
  let isLate = false;
  const timer = setTimeout(() => {
    isLate = true;
    stop.abort();
  }, milliseconds);
  try {
    return await promised;
  } catch (cause) {
    const reason = cause instanceof Error && cause.cause instanceof Error ? cause.cause : cause;
    const received = isLate ? `nothing for ${milliseconds / 1000} s` : reasonOf(reason);
    throw sourceFault('SOURCE_UNREACHABLE', 'The server cannot be read', url.href, received, cause);
  } finally {
    clearTimeout(timer);
  }
}
