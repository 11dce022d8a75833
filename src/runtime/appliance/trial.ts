import { statSync } from 'node:fs';
import { describeError } from '../../errors.ts';
import type { Result } from '../../telehealth/result.ts';
import type { Activation } from '../../updates/install/activation.ts';
import { installedFile } from '../../updates/install/installed.ts';

export interface TrialOptions {
  readonly activation: Activation;
  /** The data folder. */
  readonly data: string;
  /** Rejects where the device is not in health. */
  readonly check: () => Promise<void>;
  /** Whether a patient's captures may go on. */
  readonly isSessionOpen: () => boolean;
  /** Ends this program, for somebody who starts it again; null where nobody does. */
  readonly restart: (() => void) | null;
  readonly say: (line: string) => void;
  /** Milliseconds from one look at what is installed to the next. Default 5 s. */
  readonly interval?: number;
}

/** Counts what ends the trial of a release well, and looks whether a start is due to bring another one into use. */
export class Trial {
  readonly #options: TrialOptions;
  #last: Promise<void> = Promise.resolve();
  #timers: NodeJS.Timeout[] = [];
  /** When the books were changed as they were looked at last: the first look is one in any case. */
  #seen = -1;
  #isDue = false;
  #isSaid = false;

  constructor(options: TrialOptions) {
    this.#options = options;
  }

  start(): void {
    const { activation, check, interval = 5_000 } = this.#options;
    const healthy = async () => {
      if (!activation.isTrial) return;
      await check();
      await activation.healthyFor(activation.healthDue);
    };
    this.#timers = [
      // Where it is not in health then, it may be later.
      setInterval(() => this.#then(healthy), activation.healthDue).unref(),
      setInterval(() => this.#then(() => this.#look()), interval).unref(),
    ];
  }

  /** A capture is in the journal. It counts where the model gave a reading, whatever that says of the frame. */
  recorded({ fault }: Pick<Result, 'fault'>): void {
    if (fault === undefined) this.#then(() => this.#options.activation.captureSucceeded());
  }

  /** The appliance has ended as it should. */
  async endedInOrder(): Promise<void> {
    this.#then(() => this.#options.activation.orderlyEnd());
    await this.stop();
  }

  async stop(): Promise<void> {
    for (const timer of this.#timers) clearInterval(timer);
    await this.#last;
  }

  async #look(): Promise<void> {
    const { activation, isSessionOpen, restart, say } = this.#options;
    const changed = this.#changedAt();
    if (changed !== this.#seen) this.#isDue = await activation.isRestartDue();
    this.#seen = changed;
    if (!this.#isDue) {
      this.#isSaid = false;
      return;
    }
    if (restart === null) {
      if (!this.#isSaid) say('What is installed has changed, and comes into use with the next start');
      this.#isSaid = true;
    } else if (!isSessionOpen()) {
      say('What is installed has changed: the program ends, to come into use with a new start');
      this.#isDue = false;
      restart();
    }
  }

  #changedAt(): number {
    return statSync(installedFile(this.#options.data), { throwIfNoEntry: false })?.mtimeMs ?? 0;
  }

  /** One after the other. What cannot be kept is said: the readings go on. */
  #then(action: () => Promise<void>): void {
    this.#last = this.#last.then(action).catch((error: unknown) => this.#options.say(describeError(error)));
  }
}
