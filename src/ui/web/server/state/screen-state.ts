import type { Device } from '../../../../runtime/appliance/device.ts';
import type { FlowView } from '../../../../runtime/appliance/flow/flow.ts';
import type { StoredDocument } from '../../../../store/documents.ts';
import type { Result } from '../../../../telehealth/result.ts';
import { SCREEN_SCHEMA, type ScreenState } from '../../contract.ts';
import { type Client, may } from '../clients.ts';
import { contextOf } from '../context.ts';
import type { IdleDisplay } from '../idle.ts';
import type { Lock } from '../lock.ts';
import type { FrozenFrame } from '../pixels/frozen.ts';
import type { Viewfinder } from '../pixels/viewfinder.ts';
import type { Preferences } from '../preferences.ts';
import type { Scanner } from '../scanner.ts';
import { ModelSaid } from './classes.ts';
import { faultSaid } from './faults.ts';
import { readingSaid, resultIn } from './reading.ts';
import { statusItems } from './status.ts';
import { Teaching } from './teaching.ts';

/** What the state is made of beside the device. */
export interface StateParts {
  readonly device: Device;
  readonly preferences: StoredDocument<Preferences>;
  readonly lock: Lock;
  readonly idle: IdleDisplay;
  readonly frozen: FrozenFrame;
  readonly viewfinder: Viewfinder;
  readonly scanner: Scanner;
}

/** All that a screen shows, put together whenever it is asked for; what of it is only seen passing by is followed here. */
export class ScreenStates {
  readonly model: ModelSaid;
  readonly #parts: StateParts;
  readonly #teaching: Teaching;
  #sequence = 0;
  #result: Result | null = null;
  #captures = 0;
  #blurred = 0;
  #ending: ScreenState['ending'] = null;

  constructor(parts: StateParts) {
    this.#parts = parts;
    this.model = new ModelSaid(parts.device.parts);
    this.#teaching = new Teaching(parts.device.parts.journal);
  }

  follow(view: FlowView): void {
    this.#teaching.follow(view);
    const { reading } = view;
    if (view.state === 'capturing') this.#result = null;
    else if (reading !== null && reading.id !== this.#result?.id) this.#read(reading.id);
  }

  /** What was read is of a patient who has left. */
  forget(): void {
    this.#result = null;
    this.#captures = 0;
  }

  /** The appliance ends by itself: the last that is said. */
  ending(fault: Parameters<typeof faultSaid>[0]): void {
    this.#ending = faultSaid(fault);
  }

  /** As one client may see it. Its number increases with each call. */
  of(client: Client): ScreenState {
    return { ...this.#common(), ...this.#own(client) };
  }

  #read(id: string): void {
    const { device } = this.#parts;
    const result = resultIn(device.parts.journal.payloadOf(id));
    this.#result = result;
    if (result === null) return;
    this.#captures++;
    this.#blurred = result.reasons.includes('out-of-focus') ? this.#blurred + 1 : 0;
  }

  #common() {
    const { device, preferences, idle } = this.#parts;
    const { language, theme, blankAfter } = preferences.data;
    const isOpen = device.isSessionOpen;
    return {
      schema: SCREEN_SCHEMA,
      sequence: ++this.#sequence,
      at: new Date().toISOString(),
      device: device.parts.device,
      source: device.parts.source.kind,
      flow: this.#flow(),
      classes: this.model.classes,
      model: this.model.model,
      learning: this.#learning(),
      session: { open: isOpen, captures: isOpen ? this.#captures : 0 },
      status: statusItems(device, this.#blurred),
      display: { blank: idle.isBlank, language, theme, blankAfter },
      ending: this.#ending,
    } as const satisfies Partial<ScreenState>;
  }

  /** What depends on who looks. */
  #own(client: Client) {
    const { device, frozen, viewfinder, scanner } = this.#parts;
    const hasPixels = may(client, 'pixels');
    const patient = may(client, 'context') ? device.patient.current : null;
    const held = {
      hasFrozenFrame: hasPixels && this.#result !== null && frozen.result === this.#result.id,
      hasSaliency: hasPixels && frozen.result === this.#result?.id && frozen.hasSaliency,
    };
    return {
      reading: this.#result && readingSaid(this.#result, held),
      context: {
        allowed: device.patient.allowed && may(client, 'context'),
        current: patient && contextOf(patient),
        scanning: scanner.isScanning,
      },
      viewfinder: hasPixels ? viewfinder.state : { state: 'absent', age: null, rate: null },
      settings: this.#settings(may(client, 'settings')),
      client: { role: client.role, rights: [...client.rights] },
    } as const satisfies Partial<ScreenState>;
  }

  #flow(): ScreenState['flow'] {
    const { appliance, mode } = this.#parts.device;
    const { state, proposed, takingBack, fault } = appliance.flow.view;
    return {
      state,
      automatic: mode.isAutomatic,
      proposed,
      takingBack: takingBack?.label ?? null,
      fault: fault && faultSaid(fault),
    };
  }

  #learning(): ScreenState['learning'] {
    const { learner } = this.#parts.device.parts;
    const undoable = this.#parts.device.lastUpdate();
    return {
      enabled: learner !== null,
      remembered: learner?.remembered ?? 0,
      undoable: undoable && { label: undoable.label, result: undoable.caseId ?? null },
      last: this.#teaching.last,
    };
  }

  #settings(isTheirs: boolean): ScreenState['settings'] {
    const { lock, preferences } = this.#parts;
    const { open, wait } = lock.left;
    const inTime = (milliseconds: number) =>
      milliseconds > 0 ? new Date(Date.now() + milliseconds).toISOString() : null;
    return {
      pin: lock.isSet ? 'set' : 'unset',
      unlockedUntil: isTheirs ? inTime(open) : null,
      waitUntil: isTheirs ? inTime(wait) : null,
      paired: isTheirs ? preferences.data.paired.map(({ id, role, since }) => ({ id, role, since })) : [],
    };
  }
}

/** Whether two states show the same: times and numbers aside that change by themselves. */
export function showsTheSame(a: ScreenState, b: ScreenState): boolean {
  return JSON.stringify(lasting(a)) === JSON.stringify(lasting(b));
}

function lasting({ sequence: _, at: __, viewfinder, settings, ...rest }: ScreenState) {
  const { unlockedUntil, waitUntil, ...lock } = settings;
  const isOpen = unlockedUntil !== null;
  return { ...rest, viewfinder: viewfinder.state, settings: { ...lock, isOpen, waits: waitUntil !== null } };
}
