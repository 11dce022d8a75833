import path from 'node:path';
import type { ExitCode } from '../../errors.ts';
import { Cleanup } from '../../runtime/appliance/cleanup.ts';
import { Device } from '../../runtime/appliance/device.ts';
import { screenSettingsOf } from '../../runtime/appliance/settings/screen.ts';
import type { Settings } from '../../runtime/appliance/settings/settings.ts';
import { showBanner } from '../../ui/terminal/banner.ts';
import { hideNotes, note } from '../../ui/terminal/console.ts';
import { Terminal } from '../../ui/terminal/terminal.ts';
import type { Screen } from '../../ui/web/server/screen.ts';
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
  const screen = await openScreen(device, cleanup);
  await device.start();
  const tally = await device.operate().catch(async (error: unknown) => {
    await screen?.ending(error);
    throw error;
  });
  const isStopped = stop.signal.aborted;
  const unpublished = await device.delivery.settle({ isStopped });
  const notReceived = await terminal.settle({ isStopped });
  await device.endedInOrder();
  return conclude(tally, { unpublished, notReceived }, isStopped);
}

/** Loaded only where there is a screen: a device without one spends no memory on it. */
async function openScreen(device: Device, cleanup: Cleanup): Promise<Screen | null> {
  const settings = screenSettingsOf(device.settings.screen);
  if (settings === null) return null;
  const { Screen } = await import('../../ui/web/server/screen.ts');
  const screen = await Screen.open(device, settings);
  cleanup.add(() => screen.close());
  screen.attach();
  note(`  screen   ${screen.url}${screen.hasPage ? '' : ' (its page is not built: npm run build)'}`);
  return screen;
}

/** Phantoms without end, for somebody who watches, come at a readable pace. */
function defaultInterval({ source, count }: Settings): number {
  return source === 'phantom' && count === undefined && process.stdout.isTTY ? 1000 : 0;
}
