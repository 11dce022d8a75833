import path from 'node:path';
import type { ExitCode } from '../../errors.ts';
import { Cleanup } from '../../runtime/appliance/cleanup.ts';
import { Device } from '../../runtime/appliance/device.ts';
import type { Settings } from '../../runtime/appliance/settings/settings.ts';
import { showBanner } from '../../ui/terminal/banner.ts';
import { hideNotes, note } from '../../ui/terminal/console.ts';
import { Terminal } from '../../ui/terminal/terminal.ts';
import { conclude } from './conclude.ts';
import { watchForStop } from './stop.ts';

/** Where settings come from. */
export interface SettingsOrigin {
  /** The settings with an installed configuration among them. @throws UsageError where they contradict each other */
  readonly withOverlay: (overlay: Partial<Settings>) => Settings;
  /** The file that they came from; null where there was none. */
  readonly configuration: string | null;
}

/**
 * Runs the appliance until its captures are taken, published and received back, or until a signal asks it to stop.
 * @throws SpikescopeError as its parts, `RESULTS_UNPUBLISHED`, `RESULTS_NOT_RECEIVED`
 */
export async function runSession(
  settings: Settings,
  { withOverlay, configuration }: SettingsOrigin,
): Promise<ExitCode> {
  const cleanup = new Cleanup();
  const stop = watchForStop();
  cleanup.add(() => stop.unwatch());
  hideNotes(settings.log === 'json');
  cleanup.add(() => hideNotes(false));
  try {
    const device = await Device.open({
      settings,
      withOverlay,
      stop: stop.controller,
      say: note,
      interval: defaultInterval(settings),
      ...(configuration !== null && { configuration: path.resolve(configuration) }),
    });
    cleanup.add(() => device.close());
    hideNotes(device.settings.log === 'json');
    return await runDevice(device, stop.controller, cleanup);
  } finally {
    await cleanup.run();
  }
}

async function runDevice(device: Device, stop: AbortController, cleanup: Cleanup): Promise<ExitCode> {
  const { settings } = device;
  showBanner({ ...device.parts, isEmbedded: settings.broker === 'embedded', authorities: settings.ca });
  const terminal = new Terminal(device, {
    json: settings.json,
    newestResult: settings.resultSchema,
    keys: process.stdin.isTTY && settings.count === undefined,
    quit: () => stop.abort(),
  });
  cleanup.add(() => terminal.detach());
  terminal.attach();
  await device.start();
  const tally = await device.operate();
  const isStopped = stop.signal.aborted;
  const unpublished = await device.delivery.settle({ isStopped });
  const notReceived = await terminal.settle({ isStopped });
  await device.endedInOrder();
  return conclude(tally, { unpublished, notReceived }, isStopped);
}

/** Phantoms without end, for somebody who watches, come at a readable pace. */
function defaultInterval({ source, count }: Settings): number {
  return source === 'phantom' && count === undefined && process.stdout.isTTY ? 1000 : 0;
}
