import { SpikescopeError } from '../../errors.ts';
import type { Command, CommandAnswer, CommandHandler } from '../../telehealth/commands/command.ts';
import type { Result } from '../../telehealth/result.ts';

/** What a status command is told. */
export type StatusReport = NonNullable<Extract<CommandAnswer, { outcome: 'done' }>['data']>;

export interface CommandsOptions {
  readonly status: () => StatusReport;
}

const CAPTURE_TIMEOUT = 30_000;

/** Commands as far as the appliance can do them today: a capture now, and how it is. */
export class ApplianceCommands implements CommandHandler {
  readonly #options: CommandsOptions;
  /** Captures that were asked for and have not begun. */
  #asked: ((result: Result) => void)[] = [];
  /** Those that the capture in hand is for. */
  #inHand: ((result: Result) => void)[] = [];
  #ring: () => void = () => {};

  constructor(options: CommandsOptions) {
    this.#options = options;
  }

  async handle(command: Command): Promise<CommandAnswer> {
    switch (command.name) {
      case 'capture': {
        const { id, accepted, diagnosis } = await this.#capture();
        return { outcome: 'done', data: { result: id, accepted, diagnosis } };
      }
      case 'status':
        return { outcome: 'done', data: this.#options.status() };
      default:
        return { outcome: 'failed', code: 'COMMAND_UNSUPPORTED' };
    }
  }

  /** The pause between two captures: ends early when one is asked for. */
  async pause(milliseconds: number, signal: AbortSignal): Promise<void> {
    if (this.#asked.length === 0 && milliseconds > 0 && !signal.aborted) {
      await new Promise<void>((resolve) => {
        const end = (): void => {
          clearTimeout(timer);
          signal.removeEventListener('abort', end);
          this.#ring = () => {};
          resolve();
        };
        const timer = setTimeout(end, milliseconds);
        signal.addEventListener('abort', end);
        this.#ring = end;
      });
    }
    this.#inHand.push(...this.#asked.splice(0));
  }

  /** A capture is in the journal. */
  recorded(result: Result): void {
    for (const answer of this.#inHand.splice(0)) answer(result);
  }

  #capture(): Promise<Result> {
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        reject(new SpikescopeError('CAPTURE_TIMEOUT', 'No frame came within half a minute'));
      }, CAPTURE_TIMEOUT);
      timer.unref();
      this.#asked.push((result) => {
        clearTimeout(timer);
        resolve(result);
      });
      this.#ring();
    });
  }
}
