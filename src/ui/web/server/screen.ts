import { SpikescopeError } from '../../../errors.ts';
import type { Device } from '../../../runtime/appliance/device.ts';
import type { FlowView } from '../../../runtime/appliance/flow/flow.ts';
import type { ScreenSettings } from '../../../runtime/appliance/settings/screen.ts';
import { Clients } from './clients.ts';
import { ScreenCommands } from './commands.ts';
import { IdleDisplay } from './idle.ts';
import { Lock } from './lock.ts';
import { Pairing } from './pairing.ts';
import { FrozenFrame } from './pixels/frozen.ts';
import { Viewfinder } from './pixels/viewfinder.ts';
import { openPreferences } from './preferences.ts';
import { Routes } from './routes.ts';
import { Scanner } from './scanner.ts';
import { ScreenServer } from './server.ts';
import { ScreenStates } from './state/screen-state.ts';
import { StateStream } from './state/stream.ts';

/** Milliseconds for which a page may still hear why the appliance ends. */
const LAST_WORDS = 300;

/** The screen as a front end of a device: a page, the state of the device as events, and commands that press its buttons. */
export class Screen {
  readonly #parts: Parts;
  readonly #undo: (() => void)[] = [];

  private constructor(parts: Parts) {
    this.#parts = parts;
  }

  /** @throws SpikescopeError `SCREEN_PORT`, `SCREEN_CERTIFICATE`, `DOCUMENT_*` */
  static async open(device: Device, settings: ScreenSettings): Promise<Screen> {
    const parts = await partsOf(device, settings);
    await parts.server.open();
    return new Screen(parts);
  }

  get url(): string {
    return this.#parts.server.url;
  }

  /** What the page's document sets as cookie on the device itself. */
  get displaySecret(): string {
    return this.#parts.clients.displaySecret;
  }

  /** Streams of states that are open. */
  get listeners(): number {
    return this.#parts.stream.listeners;
  }

  get hasPage(): boolean {
    return this.#parts.server.hasPage;
  }

  /** Listens from now on; before the device starts, so that nothing is missed. */
  attach(): void {
    const { device, frozen, idle, stream } = this.#parts;
    const changed = (): void => stream.changed();
    let before: FlowView | null = null;
    this.#undo.push(
      device.onClassified((id, classification) => frozen.classified(id, classification)),
      device.appliance.flow.onChange((view) => {
        this.#follow(before, view);
        before = view;
        changed();
      }),
      device.delivery.listen({ acknowledged: changed, connection: changed }),
      device.mode.onSwitch(changed),
      device.parts.computing.onChange(changed),
      device.onUpdate(changed),
    );
    idle.start();
    this.#undo.push(() => idle.stop());
  }

  /** The appliance ends by itself: pages are told why, as long as they can be. */
  async ending(error: unknown): Promise<void> {
    const { states, stream } = this.#parts;
    states.ending(error instanceof SpikescopeError ? error : { code: 'INTERNAL' });
    stream.close();
    await new Promise((resolve) => setTimeout(resolve, LAST_WORDS));
  }

  async close(): Promise<void> {
    const { stream, viewfinder, scanner, server } = this.#parts;
    for (const action of this.#undo.reverse()) action();
    scanner.stop();
    stream.close();
    viewfinder.close();
    await server.close();
  }

  #follow(before: FlowView | null, view: FlowView): void {
    const { device, states, frozen, idle } = this.#parts;
    const { state, capture, reading } = view;
    if (state === 'reading' && capture !== null && before?.capture !== capture) {
      frozen.freeze(capture.image, capture.capturedAt);
    }
    if (reading !== null && reading !== before?.reading) frozen.recorded(reading.id);
    states.follow(view);
    // What goes on by itself wakes nobody.
    if (before !== null && before.state !== state && !device.mode.isAutomatic && !view.hasLapsed)
      idle.active();
  }
}

type Parts = Awaited<ReturnType<typeof partsOf>>;

async function partsOf(device: Device, settings: ScreenSettings) {
  const { source, bundle, journal, dataFolder } = device.parts;
  const preferences = await openPreferences(dataFolder);
  const clients = new Clients(() => preferences.data.paired);
  const lock = new Lock(preferences);
  const pairing = new Pairing(preferences);
  const frozen = new FrozenFrame();
  const viewfinder = new Viewfinder(source, bundle.preprocessing.quality);
  const changed = (): void => stream.changed();
  const scanner = new Scanner(source, changed);
  const idle = new IdleDisplay({
    blankAfter: () => preferences.data.blankAfter,
    isBusy: () => device.appliance.flow.view.state !== 'idle' && !device.mode.isAutomatic,
    onChange: changed,
  });
  const states = new ScreenStates({ device, preferences, lock, idle, frozen, viewfinder, scanner });
  const stream = new StateStream(states, viewfinder);
  const commands = new ScreenCommands({
    ...{ device, lock, pairing, preferences, mode: device.mode },
    classes: () => states.model.names,
    scan: scanner,
    forget: () => {
      frozen.forget();
      states.forget();
    },
    active: () => idle.active(),
    unpaired: (id) => stream.endOf(id),
    changed,
  });
  const routes = new Routes({ clients, commands, states, stream, viewfinder, frozen, pairing, journal });
  const server = new ScreenServer({ settings, clients, routes });
  return { device, clients, frozen, viewfinder, scanner, idle, states, stream, server };
}
