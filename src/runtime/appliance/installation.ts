/** A start of the appliance with what is installed: the model and the settings that serve, and how a trial goes on. */
import { randomUUID } from 'node:crypto';
import { existsSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { SOURCE_KINDS, type SourceKind } from '../../capture/kinds.ts';
import { RefusedError, SpikescopeError, UsageError } from '../../errors.ts';
import { openDeviceJournal, reopenDeviceJournal } from '../../store/device-journal.ts';
import { prepareDataFolder } from '../../store/folder.ts';
import type { Journal, JournalOptions } from '../../store/journal.ts';
import { ownDataFolder } from '../../store/owner.ts';
import { Activation } from '../../updates/install/activation.ts';
import { Installed, installedFile, slotsFolder } from '../../updates/install/installed.ts';
import { DEVICE_PLACES, request, type SystemPlaces } from '../../updates/system/places.ts';
import { beginSystemStart, type SystemStanding } from '../../updates/system/system-start.ts';
import type { Cleanup } from './cleanup.ts';
import { dataFolderFor } from './demonstration.ts';
import { readOverlay } from './settings/overlay.ts';
import type { Settings } from './settings/settings.ts';

/** Which application the launcher has started: a slot, or `factory`; nothing where no launcher did. */
const LAUNCHED_FROM = process.env.SPIKESCOPE_SLOT;

const RESTART_PATIENCE = 30_000;

export interface InstallationOptions {
  readonly settings: Settings;
  /** The settings with an installed configuration among them. @throws UsageError where they contradict each other */
  readonly withOverlay: (overlay: Partial<Settings>) => Settings;
  readonly cleanup: Cleanup;
  readonly say: (line: string) => void;
  /** Where the system’s slots are. Default: the device’s own. */
  readonly places?: SystemPlaces;
  /** Milliseconds for which a restart that was asked for is waited for; then the readings go on. Default 30 s. */
  readonly restartPatience?: number;
}

/** The data folder of a start, owned, with its journal. */
export interface OwnedData {
  readonly folder: string;
  readonly journal: Journal;
  /** Why the journal's chain begins anew with this start; null where it goes on. */
  readonly fault: SpikescopeError | null;
}

/** What this start of the appliance has of what is installed in its data folder. */
export class Installation {
  readonly activation: Activation;
  readonly #installed: Installed;
  readonly #options: InstallationOptions;
  #settings: Settings;
  #journal: Journal | null = null;
  /** What was opened before anything else, where something may be installed. */
  #opened: Pick<OwnedData, 'folder' | 'fault'> | null = null;

  private constructor(options: InstallationOptions, folder: string) {
    const { settings, say } = options;
    this.#options = options;
    this.#settings = settings;
    const journal = {
      record: (...drafts: Parameters<Journal['record']>) => this.#inUse().record(...drafts),
      lastPayloadOf: (...of: Parameters<Journal['lastPayloadOf']>) => this.#inUse().lastPayloadOf(...of),
    };
    const operation = { id: randomUUID(), source: 'start', by: 'run' };
    this.#installed = new Installed({ data: folder, journal, operation });
    this.activation = new Activation({
      data: folder,
      installed: this.#installed,
      kinds: settings.model === undefined ? ['model', 'configuration'] : ['configuration'],
      others: LAUNCHED_FROM === undefined ? ['system'] : ['application', 'system'],
      confirmed: async (kind) => {
        if (kind === 'system') await request(folder, 'commit');
      },
      say,
    });
  }

  /**
   * Begins the start. Where nothing was ever installed, nothing is opened or made here.
   * @throws SpikescopeError `DATA_FOLDER`, `DATA_FOLDER_IN_USE`, `JOURNAL_*`
   */
  static async open(options: InstallationOptions): Promise<Installation> {
    const folder = folderOf(options.settings);
    const installation = new Installation(options, folder);
    if ([installedFile(folder), slotsFolder(folder)].some(existsSync)) await installation.#begin(folder);
    return installation;
  }

  /** The settings of this start, with what is installed of them. */
  get settings(): Settings {
    return this.#settings;
  }

  /** Opens the journal as this start's settings need it, and before it the data folder, where that is still to be done. */
  openData(kind: SourceKind, journalOptions: JournalOptions): OwnedData {
    const folder = this.#opened?.folder ?? path.resolve(this.#settings.data ?? dataFolderFor(kind));
    if (this.#opened === null) this.#own(folder);
    // One connection at a time: on a full disk the first would keep the second out.
    this.#journal?.close();
    const { journal, fault } =
      this.#opened === null
        ? openDeviceJournal(folder, journalOptions)
        : { journal: reopenDeviceJournal(folder, journalOptions), fault: this.#opened.fault };
    this.#journal = journal;
    return { folder, journal, fault };
  }

  /**
   * Opens the model that is named, else the installed one, else the one that came with the program. An installed one that is
   * refused falls back, and the start goes on with what was before it.
   */
  async openModel<T>(open: (file: string | undefined) => Promise<T>): Promise<T> {
    if (this.#settings.model !== undefined) return open(this.#settings.model);
    for (;;) {
      const file = await this.activation.contentOf('model');
      if (file === null) return open(undefined);
      try {
        return await open(file);
      } catch (error) {
        if (!(error instanceof RefusedError)) throw error;
        await this.activation.refuse('model', error.describe());
      }
    }
  }

  /** What was typed wrongly is no failure of what is on trial, unless settings are. */
  async failed(error: unknown): Promise<void> {
    if (this.#journal === null || !(error instanceof UsageError)) return;
    if (this.activation.isOnTrial('configuration')) return;
    await this.activation.orderlyEnd().catch(() => {});
  }

  async #begin(folder: string): Promise<void> {
    this.#own(folder);
    const { journal, fault } = openDeviceJournal(folder);
    this.#journal = journal;
    this.#options.cleanup.add(() => journal.close());
    this.#opened = { folder, fault };
    const standing = await this.#beginSystem(folder);
    await this.activation.beginStart();
    if (standing === 'on-trial') await this.activation.adopt('system');
    if (LAUNCHED_FROM !== undefined) await this.activation.adopt('application');
    this.#settings = await this.#overlaid();
  }

  /** Before anything else comes into use: the next start may be in another system. */
  async #beginSystem(data: string): Promise<SystemStanding> {
    const { say, places = DEVICE_PLACES, restartPatience = RESTART_PATIENCE } = this.#options;
    try {
      const standing = await beginSystemStart({
        data,
        installed: this.#installed,
        places,
        say,
      });
      if (standing === 'restarts') await delay(restartPatience);
      return standing;
    } catch (error) {
      if (!(error instanceof SpikescopeError)) throw error;
      say(`What is installed of the system is left alone in this start: ${error.describe()}`);
      return 'serves';
    }
  }

  async #overlaid(): Promise<Settings> {
    for (;;) {
      const file = await this.activation.contentOf('configuration');
      if (file === null) return this.#options.settings;
      try {
        return this.#options.withOverlay(readOverlay(file));
      } catch (error) {
        if (!(error instanceof UsageError)) throw error;
        await this.activation.refuse('configuration', error.describe());
      }
    }
  }

  #own(folder: string): void {
    prepareDataFolder(folder);
    const owner = ownDataFolder(folder);
    this.#options.cleanup.add(() => owner.release());
  }

  #inUse(): Journal {
    if (this.#journal === null) throw new SpikescopeError('JOURNAL_FAILED', 'The journal is not open yet');
    return this.#journal;
  }
}

/** As it is known before the source is opened. A source that is none is refused when it is. */
function folderOf({ data, source }: Settings): string {
  const kind = SOURCE_KINDS.find((each) => source === each || source.startsWith(`${each}:`)) ?? 'phantom';
  return path.resolve(data ?? dataFolderFor(kind));
}
