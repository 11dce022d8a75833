import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { isWished, wish } from '../../../updates/pull/wish.ts';
import { isUnderWay } from '../../../updates/updates.ts';

/** What came of asking for an update. */
export type Asked = 'asked' | 'not-configured' | 'busy';

export interface AskOptions {
  /** The data folder that is in use. */
  readonly data: string;
  /** The configuration's file, whose section `updates` names where releases come from; null where none does. */
  readonly configuration: string | null;
  /** How `provision pull` is begun: as a process, or by the unit that watches for a wish. */
  readonly by: 'process' | 'unit';
}

const PROGRAM = fileURLToPath(new URL('../../../../bin/spikescope.mjs', import.meta.url));

/**
 * Asks for a pull, in a process of its own that the end of this one does not end. Where systemd supervises, a child would
 * share the service's limits of memory and be ended with it: there a file is written, at whose sight another unit starts the
 * pull (spikescope-update.path). Where releases come from is the configuration's alone to say.
 */
export class UpdateRequest {
  readonly #options: AskOptions;
  #isRunning = false;

  constructor(options: AskOptions) {
    this.#options = options;
  }

  async ask(): Promise<Asked> {
    const { data, configuration, by } = this.#options;
    if (configuration === null) return 'not-configured';
    if (this.#isRunning || isWished(data) || isUnderWay(data)) return 'busy';
    if (by === 'unit') await wish(data);
    else this.#start(configuration);
    return 'asked';
  }

  #start(configuration: string): void {
    const { data } = this.#options;
    const { NOTIFY_SOCKET: _, WATCHDOG_USEC: __, WATCHDOG_PID: ___, ...environment } = process.env;
    const words = ['provision', 'pull', '--now', '--config', configuration, '--data', data];
    const child = spawn(process.execPath, [PROGRAM, ...words], {
      detached: true,
      stdio: 'ignore',
      env: environment,
    });
    this.#isRunning = true;
    const ended = (): void => {
      this.#isRunning = false;
    };
    child.once('error', ended);
    child.once('exit', ended);
    child.unref();
  }
}
