import { type ChildProcess, spawn } from 'node:child_process';
import { findGpiod, type Gpiod } from './gpiod.ts';

/** BCM number. */
export const DEFAULT_LED_PIN = 24;

/**
 * The status light on a header pin. A resident `gpioset` holds the level, since a line that nobody holds may go back to
 * what it was; a change ends it and starts another.
 */
export class StatusLed {
  readonly #gpiod: Gpiod;
  readonly #pin: number;
  #holder: ChildProcess | null = null;
  #isOn: boolean | null = null;

  private constructor(gpiod: Gpiod, pin: number) {
    this.#gpiod = gpiod;
    this.#pin = pin;
  }

  /**
   * @param pin BCM number
   * @throws SpikescopeError `GPIO_MISSING`
   */
  static async open(pin: number): Promise<StatusLed> {
    return new StatusLed(await findGpiod(), pin);
  }

  set(isOn: boolean): void {
    if (isOn === this.#isOn) return;
    this.#holder?.kill('SIGKILL');
    this.#isOn = isOn;
    this.#holder = spawn('gpioset', gpiosetArguments(this.#gpiod, this.#pin, isOn), { stdio: 'ignore' });
    // A light that does not shine stops nothing.
    this.#holder.on('error', () => {});
  }

  /** Lets go of the pin. */
  stop(): void {
    this.#holder?.kill('SIGKILL');
    this.#holder = null;
    this.#isOn = null;
  }
}

/** Arguments with which gpioset holds the level until it is killed. */
export function gpiosetArguments({ chip, major }: Gpiod, pin: number, isOn: boolean): string[] {
  const line = `${pin}=${isOn ? 1 : 0}`;
  return major === 1 ? ['--mode=signal', chip, line] : ['--chip', chip, line];
}
