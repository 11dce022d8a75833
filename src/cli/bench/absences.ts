import { SpikescopeError } from '../../errors.ts';
import { note } from '../../ui/terminal/console.ts';

/** Peers and figures that cannot be had here, each with the reason, said once as it turns out. */
export class Absences {
  readonly #reasons = new Map<string, string>();

  get reasons(): Readonly<Record<string, string>> {
    return Object.fromEntries(this.#reasons);
  }

  readonly leaveOut = (name: string, reason: string): void => {
    if (this.#reasons.has(name)) return;
    note(`${name} is not measured: ${reason}`);
    this.#reasons.set(name, reason);
  };

  /** What is measured, or null where a typed fault stands in the way. */
  async unless<T>(name: string, measure: () => Promise<T>): Promise<T | null> {
    try {
      return await measure();
    } catch (error) {
      if (!(error instanceof SpikescopeError)) throw error;
      this.leaveOut(name, error.message);
      return null;
    }
  }
}
