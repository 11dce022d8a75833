import { SpikescopeError } from '../../errors.ts';
import { BUTTONS, type Button, type ButtonPins, type Edge, type LineMonitor } from './button.ts';
import { type DebouncedEvent, Debouncer } from './debouncer.ts';
import { type LineOptions, openGpiodLines } from './gpiod-lines.ts';
import { openSysfsLines } from './sysfs-lines.ts';

export interface ButtonsOptions {
  readonly pins: ButtonPins;
  readonly onPress: (button: Button) => void;
  /** A stuck or noisy button, or lines that are lost; the others go on. */
  readonly onFault: (fault: SpikescopeError) => void;
  /** Where edges come from; by default sysfs where it exists, else the character device. */
  readonly open?: (options: LineOptions) => Promise<LineMonitor>;
}

/** Milliseconds between looks at what has settled: the settling time is kept to within this. */
const TICK = 10;

/** The buttons of the device: edges of header pins made into presses. */
export class Buttons {
  readonly #options: ButtonsOptions;
  readonly #debouncers: ReadonlyMap<number, { readonly button: Button; readonly debouncer: Debouncer }>;
  readonly #ticks: NodeJS.Timeout;
  #lines: LineMonitor | null = null;

  private constructor(options: ButtonsOptions) {
    this.#options = options;
    this.#debouncers = new Map(
      BUTTONS.map((button) => [options.pins[button], { button, debouncer: new Debouncer() }]),
    );
    this.#ticks = setInterval(() => this.#tick(), TICK);
    this.#ticks.unref();
  }

  /** @throws SpikescopeError `GPIO_MISSING` when this machine has no header, no gpiod, or the pins are taken */
  static async open(options: ButtonsOptions): Promise<Buttons> {
    const buttons = new Buttons(options);
    try {
      buttons.#lines = await (options.open ?? openLines)({
        pins: Object.values(options.pins),
        onEdge: (edge) => buttons.#take(edge),
        onFault: options.onFault,
      });
      return buttons;
    } catch (error) {
      clearInterval(buttons.#ticks);
      throw error;
    }
  }

  describe(): string {
    return this.#lines?.describe() ?? 'no buttons';
  }

  async stop(): Promise<void> {
    clearInterval(this.#ticks);
    await this.#lines?.stop();
  }

  #take({ pin, isDown, at }: Edge): void {
    const line = this.#debouncers.get(pin);
    if (line !== undefined) this.#tell(line.button, line.debouncer.edge(isDown, at));
  }

  #tick(): void {
    const now = performance.now();
    for (const { button, debouncer } of this.#debouncers.values()) this.#tell(button, debouncer.tick(now));
  }

  #tell(button: Button, events: readonly DebouncedEvent[]): void {
    for (const event of events) {
      if (event === 'pressed') this.#options.onPress(button);
      else if (event !== 'released')
        this.#options.onFault(faultOf(button, this.#options.pins[button], event));
    }
  }
}

async function openLines(options: LineOptions): Promise<LineMonitor> {
  return (await openSysfsLines(options)) ?? openGpiodLines(options);
}

function faultOf(button: Button, pin: number, event: 'stuck' | 'noisy'): SpikescopeError {
  return event === 'stuck'
    ? new SpikescopeError('BUTTON_STUCK', `The button “${button}” is held down`, {
        field: `pin ${pin}`,
        remedy: 'free the button; until then it counts as pressed once',
      })
    : new SpikescopeError('BUTTON_NOISY', `The button “${button}” chatters and is not listened to`, {
        field: `pin ${pin}`,
        remedy: 'check its wiring; it is heard again after a quiet second',
      });
}
