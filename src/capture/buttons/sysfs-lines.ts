import { reasonOf, SpikescopeError } from '../../errors.ts';
import type { LineMonitor } from './button.ts';
import { sysfsBase } from './gpio-chip.ts';
import type { LineOptions } from './gpiod-lines.ts';

/** What is used of onoff's Gpio. */
export interface SysfsPin {
  watch(callback: (error: Error | null | undefined, value: number) => void): void;
  unexport(): void;
}

export type SysfsPinMaker = (number: number) => SysfsPin;

/**
 * Watches header pins through sysfs with onoff, on kernels that still have it: its numbers are the BCM numbers plus a base
 * that only the running kernel knows. The board must pull the pins up: sysfs cannot.
 * @returns null where there is no sysfs
 * @throws SpikescopeError `GPIO_MISSING` when a pin cannot be had
 */
export async function openSysfsLines(
  options: LineOptions,
  root = '/sys/class/gpio',
  make?: SysfsPinMaker,
): Promise<LineMonitor | null> {
  const base = await sysfsBase(root);
  if (base === null) return null;
  const maker = make ?? (await onoffMaker());
  if (maker === null) return null;
  const pins: SysfsPin[] = [];
  const stop = async (): Promise<void> => {
    for (const pin of pins.splice(0)) pin.unexport();
  };
  try {
    for (const pin of options.pins) {
      const line = maker(base + pin);
      pins.push(line);
      line.watch((error, value) => {
        if (error) options.onFault(lost(pin, error));
        else options.onEdge({ pin, isDown: value === 0, at: performance.now() });
      });
    }
  } catch (cause) {
    await stop();
    throw new SpikescopeError('GPIO_MISSING', 'A pin cannot be watched', {
      received: reasonOf(cause),
      remedy: 'check that no other program holds it, and the group gpio',
      cause,
    });
  }
  return { describe: () => `buttons through sysfs, pins ${options.pins.join(', ')}`, stop };
}

/** onoff is an optional package with a native part; null where it is not installed or does not load. */
async function onoffMaker(): Promise<SysfsPinMaker | null> {
  const onoff = await import('onoff').catch(() => null);
  return onoff === null ? null : (number) => new onoff.Gpio(number, 'in', 'both');
}

function lost(pin: number, cause: Error): SpikescopeError {
  return new SpikescopeError('GPIO_LOST', 'A button is not heard', {
    field: `pin ${pin}`,
    received: cause.message,
    cause,
  });
}
