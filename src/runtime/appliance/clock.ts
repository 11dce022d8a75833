import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { promisify } from 'node:util';
import type { ClockState } from '../../telehealth/clock.ts';

/** No device of this kind is older than this version of its program. */
export const EARLIEST_TIME = Date.UTC(2026, 0, 1);

/** systemd-timesyncd makes it when a server has told it the time. */
const SYNCHRONISED_FILE = '/run/systemd/timesync/synchronized';
/** Milliseconds; the start of the device waits for the first answer. */
const PATIENCE = 2_000;
const INTERVAL = 30_000;

/** What the system says of its clock. */
export type SystemClock = () => Promise<'synchronised' | 'unsynchronised' | 'unknown'>;

/** As systemd knows it: by the file of its own service, or by the kernel's flag, which other services set too. */
export const askSystem: SystemClock = async () => {
  if (existsSync(SYNCHRONISED_FILE)) return 'synchronised';
  const answer = await promisify(execFile)('timedatectl', ['show', '--property=NTPSynchronized', '--value'], {
    timeout: PATIENCE,
    killSignal: 'SIGKILL',
  }).then(
    ({ stdout }) => stdout.trim(),
    () => '',
  );
  if (answer === 'yes') return 'synchronised';
  return answer === 'no' ? 'unsynchronised' : 'unknown';
};

export interface ClockOptions {
  /** ISO 8601; time of what is recorded last: the clock cannot be before it. */
  readonly notBefore?: string;
  readonly ask?: SystemClock;
  /** Milliseconds since 1970 by the device's clock. */
  readonly now?: () => number;
  /** Called when what is known has changed. */
  readonly onChange?: () => void;
}

/** What is known of the device's clock: asked at the start, and again until a time source has set it. */
export class DeviceClock {
  readonly #options: ClockOptions;
  readonly #notBefore: number;
  #told: ClockState = 'unknown';
  #timer: NodeJS.Timeout | undefined;
  #isStopped = false;

  constructor(options: ClockOptions = {}) {
    this.#options = options;
    const recorded = Date.parse(options.notBefore ?? '');
    this.#notBefore = Math.max(EARLIEST_TIME, Number.isNaN(recorded) ? 0 : recorded);
  }

  get state(): ClockState {
    if (this.#told === null) return null;
    const now = this.#options.now?.() ?? Date.now();
    return now < this.#notBefore ? 'unsynchronised' : this.#told;
  }

  /** Asks, and goes on asking by itself while that can change anything. */
  async start(): Promise<void> {
    await this.look();
    const again = (): void => {
      if (this.#told === null || this.#isStopped) return;
      this.#timer = setTimeout(() => void this.look().finally(again), INTERVAL);
      this.#timer.unref();
    };
    again();
  }

  stop(): void {
    this.#isStopped = true;
    clearTimeout(this.#timer);
  }

  /** Asks once. */
  async look(): Promise<void> {
    const before = this.state;
    const answer = await (this.#options.ask ?? askSystem)();
    this.#told = answer === 'synchronised' ? null : answer;
    if (this.state !== before && !this.#isStopped) this.#options.onChange?.();
  }
}
