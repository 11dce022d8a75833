import { DEFAULT_PINS } from '../../capture/buttons/button.ts';
import { Buttons } from '../../capture/buttons/buttons.ts';
import { DEFAULT_LED_PIN, StatusLed } from '../../capture/buttons/status-led.ts';
import { SpikescopeError } from '../../errors.ts';
import type { Cleanup } from './cleanup.ts';
import type { Flow } from './flow/flow.ts';
import { StatusLight } from './updates/light.ts';
import type { UpdateWatch } from './updates/watch.ts';

/**
 * Lets the buttons and the light of the GPIO header follow a flow, and the light updates too; a machine without them goes on
 * without them.
 * @param say takes remarks for a person
 */
export async function connectHeader(
  flow: Flow,
  updates: UpdateWatch,
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
    const light = new StatusLight((isOn) => led.set(isOn));
    cleanup.add(() => light.stop());
    cleanup.add(flow.onChange(({ state }) => light.busy(state !== 'idle')));
    cleanup.add(updates.onChange(() => light.updating(updates.isUnderWay)));
    light.updating(updates.isUnderWay);
    say(`  ${buttons.describe()}`);
  } catch (error) {
    if (!(error instanceof SpikescopeError)) throw error;
    say(`No buttons: ${error.describe()}`);
  }
}
