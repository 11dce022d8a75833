/** The device behind the page: its state as it streams in, and what it can be asked to do. */
import type {
  CommandReply,
  HistoryPage,
  SaliencyOverlay,
  ScreenCommand,
  ScreenStart,
  ScreenState,
} from '../../contract.ts';
import { PATHS, TOKEN_HEADER } from '../../words.ts';

/** Milliseconds that a command may take; a scan waits for somebody to hold a code before the camera. */
const PATIENCE = { command: 8_000, scan: 25_000, state: 3_000 };
/** Milliseconds without a word after which the device is asked whether it is there. */
const SILENCE = 6_000;
/** Milliseconds between attempts to reach a device that is away. */
const RETRY_AFTER = 1_000;

/** Of a reply that never came; no device says it. */
export const NO_ANSWER = 'NO_ANSWER';

export type Link = 'connecting' | 'open' | 'lost' | 'unpaired';

export interface DeviceView {
  readonly link: Link;
  readonly state: ScreenState | null;
  readonly version: string;
  /** Milliseconds of the page's own clock at which the device was last heard. */
  readonly heardAt: number;
}

export class Device {
  #view: DeviceView = { link: 'connecting', state: null, version: '', heardAt: performance.now() };
  #token = '';
  #stream: EventSource | null = null;
  #retry: ReturnType<typeof setTimeout> | undefined;
  #watch: ReturnType<typeof setInterval> | undefined;
  readonly #listeners = new Set<(view: DeviceView) => void>();

  get view(): DeviceView {
    return this.#view;
  }

  onChange(listener: (view: DeviceView) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Fetches the token of the device's present start and opens the stream; tries again until that works. */
  async connect(): Promise<void> {
    clearTimeout(this.#retry);
    clearInterval(this.#watch);
    this.#stream?.close();
    try {
      const response = await fetch(PATHS.start, { signal: AbortSignal.timeout(PATIENCE.command) });
      if (!response.ok) throw new Error(`start: ${response.status}`);
      const start: ScreenStart = await response.json();
      this.#token = start.token;
      this.#change({ version: start.version });
      if (start.pairing) this.#change({ link: 'unpaired' });
      else this.#listen();
    } catch {
      this.#lose();
    }
  }

  #listen(): void {
    const stream = new EventSource(PATHS.events);
    this.#stream = stream;
    this.#watch = setInterval(() => void this.#look(), SILENCE);
    stream.addEventListener('state', (event: MessageEvent<string>) => {
      const state: ScreenState = JSON.parse(event.data);
      this.#change({ state, link: 'open', heardAt: performance.now() });
    });
    stream.addEventListener('error', () => this.#lose());
  }

  /** A device that hangs keeps its stream open and says nothing, as one does of which nothing changes. */
  async #look(): Promise<void> {
    if (performance.now() - this.#view.heardAt < SILENCE) return;
    const state = await this.#get<ScreenState>(PATHS.state, PATIENCE.state);
    if (state !== null) this.#change({ state, heardAt: performance.now() });
    else if (this.#view.link === 'open') this.#lose();
  }

  #lose(): void {
    clearInterval(this.#watch);
    this.#stream?.close();
    if (this.#view.link !== 'lost') this.#change({ link: 'lost' });
    clearTimeout(this.#retry);
    this.#retry = setTimeout(() => void this.connect(), RETRY_AFTER);
  }

  #change(part: Partial<DeviceView>): void {
    this.#view = { ...this.#view, ...part };
    for (const listener of this.#listeners) listener(this.#view);
  }

  /** Never rejects: a device that does not answer is told as a failure. */
  async command(command: ScreenCommand): Promise<CommandReply> {
    const patience = command.command === 'scan' ? PATIENCE.scan : PATIENCE.command;
    return this.#post(PATHS.command, command, patience);
  }

  async pair(code: string): Promise<CommandReply> {
    const reply = await this.#post(PATHS.pair, { code }, PATIENCE.command);
    if (reply.outcome === 'done') await this.connect();
    return reply;
  }

  async #post(path: string, body: unknown, patience: number): Promise<CommandReply> {
    try {
      const response = await fetch(path, {
        method: 'POST',
        headers: { 'content-type': 'application/json', [TOKEN_HEADER]: this.#token },
        body: JSON.stringify(body),
        signal: AbortSignal.timeout(patience),
      });
      const reply: CommandReply = await response.json();
      return reply;
    } catch {
      return { outcome: 'failed', code: NO_ANSWER };
    }
  }

  /** A page of past readings; null where the device does not give it. */
  async history(find: string, before: number | null): Promise<HistoryPage | null> {
    const query = new URLSearchParams({ limit: '30' });
    if (find !== '') query.set('find', find);
    if (before !== null) query.set('before', String(before));
    return this.#get<HistoryPage>(`${PATHS.history}?${query}`);
  }

  async saliency(): Promise<SaliencyOverlay | null> {
    return this.#get<SaliencyOverlay>(PATHS.saliency);
  }

  async #get<Answer>(path: string, patience = PATIENCE.command): Promise<Answer | null> {
    try {
      const response = await fetch(path, { signal: AbortSignal.timeout(patience) });
      if (!response.ok) return null;
      const answer: Answer = await response.json();
      return answer;
    } catch {
      return null;
    }
  }
}
