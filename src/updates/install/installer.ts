import { rm } from 'node:fs/promises';
import { RefusedError } from '../../errors.ts';
import { isNoRoom } from '../../store/capacity.ts';
import type { Journal } from '../../store/journal.ts';
import { compareVersions } from '../compatibility.ts';
import { type Operation, refusedRecord } from '../records.ts';
import { RELEASE_KINDS, type Release } from '../release.ts';
import type { Target } from '../target.ts';
import type { Proof, ProofItem, Prove, Slot, Stage, StageProgress } from './contract.ts';
import { Installed } from './installed.ts';
import { requireSlotSpace, type SlotContent, type Unpack, writeSlot } from './slots.ts';
import { activeOf, type Kind, type KindState, kept, type Occupant } from './state.ts';
import { adopted, cleared, freeSlot, pardoned, proven, refusalOf, written } from './transitions.ts';

export interface InstallerOptions {
  /** The device's data folder. */
  readonly data: string;
  readonly journal: Journal;
  /** What stands in all records of this installation. */
  readonly operation: Operation;
  readonly prove: Prove;
  /** Without one no application is installed. */
  readonly unpack?: Unpack;
  /** Without them no system is installed. */
  readonly system?: SystemSlots;
  /** The model that came with the program: nothing below its version is installed under its name. */
  readonly factory?: { readonly name: string; readonly version: string } | null;
  readonly onProgress?: (progress: StageProgress) => void;
  /** A person asks for what was refused before. */
  readonly again?: boolean;
  /** Milliseconds since 1970. */
  readonly now?: () => number;
}

/** The partitions of a device that has slots for its system. */
export interface SystemSlots {
  /** The slot from which this very system was started. */
  readonly running: Slot;
  /** What lies there, where the books do not know it. */
  readonly factory: Occupant;
  /**
   * Writes an archive into a slot; on the medium when resolved.
   * @returns the path of what it is held to
   * @throws RefusedError `SYSTEM_ARCHIVE`, `SYSTEM_SLOT`, `INSTALL_SPACE` @throws SpikescopeError `SLOT`
   */
  write(file: string, slot: Slot, onProgress: (bytes: number) => void): Promise<string>;
}

/** A release that was fetched: its bytes lie in a file of their own. */
export interface Fetched {
  readonly target: Target;
  readonly release: Release;
  readonly file: string;
}

/** A release in its slot. */
export interface Present {
  /** Whether it serves, or waits for a start. */
  readonly outcome: 'current' | 'pending';
  readonly slot: Slot;
  readonly occupant: Occupant;
}

/** What may be said of a release before a byte of it is moved. */
export type Standing = 'new' | 'active' | 'pending';

/** Writes releases into slots and proves them there; nothing that serves is touched. */
export class Installer {
  readonly #options: InstallerOptions;
  readonly installed: Installed;

  constructor(options: InstallerOptions) {
    this.#options = options;
    this.installed = new Installed(options);
  }

  /**
   * Whether a release may be installed now.
   * @throws RefusedError `INSTALL_TRIAL_PENDING`, `INSTALL_OLDER`, `INSTALL_REFUSED`
   */
  async standing(target: Target, release: Release): Promise<Standing> {
    const { state } = await this.installed.read();
    const onTrial = RELEASE_KINDS.map((kind) => state[kind]).find(({ trial }) => trial !== null);
    if (onTrial !== undefined) throw trialPending(target, activeOf(onTrial));
    return this.#standingIn(state[release.kind], target, release);
  }

  /** Where a release is in its slot already. @returns null where it is not @throws as `standing` */
  async present(target: Target, release: Release): Promise<Present | null> {
    const standing = await this.standing(target, release);
    if (standing === 'new') return null;
    const { state } = await this.installed.read();
    const slot = state[release.kind][standing];
    const occupant = slot === null ? null : state[release.kind].slots[slot];
    if (slot === null || occupant === null) return null;
    return standing === 'active'
      ? { outcome: 'current', slot, occupant }
      : { outcome: 'pending', slot, occupant };
  }

  /** What came with the program of a kind, as far as that is known. */
  factoryOf(kind: Kind): { readonly name: string; readonly version: string } | null {
    if (kind === 'system') return this.#options.system?.factory ?? null;
    return kind === 'model' ? (this.#options.factory ?? null) : null;
  }

  /** Tells how far a stage is. */
  tell(stage: Stage, target: string, done: number, of: number): void {
    this.#options.onProgress?.({ stage, target, done, of });
  }

  /**
   * Writes a release into the slot that does not serve and proves it there. What has passed waits for a start.
   * @returns it, in its slot; where it was there already, as it is
   * @throws RefusedError as `standing`; `INSTALL_SPACE`, `INSTALL_KIND`, `TARGET_DAMAGED`, `PROOF_FAILED`, `SYSTEM_*`
   * @throws SpikescopeError `SLOT`, `JOURNAL_*`, `DOCUMENT_UNWRITABLE`
   */
  async install(fetched: Fetched): Promise<{ occupant: Occupant; slot: Slot; isNew: boolean }> {
    try {
      return await this.#install(fetched);
    } catch (error) {
      if (error instanceof RefusedError) this.#recordRefusal(error);
      throw error;
    }
  }

  /** That there is no room for a record does not take the place of what it says. */
  #recordRefusal(refusal: RefusedError): void {
    try {
      this.#options.journal.record([refusedRecord(this.#options.operation, refusal, null)]);
    } catch (error) {
      if (!isNoRoom(error)) throw error;
    }
  }

  async #install({ target, release, file }: Fetched) {
    const { kind } = release;
    const present = await this.present(target, release);
    if (present !== null) return { ...present, isNew: false };
    const content = { hash: hashOf(target), length: target.length };
    if (kind === 'system') await this.#adopt(target);
    else requireSlotSpace(this.#options.data, kind, content);
    this.tell('check', target.name, 1, 1);
    const slot = await this.#clear(kind, target, release);
    const path = await this.#write({ target, release, file }, slot, content);
    const proof = await this.#options.prove({ target, release, path }, (done, of) =>
      this.tell('prove', target.name, done, of),
    );
    const occupant = await this.#conclude(kind, slot, content.hash, proof);
    await rm(file, { force: true });
    if (!proof.passed) throw proofFailed(target, proof);
    return { occupant, slot, isNew: true };
  }

  /** What runs is what serves: the slot beside it is the one to write to. */
  async #adopt({ name }: Target): Promise<void> {
    const { system } = this.#options;
    if (system === undefined) throw noSystemSlots(name);
    const { running, factory } = system;
    await this.installed.change('system', (before) => {
      if (before.active === running) return null;
      if (before.active !== null) throw unsettled(name, before.active, running);
      const after = adopted(before, running, factory);
      return { after, event: 'adopted', details: { slot: running, ...after.slots[running] } };
    });
  }

  async #clear(kind: Kind, target: Target, release: Release): Promise<Slot> {
    const slots: Slot[] = [];
    await this.installed.change(kind, (before) => {
      this.#standingIn(before, target, release);
      if (before.trial !== null) throw trialPending(target, activeOf(before));
      const slot = freeSlot(before);
      slots.push(slot);
      const lost = before.slots[slot];
      return {
        after: pardoned(cleared(before, slot), hashOf(target)),
        event: 'cleared',
        details: { slot, for: target.name, ...(lost && { target: lost.target, hash: lost.hash }) },
      };
    });
    return slots[0];
  }

  async #write({ target, release, file }: Fetched, slot: Slot, content: SlotContent) {
    const { kind } = release;
    const path = await this.#writeContent({ target, release, file }, slot, content);
    const occupant = this.#occupantOf(target, release);
    await this.installed.change(kind, (before) => {
      requireFree(before, slot, target);
      return {
        after: written(before, slot, occupant),
        event: 'written',
        details: { slot, keys: target.keys, ...content },
      };
    });
    return path;
  }

  async #writeContent(
    { target, release: { kind }, file }: Fetched,
    slot: Slot,
    content: SlotContent,
  ): Promise<string> {
    const { data, unpack, system } = this.#options;
    const tell = (bytes: number): void => this.tell('write', target.name, bytes, 2 * target.length);
    if (kind === 'system') {
      if (system === undefined) throw noSystemSlots(target.name);
      return system.write(file, slot, (bytes) => tell(2 * bytes));
    }
    return writeSlot({ data, kind, slot, file }, content, { ...(unpack && { unpack }), onProgress: tell });
  }

  async #conclude(kind: Kind, slot: Slot, hash: string, proof: Proof): Promise<Occupant> {
    const { state } = await this.installed.change(kind, (before) => {
      const occupant = before.slots[slot];
      if (before.active === slot || before.trial !== null || occupant?.hash !== hash)
        throw changedMeanwhile(slot);
      const { target, name, version } = occupant;
      return {
        after: proven(before, slot, proof, `not proven: ${wordsOf(failedOf(proof))}`),
        event: proof.passed ? 'pending' : 'unproven',
        details: { slot, target, name, version, hash, proof },
      };
    });
    const occupant = state.slots[slot];
    if (occupant === null) throw changedMeanwhile(slot);
    return occupant;
  }

  #standingIn(state: KindState, target: Target, release: Release): Standing {
    const hash = hashOf(target);
    if (activeOf(state)?.hash === hash) return 'active';
    if (state.pending !== null && state.slots[state.pending]?.hash === hash) return 'pending';
    this.#refuseOlder(state, target, release);
    const reason = refusalOf(state, hash);
    if (reason !== null && this.#options.again !== true) {
      throw new RefusedError('INSTALL_REFUSED', 'This release was refused on this device before', {
        field: target.name,
        received: reason,
        remedy: 'ask its publisher for another; where the device was at fault, `--again` tries it once more',
      });
    }
    return 'new';
  }

  #refuseOlder(
    { active, confirmed }: KindState,
    { name: field }: Target,
    { kind, name, version }: Release,
  ): void {
    // Of a system that is known by now, the books say what it was.
    const factory = kind === 'system' && active !== null ? null : this.factoryOf(kind);
    const newer = [factory, ...confirmed].find(
      (each) => each?.name === name && compareVersions(version, each.version) < 0,
    );
    if (newer === undefined || newer === null) return;
    throw new RefusedError('INSTALL_OLDER', 'This release is older than what this device has used', {
      field,
      expected: `${name} ${newer.version} or newer`,
      received: version,
      remedy: '`spikescope provision rollback` goes back to what was in use before',
    });
  }

  #occupantOf(target: Target, { kind, name, version, change, notes, learning }: Release): Occupant {
    return {
      ...{ target: target.name, role: target.role, name, version, kind },
      ...{ hash: hashOf(target), length: target.length },
      ...{ change: kept(change), notes: kept(notes), learning: learning ?? null, proof: null },
      installedAt: new Date(this.#options.now?.() ?? Date.now()).toISOString(),
      ...{ confirmedAt: null, refused: null },
    };
  }
}

/** The hash under which a target is known here. */
export function hashOf({ hashes }: Target): string {
  const [hash = ''] = hashes.values();
  return hash;
}

function requireFree(state: KindState, slot: Slot, { name }: Target): void {
  if (state.active === slot || state.pending === slot || state.slots[slot] !== null)
    throw changedMeanwhile(slot, name);
}

function failedOf({ items }: Proof): ProofItem[] {
  return items.filter(({ passed }) => !passed);
}

function wordsOf(items: readonly ProofItem[]): string {
  return items
    .map(({ name, measured, required }) => `${name} ${measured ?? 'not measured'}, required ${required}`)
    .join('; ');
}

function proofFailed({ name }: Target, proof: Proof): RefusedError {
  return new RefusedError('PROOF_FAILED', 'The release does not do on this device what it must', {
    field: name,
    expected: proof.items.map((item) => item.name).join(', ') || 'a proof',
    received: wordsOf(failedOf(proof)) || 'nothing was proven',
    remedy: 'the device goes on as before; send these figures to the publisher',
  });
}

function trialPending({ name }: Target, occupant: Occupant | null): RefusedError {
  return new RefusedError('INSTALL_TRIAL_PENDING', 'Another release is on trial', {
    field: name,
    expected: 'a device whose last release was confirmed',
    received:
      occupant === null ? 'one on trial' : `${occupant.kind} ${occupant.name} ${occupant.version} on trial`,
    remedy: 'wait until it is confirmed or has fallen back, or go back with `spikescope provision rollback`',
  });
}

function noSystemSlots(field: string): RefusedError {
  return new RefusedError('INSTALL_KIND', 'Releases of this kind are not installed here', {
    field,
    expected: 'a device whose card has two slots for a system',
    received: 'one that has none',
  });
}

function unsettled(field: string, active: Slot, running: Slot): RefusedError {
  return new RefusedError('SYSTEM_SLOT', 'The device runs another system than the one that is in use', {
    field,
    expected: `the system of slot ${active}`,
    received: `that of slot ${running}`,
    remedy: 'start the appliance, which settles it, and install again',
  });
}

function changedMeanwhile(slot: Slot, field?: string): RefusedError {
  return new RefusedError('INSTALL_CHANGED', 'What is installed was changed by somebody else meanwhile', {
    ...(field !== undefined && { field }),
    expected: `slot ${slot} as it was left`,
    received: 'another release or none in it',
    remedy: 'look at it with `spikescope provision status`, and install again',
  });
}
