import type { Command, CommandAnswer, CommandHandler } from '../../telehealth/commands/command.ts';
import type { Appliance } from './appliance.ts';
import type { Asked } from './updates/ask.ts';

/** What a status command is told. */
export type StatusReport = NonNullable<Extract<CommandAnswer, { outcome: 'done' }>['data']>;

export interface CommandsOptions {
  readonly appliance: Appliance;
  readonly status: () => StatusReport;
  /** Whether a label can name a class. Default: whoever is to learn it says so. */
  readonly isLabel?: (label: string) => boolean;
  /** Asks for a pull, and says what came of the asking. Default: nothing is there to ask. */
  readonly askForUpdate?: () => Promise<Asked>;
  /** Ends the program so that its supervisor starts it again; null where nobody would. */
  readonly restart: (() => void) | null;
}

/** Milliseconds for the flow to become free. */
const PATIENCE = 30_000;

/** Commands from afar, as events of the same flow that the buttons drive. */
export class ApplianceCommands implements CommandHandler {
  readonly #options: CommandsOptions;

  constructor(options: CommandsOptions) {
    this.#options = options;
  }

  async handle(command: Command): Promise<CommandAnswer> {
    switch (command.name) {
      case 'capture':
        return this.#capture();
      case 'label':
        return this.#label(command);
      case 'undo':
        return this.#undo();
      case 'status':
        return { outcome: 'done', data: this.#options.status() };
      case 'restart':
        return this.#restart();
      case 'update':
        return this.#update();
    }
  }

  isLabel(label: string): boolean {
    return this.#options.isLabel?.(label) ?? true;
  }

  async #capture(): Promise<CommandAnswer> {
    const { appliance } = this.#options;
    const deadline = performance.now() + PATIENCE;
    while (!appliance.flow.can({ type: 'capture' })) {
      if (appliance.flow.view.isExhausted) return failed('SOURCE_ENDED');
      if (performance.now() > deadline) return failed('APPLIANCE_BUSY');
      await appliance.rest();
    }
    const { reading, fault } = await appliance.capture();
    if (reading === null) return failed(fault?.code ?? 'SOURCE_ENDED');
    const { id, accepted, diagnosis } = reading;
    return { outcome: 'done', data: { result: id, accepted, diagnosis } };
  }

  async #label({ result, label, risk }: Extract<Command, { name: 'label' }>): Promise<CommandAnswer> {
    const { appliance } = this.#options;
    const event = { type: 'label', result, label, ...(risk !== undefined && { risk }) } as const;
    if (!appliance.flow.can(event)) return failed('RESULT_NOT_AWAITING');
    appliance.flow.send(event);
    const { learned, fault } = await appliance.rest();
    if (learned === null) return failed(fault?.code ?? 'INTERNAL');
    const { kept, reason, addedAs } = learned;
    return {
      outcome: 'done',
      data: { kept, ...(reason !== undefined && { reason }), ...(addedAs !== undefined && { addedAs }) },
    };
  }

  /** Takes an update back; a reading that waits to be confirmed is let go for it. */
  async #undo(): Promise<CommandAnswer> {
    const { appliance } = this.#options;
    await appliance.rest();
    appliance.flow.send({ type: 'undo', by: 'command' });
    const { undone, fault } = await appliance.rest();
    return undone === null ? failed(fault?.code ?? 'APPLIANCE_BUSY') : { outcome: 'done', data: { undone } };
  }

  async #update(): Promise<CommandAnswer> {
    const asked = (await this.#options.askForUpdate?.()) ?? 'not-configured';
    if (asked === 'asked') return { outcome: 'done', data: { update: asked } };
    return failed(asked === 'busy' ? 'UPDATE_BUSY' : 'UPDATE_NOT_CONFIGURED');
  }

  #restart(): CommandAnswer {
    const { restart } = this.#options;
    if (restart === null) return failed('NOT_SUPERVISED');
    // The answer goes first.
    setTimeout(restart, 500);
    return { outcome: 'done' };
  }
}

function failed(code: string): CommandAnswer {
  return { outcome: 'failed', code };
}
