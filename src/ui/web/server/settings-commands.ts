import type { CaptureMode } from '../../../runtime/appliance/capture-mode.ts';
import type { StoredDocument } from '../../../store/documents.ts';
import type { CommandReply, ScreenCommand } from '../contract.ts';
import type { Lock } from './lock.ts';
import type { Pairing } from './pairing.ts';
import type { Preferences } from './preferences.ts';

export interface SettingsParts {
  readonly lock: Lock;
  readonly pairing: Pairing;
  readonly preferences: StoredDocument<Preferences>;
  readonly mode: CaptureMode;
  /** A device is paired no more. */
  readonly unpaired: (id: string) => void;
}

/** What is set at the screen. */
type SettingsCommand = Extract<
  ScreenCommand,
  { command: 'unlock' | 'lock' | 'set-pin' | 'set' | 'pair' | 'unpair' }
>;

const DONE: CommandReply = { outcome: 'done' };

/** What the PIN protects. */
export class SettingsCommands {
  readonly #parts: SettingsParts;

  constructor(parts: SettingsParts) {
    this.#parts = parts;
  }

  /** @throws SpikescopeError `DOCUMENT_*` */
  async do(command: SettingsCommand): Promise<CommandReply> {
    const { lock, pairing, unpaired } = this.#parts;
    if (command.command === 'unlock') {
      if (lock.left.wait > 0) return { outcome: 'refused', code: 'SCREEN_BUSY' };
      return (await lock.open(command.pin)) ? DONE : { outcome: 'refused', code: 'SCREEN_PIN_WRONG' };
    }
    if (command.command === 'lock') {
      lock.close();
      return DONE;
    }
    if (!lock.isOpen) return { outcome: 'refused', code: 'SCREEN_LOCKED' };
    lock.use();
    switch (command.command) {
      case 'set-pin':
        await lock.change(command.pin);
        return DONE;
      case 'set':
        await this.#set(command.setting);
        return DONE;
      case 'pair': {
        const code = pairing.begin(command.role);
        return code === null
          ? { outcome: 'failed', code: 'SCREEN_PAIRED_FULL' }
          : { outcome: 'done', data: { code } };
      }
      case 'unpair':
        await pairing.end(command.id);
        unpaired(command.id);
        return DONE;
    }
  }

  async #set(setting: Extract<SettingsCommand, { command: 'set' }>['setting']): Promise<void> {
    const { preferences, mode } = this.#parts;
    if (setting.name === 'automatic') return mode.switch(setting.value);
    await preferences.update((data) => {
      if (setting.name === 'language') data.language = setting.value;
      else if (setting.name === 'theme') data.theme = setting.value;
      else data.blankAfter = setting.value;
    });
  }
}
