import type { ClassTables } from '../../model/bundle/class-table.ts';
import { type Result, resultSchema } from '../../telehealth/result.ts';
import { note, print } from './console.ts';
import { cardOf } from './result-text.ts';

/** Repeats come within the messages in flight; more than this many results later, none does. */
const REMEMBERED = 4096;

export interface DisplayOptions {
  readonly json: boolean;
  /** Whether this is, byte for byte, a result of this device. */
  readonly isOwn: (id: string, payload: string) => boolean;
  /** The same as the journal has it, which may say more; null where it has none. */
  readonly recorded: (id: string) => string | null;
  readonly classTables: ClassTables;
}

/** Shows results as a subscriber receives them, each once. */
export class ResultDisplay {
  readonly #options: DisplayOptions;
  readonly #shown = new Set<string>();
  readonly #awaited = new Set<string>();
  #count = 0;
  readonly #waiters = new Set<() => void>();

  constructor(options: DisplayOptions) {
    this.#options = options;
  }

  /** Results that the broker has acknowledged and not delivered here; counted up to a bound. */
  get missing(): number {
    return this.#awaited.size;
  }

  /** Says that the broker has this result, so that it must come. */
  acknowledged(id: string): void {
    if (!this.#shown.has(id)) remember(this.#awaited, id);
  }

  /** Shows a message; repeats of a result, and what is no result of this device, are left out. */
  show(payload: string): void {
    const parsed = resultSchema.safeParse(parseJson(payload));
    if (!parsed.success || !this.#options.isOwn(parsed.data.id, payload)) {
      note('A message on the result topic is not a result of this device');
      return;
    }
    const { id } = parsed.data;
    this.#awaited.delete(id);
    if (!this.#shown.has(id)) {
      remember(this.#shown, id);
      this.#count++;
      print(this.#options.json ? payload : this.#card(this.#recorded(parsed.data)));
    }
    for (const notify of this.#waiters) notify();
  }

  /** What the device knows of a result, also where its receivers are told less. */
  #recorded(received: Result): Result {
    const payload = this.#options.recorded(received.id);
    const parsed = payload === null ? null : resultSchema.safeParse(parseJson(payload));
    return parsed?.success ? parsed.data : received;
  }

  #card(result: Result): string {
    return cardOf(result, this.#count, this.#options.classTables(result.model.digest));
  }

  /**
   * Shows a result that is not back from the broker yet, so that nobody waits for it before the device. With `json`
   * nothing: there each line is a message as received.
   */
  showEarly(payload: string): void {
    if (!this.#options.json) this.show(payload);
  }

  /** Shows results that the broker has and did not bring back, each once; they still count as missing. */
  showMissing(payloadOf: (id: string) => string | null): void {
    for (const id of [...this.#awaited]) {
      const payload = payloadOf(id);
      if (payload === null) continue;
      this.show(payload);
      remember(this.#awaited, id);
    }
  }

  /** Resolves when a result has been shown, or after `patience` ms. */
  async shown(id: string, patience: number): Promise<void> {
    const deadline = performance.now() + patience;
    while (!this.#shown.has(id)) {
      const left = deadline - performance.now();
      if (left <= 0 || !(await this.#notified(left))) return;
    }
  }

  /** Waits until nothing is missing, and gives up after `patience` ms without progress. */
  async settle(patience: number): Promise<void> {
    while (this.#awaited.size > 0) {
      const before = this.#awaited.size;
      await this.#notified(patience);
      if (this.#awaited.size === before) return;
    }
  }

  /** Resolves at the next message, with true, or after `patience` ms, with false. */
  #notified(patience: number): Promise<boolean> {
    return new Promise((resolve) => {
      const settle = (isRung: boolean): void => {
        clearTimeout(timer);
        this.#waiters.delete(notify);
        resolve(isRung);
      };
      const notify = (): void => settle(true);
      const timer = setTimeout(() => settle(false), patience);
      this.#waiters.add(notify);
    });
  }
}

/** Adds an identifier and forgets the oldest where there are too many. */
function remember(ids: Set<string>, id: string): void {
  ids.add(id);
  if (ids.size <= REMEMBERED) return;
  for (const oldest of ids) {
    ids.delete(oldest);
    return;
  }
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
