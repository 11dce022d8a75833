import type { ServerResponse } from 'node:http';
import type { ScreenState } from '../../contract.ts';
import type { Client } from '../clients.ts';
import { beginStream } from '../http/reply.ts';
import type { Viewfinder } from '../pixels/viewfinder.ts';
import { type ScreenStates, showsTheSame } from './screen-state.ts';

/** Streams at once: of the display, and of all other devices. */
const MOST_STREAMS = 16;
/** Milliseconds between two states at least; from one look at the viewfinder to the next, and at all that changes alone. */
const PAUSE = 40;
const LOOK = 100;
const LOOK_AT_ALL = 1_000;
/** Milliseconds after which a word is said that says nothing: what listens and hears nothing takes it for lost. */
const QUIET = 10_000;
/** Bytes that may wait for a slow reader; more states are left out, the next is whole again. */
const MOST_WAITING = 262_144;

interface Stream {
  readonly response: ServerResponse;
  readonly client: Client;
  last: ScreenState | null;
  heardAt: number;
}

/** Whole states to everybody who listens: at once after a change, and then no more often than eyes follow. */
export class StateStream {
  readonly #states: ScreenStates;
  readonly #viewfinder: Pick<Viewfinder, 'state'>;
  readonly #streams = new Set<Stream>();
  #timer: NodeJS.Timeout | null = null;
  #due: NodeJS.Timeout | null = null;
  #saidAt = -Infinity;
  #seen: string | null = null;

  constructor(states: ScreenStates, viewfinder: Pick<Viewfinder, 'state'>) {
    this.#states = states;
    this.#viewfinder = viewfinder;
  }

  get listeners(): number {
    return this.#streams.size;
  }

  /** False where too many listen already. The display's newest is let in for its oldest, which a browser may have left. */
  open(response: ServerResponse, client: Client): boolean {
    const isDisplay = client.role === 'display';
    const alike = [...this.#streams].filter((each) => (each.client.role === 'display') === isDisplay);
    if (alike.length >= MOST_STREAMS) {
      if (!isDisplay) return false;
      alike[0].response.end();
      this.#left(alike[0]);
    }
    beginStream(response, 'text/event-stream');
    const stream: Stream = { response, client, last: null, heardAt: performance.now() };
    this.#streams.add(stream);
    response.on('close', () => this.#left(stream));
    response.on('error', () => this.#left(stream));
    this.#timer ??= setInterval(() => this.#look(), LOOK).unref();
    this.#tell(stream);
    return true;
  }

  /** Something may have changed. */
  changed(): void {
    if (this.#streams.size === 0 || this.#due !== null) return;
    const wait = this.#saidAt + PAUSE - performance.now();
    if (wait > 0) {
      this.#due = setTimeout(() => {
        this.#due = null;
        this.#tellAll();
      }, wait);
      this.#due.unref();
    } else this.#tellAll();
  }

  /** Ends every stream, with the last state said. */
  close(): void {
    this.#tellAll();
    for (const { response } of this.#streams) response.end();
    this.#stopTimers();
  }

  /** Ends what a device listens to that is paired no more. */
  endOf(pairing: string): void {
    for (const { client, response } of this.#streams) if (client.pairing === pairing) response.end();
  }

  /** That a view has stopped is said at once, all else that changes by itself within a second. */
  #look(): void {
    const { state } = this.#viewfinder.state;
    if (state === this.#seen && performance.now() - this.#saidAt < LOOK_AT_ALL) return;
    this.changed();
  }

  #tellAll(): void {
    this.#saidAt = performance.now();
    this.#seen = this.#viewfinder.state.state;
    for (const stream of this.#streams) this.#tell(stream);
  }

  #tell(stream: Stream): void {
    const { response, client, last } = stream;
    if (response.writableLength > MOST_WAITING) return;
    const state = this.#states.of(client);
    if (last !== null && showsTheSame(last, state)) {
      if (performance.now() - stream.heardAt < QUIET) return;
      stream.heardAt = performance.now();
      response.write(':\n\n');
      return;
    }
    stream.last = state;
    stream.heardAt = performance.now();
    response.write(`event: state\nid: ${state.sequence}\ndata: ${JSON.stringify(state)}\n\n`);
  }

  #left(stream: Stream): void {
    this.#streams.delete(stream);
    if (this.#streams.size === 0) this.#stopTimers();
  }

  #stopTimers(): void {
    if (this.#timer !== null) clearInterval(this.#timer);
    if (this.#due !== null) clearTimeout(this.#due);
    this.#timer = null;
    this.#due = null;
  }
}
