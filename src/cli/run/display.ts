import { resultSchema } from '../../telehealth/result.ts';
import { note, print } from '../console.ts';
import { cardOf } from './card.ts';

/** Shows results as a subscriber receives them, each once. */
export class ResultDisplay {
  readonly #json: boolean;
  /** Recorded and not yet received. */
  readonly #expected = new Set<string>();
  #shown = 0;
  #onShown: () => void = () => {};

  constructor({ json }: { json: boolean }) {
    this.#json = json;
  }

  /** Results that were recorded and have not been received. */
  get expected(): number {
    return this.#expected.size;
  }

  /** Says that this result is on its way. */
  expect(id: string): void {
    this.#expected.add(id);
  }

  /** Shows a message; repeats of a result, and results of an earlier run, are left out. */
  show(payload: string): void {
    const parsed = resultSchema.safeParse(parseJson(payload));
    if (!parsed.success) {
      note('A message on the result topic is not a result of this version');
      return;
    }
    if (!this.#expected.delete(parsed.data.id)) return;
    this.#shown++;
    print(this.#json ? payload : cardOf(parsed.data, this.#shown));
    this.#onShown();
  }

  /** Waits until no more than `remaining` results are expected, and gives up after `patience` ms without progress. */
  async settle(remaining: number, patience: number): Promise<void> {
    while (this.#expected.size > remaining) {
      const before = this.#expected.size;
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, patience);
        this.#onShown = () => {
          clearTimeout(timer);
          resolve();
        };
      });
      if (this.#expected.size === before) return;
    }
  }
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
