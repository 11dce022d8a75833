/** What to undo at the end, last added first; each is tried whatever becomes of the others. */
export class Cleanup {
  readonly #actions: (() => void | Promise<void>)[] = [];

  add(action: () => void | Promise<void>): void {
    this.#actions.push(action);
  }

  /** Rejects with the first error, after every action has been tried. */
  async run(): Promise<void> {
    const errors: unknown[] = [];
    for (const action of this.#actions.reverse()) {
      try {
        await action();
      } catch (error) {
        errors.push(error);
      }
    }
    if (errors.length > 0) throw errors[0];
  }
}
