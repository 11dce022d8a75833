/** What a page asks for, as events of the same flow that the buttons drive. */
import { randomUUID } from 'node:crypto';
import type { Device } from '../../../runtime/appliance/device.ts';
import type { FlowEvent, FlowState } from '../../../runtime/appliance/flow/machine.ts';
import { allowedCommands } from '../../../runtime/appliance/settings/settings.ts';
import type { PressedBy } from '../../../runtime/learning/outcome.ts';
import type { CommandName } from '../../../telehealth/commands/command.ts';
import type { CommandReply, ScreenCommand, ScreenCommandName } from '../contract.ts';
import type { RefusalCode, Right } from '../words.ts';
import { type Client, may } from './clients.ts';
import { patientIn } from './context.ts';
import { SettingsCommands, type SettingsParts } from './settings-commands.ts';

export interface CommandParts extends SettingsParts {
  readonly device: Device;
  readonly classes: () => readonly string[];
  readonly scan: { scan(): Promise<string | null>; stop(): void };
  /** What was read and captured is forgotten. */
  readonly forget: () => void;
  readonly active: () => void;
  readonly changed: () => void;
}

const NEEDS: Readonly<Record<ScreenCommandName, Right>> = {
  capture: 'capture',
  confirm: 'teach',
  'next-label': 'teach',
  correct: 'teach',
  'add-class': 'teach',
  dismiss: 'capture',
  undo: 'teach',
  'next-patient': 'context',
  'set-context': 'context',
  'clear-context': 'context',
  scan: 'context',
  'stop-scan': 'context',
  active: 'see',
  unlock: 'settings',
  lock: 'settings',
  'set-pin': 'settings',
  set: 'settings',
  pair: 'settings',
  unpair: 'settings',
};

/** From the network each is what its message from the broker is: allowed by the configuration, and recorded. */
const AS_MESSAGE: Partial<Readonly<Record<ScreenCommandName, CommandName>>> = {
  capture: 'capture',
  confirm: 'label',
  'next-label': 'label',
  correct: 'label',
  'add-class': 'label',
  undo: 'undo',
};

const DONE: CommandReply = { outcome: 'done' };

function refused(code: RefusalCode): CommandReply {
  return { outcome: 'refused', code };
}

export class ScreenCommands {
  readonly #parts: CommandParts;
  readonly #settings: SettingsCommands;

  constructor(parts: CommandParts) {
    this.#parts = parts;
    this.#settings = new SettingsCommands(parts);
  }

  /** @throws SpikescopeError as the journal and documents do */
  async do(command: ScreenCommand, client: Client): Promise<CommandReply> {
    const { device, active } = this.#parts;
    if (!may(client, NEEDS[command.command])) return refused('SCREEN_DENIED');
    if (client.role === 'display') active();
    const message = AS_MESSAGE[command.command];
    if (client.role !== 'display' && message !== undefined) {
      if (!allowedCommands(device.settings).has(message)) return refused('SCREEN_DENIED');
      const payload = JSON.stringify({ name: message, screen: client.role });
      device.parts.journal.record([{ kind: 'command', caseId: randomUUID(), payload }]);
    }
    try {
      return await this.#perform(command, client.role === 'display' ? 'button' : 'command');
    } finally {
      this.#parts.changed();
    }
  }

  async #perform(command: ScreenCommand, by: PressedBy): Promise<CommandReply> {
    const { device, scan, forget } = this.#parts;
    switch (command.command) {
      case 'capture':
        return this.#capture();
      case 'confirm':
        return this.#confirm(command.result, by);
      case 'next-label':
        return this.#nextLabel(command.result);
      case 'correct':
        if (!this.#parts.classes().includes(command.label)) return refused('LABEL_INVALID');
        return this.#teach({ type: 'label', result: command.result, label: command.label, by });
      case 'add-class':
        return this.#addClass(command, by);
      case 'dismiss':
        return this.#dismiss();
      case 'undo':
        return this.#undo(by);
      case 'next-patient':
        await this.#dismiss();
        device.nextPatient();
        forget();
        return DONE;
      case 'set-context':
        if (!device.patient.allowed) return refused('SCREEN_CONTEXT_DENIED');
        device.setPatient(patientIn(command.context));
        return DONE;
      case 'clear-context':
        device.setPatient(null);
        return DONE;
      case 'scan': {
        if (!device.patient.allowed) return refused('SCREEN_CONTEXT_DENIED');
        const text = await scan.scan();
        return text === null
          ? refused('SCREEN_SCAN_NOTHING')
          : { outcome: 'done', data: { text: text.slice(0, 256) } };
      }
      case 'stop-scan':
        scan.stop();
        return DONE;
      case 'active':
        return DONE;
      default:
        return this.#settings.do(command);
    }
  }

  /** While captures follow each other, it ends that first, as the key does. */
  async #capture(): Promise<CommandReply> {
    const { appliance, mode } = this.#parts.device;
    if (mode.isAutomatic) {
      mode.switch(false);
      await appliance.rest();
    }
    if (!appliance.flow.can({ type: 'capture' })) return refused('SCREEN_NOT_NOW');
    const { reading, fault } = await appliance.capture();
    if (reading === null) return { outcome: 'failed', code: fault?.code ?? 'SOURCE_ENDED' };
    const { id, accepted, diagnosis } = reading;
    return { outcome: 'done', data: { result: id, accepted, diagnosis } };
  }

  async #confirm(result: string, by: PressedBy): Promise<CommandReply> {
    const { proposed } = this.#parts.device.appliance.flow.view;
    if (proposed === null) return refused('SCREEN_NOT_NOW');
    return this.#teach({ type: 'label', result, label: proposed, by });
  }

  #nextLabel(result: string): CommandReply {
    const { flow } = this.#parts.device.appliance;
    if (flow.view.state !== 'awaitingConfirmation') return refused('SCREEN_NOT_NOW');
    if (flow.view.reading?.id !== result) return refused('SCREEN_READING_GONE');
    flow.send({ type: 'next-label' });
    return { outcome: 'done', data: { proposed: flow.view.proposed } };
  }

  async #addClass(
    { result, label, risk }: Extract<ScreenCommand, { command: 'add-class' }>,
    by: PressedBy,
  ): Promise<CommandReply> {
    const { device, classes } = this.#parts;
    if (classes().includes(label) || !device.isLabel(label)) return refused('LABEL_INVALID');
    return this.#teach({ type: 'label', result, label, by, ...(risk !== undefined && { risk }) });
  }

  async #teach(event: Extract<FlowEvent, { type: 'label' }>): Promise<CommandReply> {
    const { appliance } = this.#parts.device;
    const { state, reading } = appliance.flow.view;
    if (state !== 'awaitingConfirmation') return refused('SCREEN_NOT_NOW');
    if (reading?.id !== event.result) return refused('SCREEN_READING_GONE');
    appliance.flow.send(event);
    const { learned, fault } = await appliance.rest();
    if (learned === null) return { outcome: 'failed', code: fault?.code ?? 'INTERNAL' };
    return { outcome: 'done', data: { kept: learned.kept } };
  }

  async #dismiss(): Promise<CommandReply> {
    const { flow } = this.#parts.device.appliance;
    const no: Partial<Record<FlowState, FlowEvent>> = {
      awaitingConfirmation: { type: 'undo' },
      retake: { type: 'undo' },
      confirmingUndo: { type: 'confirm' },
    };
    const event = no[flow.view.state];
    if (event !== undefined) flow.send(event);
    return DONE;
  }

  /** The first asks, whoever it is; the second takes back. */
  async #undo(by: PressedBy): Promise<CommandReply> {
    const { appliance } = this.#parts.device;
    const { flow } = appliance;
    if (flow.view.state === 'confirmingUndo') flow.send({ type: 'undo', by });
    else if (flow.view.state !== 'idle') return refused('SCREEN_NOT_NOW');
    else {
      // Whoever presses here sees what has lapsed: that answer is not asked for again.
      if (flow.view.hasLapsed) flow.send({ type: 'confirm' });
      flow.send({ type: 'undo', by: 'button' });
    }
    const { state, undone, fault } = await appliance.rest();
    if (fault !== null) return { outcome: 'failed', code: fault.code };
    return { outcome: 'done', data: { asks: state === 'confirmingUndo', undone } };
  }
}
