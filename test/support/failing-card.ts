/** A card that fails when it is told to, computed by the reference interpreter or the integer engine. */
import { SpikescopeError } from '../../src/errors.ts';
import type { IntegerGraph } from '../../src/model/graph.ts';
import type { Schedule } from '../../src/runtime/engine/accelerator.ts';
import type { Backend, Engine } from '../../src/runtime/engine/contract.ts';

/** What becomes of one inference. `fails-late`: after the work is done. `oddly`: with what is no error of ours. */
export type Outcome = 'answers' | 'fails' | 'fails-late' | 'oddly' | 'lies';

export class FailingCard {
  /** What becomes of an inference of so many images. */
  outcomeOf: (count: number) => Outcome = () => 'answers';
  /** Nothing opens it, and nothing is answered. */
  isDead = false;
  /** Batch sizes that were answered, and that were not, in their order. */
  readonly answered: number[] = [];
  readonly failed: number[] = [];
  readonly #inner: Backend;
  #openEngines = 0;

  constructor(inner: Backend) {
    this.#inner = inner;
  }

  /** Opened and not closed again; a second one at a time is refused, as a card's lock does. */
  get openEngines(): number {
    return this.#openEngines;
  }

  readonly backend: Backend = {
    kind: 'akida',
    describe: () => ({ present: true, detail: 'a test’s card', deviation: null }),
    open: (graph) => this.#open(graph),
  };

  async #open(graph: IntegerGraph): Promise<Engine> {
    if (this.isDead) throw new SpikescopeError('DEVICE_DEAD', 'the card’s core is dead');
    if (this.#openEngines > 0) throw new SpikescopeError('DEVICE_BUSY', 'another engine has the card');
    this.#openEngines++;
    const engine = await this.#inner.open(graph);
    let isPoisoned = false;
    const fail = (count: number, error: unknown): never => {
      isPoisoned = true;
      this.failed.push(count);
      throw error;
    };
    return {
      backend: 'akida',
      instructionSet: 'a test’s card',
      arenaBytes: engine.arenaBytes,
      infer: async (inputs, count = 1, options) => {
        if (isPoisoned) return fail(count, new SpikescopeError('ENGINE_FAILED', 'open it anew'));
        const outcome = this.isDead ? 'fails' : this.outcomeOf(count);
        if (outcome === 'fails') return fail(count, new SpikescopeError('DEVICE_GONE', 'the card is gone'));
        if (outcome === 'oddly') return fail(count, new Error('no error of ours'));
        const inference = await engine.infer(inputs, count, options);
        if (outcome === 'fails-late') {
          return fail(count, new SpikescopeError('DEVICE_TIMEOUT', 'the card takes too long'));
        }
        this.answered.push(count);
        if (outcome === 'answers') return inference;
        return { ...inference, potentials: inference.potentials.map((value) => value + 1) };
      },
      close: async () => {
        await engine.close();
        this.#openEngines--;
      },
    };
  }
}

/** A clock that goes on when it is told to. */
export class Timers {
  #now = 0;
  readonly #due = new Map<object, { readonly at: number; readonly work: () => void }>();

  readonly schedule: Schedule = (work, milliseconds) => {
    const key = {};
    this.#due.set(key, { at: this.#now + milliseconds, work });
    return () => void this.#due.delete(key);
  };

  /** Timers that have not gone off. */
  get pending(): number {
    return this.#due.size;
  }

  advance(milliseconds: number): void {
    this.#now += milliseconds;
    for (const [key, { at, work }] of [...this.#due]) {
      if (at > this.#now) continue;
      this.#due.delete(key);
      work();
    }
  }
}
