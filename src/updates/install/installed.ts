import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { z } from 'zod';
import { SpikescopeError } from '../../errors.ts';
import { makeFolder } from '../../make-folder.ts';
import { isNoRoom } from '../../store/capacity.ts';
import type { EventDraft } from '../../store/chain.ts';
import { DurableFile } from '../../store/durable-file.ts';
import type { Journal } from '../../store/journal.ts';
import { type Ownership, ownDataFolder } from '../../store/owner.ts';
import { installedRecord, LAST_INSTALLED, type Operation } from '../records.ts';
import { sha256 } from '../trust/floors.ts';
import { updatesFolder } from '../trust/kept-metadata.ts';
import {
  activeOf,
  factoryState,
  type InstalledState,
  type Kind,
  type KindState,
  keptForm,
  stateSchema,
} from './state.ts';

/** What happened to what is installed of a kind. */
export type InstallEvent =
  /** A slot is about to be written over. */
  | 'cleared'
  /** The system that runs is the one in use: what came with the device, or what a lost book had. */
  | 'adopted'
  /** A release lies in a slot, whole. */
  | 'written'
  /** It was proven on this device and waits for a start. */
  | 'pending'
  /** It was proven bad. */
  | 'unproven'
  | 'activated'
  /** A start on trial has begun. */
  | 'started'
  /** It ended in order. */
  | 'ended'
  | 'confirmed'
  /** A system that was confirmed does not run: it is tried once more. */
  | 'retried'
  | 'fallen-back'
  | 'rolled-back'
  /** A person took back what waited. */
  | 'withdrawn';

export interface Change {
  readonly after: KindState;
  /** Null for what only counts: it is not recorded, and lost with the file. */
  readonly event: InstallEvent | null;
  /** What else the record says. */
  readonly details?: object;
  /** A full journal does not keep the device from it. */
  readonly isNeeded?: boolean;
}

/** Where a state was found. */
export interface Found {
  readonly state: InstalledState;
  readonly from: 'file' | 'journal' | 'factory';
  /** Why the file was of no use; null where it was, or was never written. */
  readonly lost: string | null;
}

/** What is asked of the journal. */
export type InstalledJournal = Pick<Journal, 'record' | 'lastPayloadOf'>;

export interface InstalledOptions {
  /** The device's data folder. */
  readonly data: string;
  readonly journal: InstalledJournal;
  /** What stands in all records. */
  readonly operation: Operation;
}

/** Attempts to change the state while another process does; each waits a second. */
const ATTEMPTS = 5;

const fileSchema = z.object({ sha256: z.string(), content: z.string() });
const recordSchema = z.object({ state: stateSchema });

/**
 * What is installed, in a file that is replaced as a whole and in the last record of it in the journal. A change goes into
 * the journal and then into the file; of the two the newer counts, so that with the power cut anywhere the device has the
 * state before or after, and with one of the two lost or damaged it has the other. Processes change it one at a time.
 */
export class Installed {
  readonly #folder: string;
  readonly #file: DurableFile;
  readonly #journal: InstalledJournal;
  readonly #operation: Operation;
  #changing: Promise<unknown> = Promise.resolve();

  constructor({ data, journal, operation }: InstalledOptions) {
    this.#folder = slotsFolder(data);
    this.#file = new DurableFile(installedFile(data));
    this.#journal = journal;
    this.#operation = operation;
  }

  /** Never throws for what stands in the file. @throws SpikescopeError `JOURNAL_*` */
  async read(): Promise<Found> {
    const recorded = stateIn(this.#journal);
    const { state, lost } = await readFile(this.#file);
    if (state !== null && state.revision >= (recorded?.revision ?? 0)) return { state, from: 'file', lost };
    if (recorded !== null) return { state: recorded, from: 'journal', lost };
    return { state: factoryState(), from: 'factory', lost };
  }

  /** As the journal has it, which may be behind the file; null where it has none. @throws SpikescopeError `JOURNAL_*` */
  recorded(): InstalledState | null {
    return stateIn(this.#journal);
  }

  /**
   * Changes what is installed of a kind; durable when resolved.
   * @param decide null leaves it as it is. Called with what is installed now, whoever changed it last
   * @returns the state after, and whether it was changed
   * @throws SpikescopeError `JOURNAL_*`, `DOCUMENT_UNWRITABLE`, `DATA_FOLDER_IN_USE`, and what `decide` throws
   */
  change(
    kind: Kind,
    decide: (before: KindState) => Change | null,
  ): Promise<{ state: KindState; changed: boolean }> {
    const done = this.#changing.then(() => this.#change(kind, decide));
    this.#changing = done.catch(() => {});
    return done;
  }

  async #change(kind: Kind, decide: (before: KindState) => Change | null) {
    const lock = await this.#lock();
    try {
      const found = await this.read();
      const before = found.state[kind];
      const change = decide(before);
      if (change === null) return { state: before, changed: false };
      const state = { ...found.state, revision: found.state.revision + 1, [kind]: change.after };
      await this.#keep(kind, found, stateSchema.parse(state), change);
      return { state: change.after, changed: true };
    } finally {
      lock.release();
    }
  }

  /** Once it is in the journal it holds: a file that cannot be written is behind, and the next change tries again. */
  async #keep(
    kind: Kind,
    found: Found,
    state: InstalledState,
    { event, details, isNeeded }: Change,
  ): Promise<void> {
    const isRecorded =
      event !== null &&
      this.#record(
        installedRecord(this.#operation, {
          event,
          kind,
          before: activeOf(found.state[kind])?.hash ?? null,
          after: activeOf(state[kind])?.hash ?? null,
          ...(found.lost !== null && { lost: found.lost, foundIn: found.from }),
          ...details,
          state: keptForm(state),
        }),
        isNeeded ?? false,
      );
    const content = JSON.stringify(keptForm(state));
    try {
      await this.#file.removeLeftovers();
      await this.#file.write(JSON.stringify({ sha256: sha256(Buffer.from(content)), content }));
    } catch (error) {
      if (!isRecorded) throw error;
    }
  }

  #record(draft: EventDraft, isNeeded: boolean): boolean {
    try {
      this.#journal.record([draft]);
      return true;
    } catch (error) {
      if (isNeeded && isNoRoom(error)) return false;
      throw error;
    }
  }

  async #lock(): Promise<Ownership> {
    makeFolder(this.#folder, 0o700);
    for (let attempt = 1; ; attempt++) {
      try {
        return ownDataFolder(this.#folder);
      } catch (error) {
        const isHeld = error instanceof SpikescopeError && error.code === 'DATA_FOLDER_IN_USE';
        if (!isHeld || attempt >= ATTEMPTS) throw error;
        await delay(20);
      }
    }
  }
}

/** What is installed as the file has it, which may be behind the journal; null where it has nothing that holds. */
export async function stateInFile(data: string): Promise<InstalledState | null> {
  return (await readFile(new DurableFile(installedFile(data)))).state;
}

/** Where it stands what is installed. */
export function installedFile(data: string): string {
  return path.join(updatesFolder(data), 'installed.json');
}

/** Below it lie the slots. */
export function slotsFolder(data: string): string {
  return path.join(updatesFolder(data), 'slots');
}

function stateIn(journal: InstalledJournal): InstalledState | null {
  const payload = journal.lastPayloadOf(LAST_INSTALLED, 'provision');
  return payload === null ? null : (recordSchema.safeParse(JSON.parse(payload)).data?.state ?? null);
}

async function readFile(file: DurableFile): Promise<{ state: InstalledState | null; lost: string | null }> {
  let text: string | null;
  try {
    text = await file.read();
  } catch {
    return { state: null, lost: 'it cannot be read' };
  }
  if (text === null) return { state: null, lost: null };
  const state = parsed(text);
  return { state, lost: state === null ? 'it is damaged' : null };
}

function parsed(text: string): InstalledState | null {
  try {
    const { sha256: digest, content } = fileSchema.parse(JSON.parse(text));
    return sha256(Buffer.from(content)) === digest ? stateSchema.parse(JSON.parse(content)) : null;
  } catch {
    return null;
  }
}
