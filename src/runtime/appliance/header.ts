import { DEFAULT_PINS } from '../../capture/buttons/button.ts';
import { Buttons } from '../../capture/buttons/buttons.ts';
import { DEFAULT_LED_PIN, StatusLed } from '../../capture/buttons/status-led.ts';
import { SpikescopeError } from '../../errors.ts';
import type { Cleanup } from './cleanup.ts';
import type { Flow } from './flow/flow.ts';

/**
 * Lets the buttons and the light of the GPIO header follow a flow; a machine without them goes on without them.
 * @param say takes remarks for a person
 */
export async function connectHeader(
  flow: Flow,
  cleanup: Cleanup,
  say: (line: string) => void,
): Promise<void> {
  try {
    const buttons = await Buttons.open({
      pins: DEFAULT_PINS,
      onPress: (button) => flow.press(button),
      onFault: (fault) => say(fault.describe()),
    });
    cleanup.add(() => buttons.stop());
    const led = await StatusLed.open(DEFAULT_LED_PIN);
    cleanup.add(() => led.stop());
    cleanup.add(flow.onChange(({ state }) => led.set(state !== 'idle')));
    say(`  ${buttons.describe()}`);
  } catch (error) {
    if (!(error instanceof SpikescopeError)) throw error;
    say(`No buttons: ${error.describe()}`);
  }
}
