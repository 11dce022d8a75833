import { DEFAULT_PINS } from '../../capture/buttons/button.ts';
import { Buttons } from '../../capture/buttons/buttons.ts';
import { DEFAULT_LED_PIN, StatusLed } from '../../capture/buttons/status-led.ts';
import { SpikescopeError } from '../../errors.ts';
import { type Appliance, type TakeOptions, takeCaptures } from '../../runtime/appliance.ts';
import type { FlowView } from '../../runtime/flow/flow.ts';
import { note } from '../console.ts';
import type { Cleanup } from './cleanup.ts';
import { KEYS_HELP, type Key, listenToKeys } from './keyboard.ts';

/** Changed by a key. */
export interface CaptureMode {
  /** Whether captures are taken without being asked for. */
  isAutomatic: boolean;
}

export interface Controls {
  readonly appliance: Appliance;
  readonly take: TakeOptions;
  readonly mode: CaptureMode;
  /** Asks the program to end. */
  readonly quit: () => void;
}

/** Runs the appliance until its captures are taken or `take.signal` aborts, under keys where there is a terminal. */
export async function operateAppliance(controls: Controls, cleanup: Cleanup): Promise<void> {
  const keys = new KeyDesk(controls);
  if (process.stdin.isTTY && controls.take.count === undefined) {
    note(KEYS_HELP);
    cleanup.add(listenToKeys((key) => keys.press(key)));
  }
  const { appliance, mode, take } = controls;
  while (!take.signal.aborted) {
    if (mode.isAutomatic) {
      const signal = AbortSignal.any([take.signal, keys.automaticEnded]);
      await takeCaptures(appliance, { ...take, signal });
      if (!keys.automaticEnded.aborted) return;
    } else if (!(await isWanted(controls, keys))) return;
  }
}

/** Waits for the flow to move; false when no more captures are wanted. */
async function isWanted({ appliance, take }: Controls, keys: KeyDesk): Promise<boolean> {
  appliance.throwFault();
  const { isExhausted } = appliance.flow.view;
  if (isExhausted || appliance.tally.captures >= (take.count ?? Infinity)) return false;
  await keys.changed(take.signal);
  return true;
}

/** What the keys have switched. */
class KeyDesk {
  readonly #controls: Controls;
  #automatic = new AbortController();

  constructor(controls: Controls) {
    this.#controls = controls;
  }

  /** Aborts when captures are no more taken without being asked for. */
  get automaticEnded(): AbortSignal {
    return this.#automatic.signal;
  }

  press(key: Key): void {
    if (key === 'quit') this.#controls.quit();
    else if (key === 'automatic') this.#switch(!this.#controls.mode.isAutomatic);
    else {
      this.#switch(false);
      this.#controls.appliance.flow.press(key, 'keyboard');
    }
  }

  /** Resolves when the flow changes, the mode is switched, or `signal` aborts. */
  changed(signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const done = (): void => {
        forget();
        signal.removeEventListener('abort', done);
        this.#onSwitch = () => {};
        resolve();
      };
      const forget = this.#controls.appliance.flow.onChange(done);
      signal.addEventListener('abort', done);
      this.#onSwitch = done;
    });
  }

  #onSwitch: () => void = () => {};

  #switch(isAutomatic: boolean): void {
    const { mode } = this.#controls;
    if (isAutomatic === mode.isAutomatic) return;
    mode.isAutomatic = isAutomatic;
    if (isAutomatic) this.#automatic = new AbortController();
    else this.#automatic.abort();
    note(
      isAutomatic ? 'Captures are taken by themselves' : `Captures are taken when asked for; ${KEYS_HELP}`,
    );
    this.#onSwitch();
  }
}

/** The buttons and the light of a device; a machine without a header goes on without them. */
export async function openHeader(
  press: (button: Parameters<Appliance['flow']['press']>[0]) => void,
  cleanup: Cleanup,
): Promise<{ show(view: FlowView): void }> {
  try {
    const buttons = await Buttons.open({
      pins: DEFAULT_PINS,
      onPress: press,
      onFault: (fault) => note(fault.describe()),
    });
    cleanup.add(() => buttons.stop());
    const led = await StatusLed.open(DEFAULT_LED_PIN);
    cleanup.add(() => led.stop());
    note(`  ${buttons.describe()}`);
    return { show: ({ state }) => led.set(state !== 'idle') };
  } catch (error) {
    if (!(error instanceof SpikescopeError)) throw error;
    note(`No buttons: ${error.describe()}`);
    return { show() {} };
  }
}
