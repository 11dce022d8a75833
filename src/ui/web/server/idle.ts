import { readdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';

const BACKLIGHTS = '/sys/class/backlight';
/** Milliseconds between two looks. */
const INTERVAL = 1_000;

export interface IdleOptions {
  /** Minutes without a touch or a press after which nothing is shown; 0 for never. */
  readonly blankAfter: () => number;
  /** Whether something is going on that somebody waits for. */
  readonly isBusy: () => boolean;
  readonly onChange: () => void;
  /** Where the backlights of the machine are. Default: as Linux has them. */
  readonly backlights?: string;
  readonly now?: () => number;
}

/**
 * Blanks the display when nobody does anything, and wakes it at a touch, a press of a button or a command. The page goes
 * black; where the system lets this process switch the backlight, that goes off too.
 */
export class IdleDisplay {
  readonly #options: IdleOptions;
  #last: number;
  #isBlank = false;
  #timer: NodeJS.Timeout | undefined;

  constructor(options: IdleOptions) {
    this.#options = options;
    this.#last = this.#now();
  }

  get isBlank(): boolean {
    return this.#isBlank;
  }

  start(): void {
    this.#timer = setInterval(() => this.look(), INTERVAL);
    this.#timer.unref();
  }

  stop(): void {
    clearInterval(this.#timer);
    this.#show(true);
  }

  /** Somebody has touched or pressed something. @returns whether that was what woke it */
  active(): boolean {
    this.#last = this.#now();
    return this.#show(true);
  }

  look(): void {
    const minutes = this.#options.blankAfter();
    if (this.#options.isBusy()) this.#last = this.#now();
    if (minutes > 0 && this.#now() - this.#last >= minutes * 60_000) this.#show(false);
  }

  #show(isShown: boolean): boolean {
    if (this.#isBlank !== isShown) return false;
    this.#isBlank = !isShown;
    switchBacklights(this.#options.backlights ?? BACKLIGHTS, isShown);
    this.#options.onChange();
    return true;
  }

  #now(): number {
    return (this.#options.now ?? (() => performance.now()))();
  }
}

/** 0 is on, 4 is off (FB_BLANK_POWERDOWN). A display without one that may be switched stays lit, and black. */
function switchBacklights(folder: string, isOn: boolean): void {
  try {
    for (const name of readdirSync(folder))
      writeFileSync(path.join(folder, name, 'bl_power'), isOn ? '0' : '4');
  } catch {
    // The page is black all the same.
  }
}
