import { RefusedError, SpikescopeError } from '../../errors.ts';
import type { Slot } from './contract.ts';
import type { Change, Installed } from './installed.ts';
import { isSlotWhole, slotPath } from './slots.ts';
import {
  activeOf,
  factoryState,
  type InstalledState,
  type Kind,
  type KindState,
  type Occupant,
  pendingOf,
} from './state.ts';
import {
  activated,
  captured,
  confirmed,
  damaged,
  fallenBack,
  predecessor,
  startBegun,
  startEnded,
  withdrawn,
} from './transitions.ts';

/** Starts on trial that may fail one after the other. */
const FAILED_STARTS = 2;
/** What ends a trial well, whichever comes first. */
const GOOD_CAPTURES = 10;
const HEALTHY_FOR = 15 * 60_000;

export interface ActivationOptions {
  readonly data: string;
  readonly installed: Installed;
  /** The kinds that the start in hand is one of. */
  readonly kinds: readonly Kind[];
  /** Kinds that a start brings into use, but not by this. Default: none. */
  readonly others?: readonly Kind[];
  /** Takes remarks for a person. */
  readonly say?: (line: string) => void;
  /** Called when a trial that this start is part of has ended well. */
  readonly confirmed?: (kind: Kind) => Promise<void>;
  /** Milliseconds since 1970. */
  readonly now?: () => number;
  /** Captures that gave a reading, after which a release on trial is good. Default 10. */
  readonly goodCaptures?: number;
  /** Milliseconds in health after which it is. Default 15 minutes. */
  readonly healthyFor?: number;
}

/** What a person's step back has led to. */
export interface RolledBack {
  readonly event: 'rolled-back' | 'withdrawn';
  readonly from: Occupant | null;
  /** What serves from the next start on; null for what came with the program. */
  readonly to: Occupant | null;
}

/**
 * How a release that waits comes into use, and out of it again: activated at a start, on trial until so many captures or
 * minutes went well, and out of use by itself where starts fail, or it cannot be opened. Belongs to one start of a program.
 */
export class Activation {
  readonly #options: ActivationOptions;
  readonly #installed: Installed;
  /** Hash of what is on trial in this start, by kind. */
  readonly #onTrial = new Map<Kind, string>();
  /** Slots that this start does not use, also where that could not be kept. */
  readonly #avoided = new Map<Kind, Set<Slot>>();
  /** What this start has found, to tell what others change. */
  #state: InstalledState = factoryState();

  constructor(options: ActivationOptions) {
    this.#options = options;
    this.#installed = options.installed;
  }

  /**
   * Begins a start: what failed to start too often falls back, what waits is activated, and a start on trial is counted
   * before anything is opened. Where that cannot be kept, this start goes on with what served before.
   */
  async beginStart(): Promise<void> {
    for (const kind of this.#options.kinds) await this.#begin(kind);
  }

  /**
   * Goes on with a start that the launcher of the application has begun and counted, and records what that could not, which
   * has no journal.
   */
  async adopt(kind: Kind): Promise<void> {
    const recorded = this.#installed.recorded()?.[kind] ?? factoryState()[kind];
    const { state } = await this.#installed.change(kind, (now) => launchedSince(recorded, now));
    this.#state = (await this.#installed.read()).state;
    const occupant = activeOf(state);
    if (state.trial !== null && occupant !== null) this.#onTrial.set(kind, occupant.hash);
  }

  /**
   * Where the content of what serves lies; null for what came with the program. What the medium has damaged is given up, and
   * what served before serves again.
   */
  async contentOf(kind: Kind): Promise<string | null> {
    for (;;) {
      const { state } = await this.#installed.read();
      const slot = this.#servingSlot(kind, state[kind]);
      const occupant = slot === null ? null : state[kind].slots[slot];
      if (slot === null || occupant === null) return null;
      const file = slotPath(this.#options.data, kind, slot);
      if (kind === 'application' || (await isSlotWhole(file, occupant))) return file;
      await this.#giveUp(kind, slot, occupant, 'its slot is damaged', damaged);
    }
  }

  /** What serves cannot be opened, or is wrong: what served before does from now on. */
  async refuse(kind: Kind, reason: string): Promise<void> {
    const { state } = await this.#installed.read();
    const slot = this.#servingSlot(kind, state[kind]);
    const occupant = slot === null ? null : state[kind].slots[slot];
    if (slot === null || occupant === null) return;
    await this.#giveUp(kind, slot, occupant, reason, (before) => fallenBack(before, reason));
  }

  /** Whether this start is one on trial. */
  isOnTrial(kind: Kind): boolean {
    return this.#onTrial.has(kind);
  }

  /** Whether anything is on trial in this start. */
  get isTrial(): boolean {
    return this.#onTrial.size > 0;
  }

  /** What this start tries, and where the content lies that it takes the place of (null: what came with the program). */
  async tried(kind: Kind): Promise<{ readonly occupant: Occupant; readonly before: string | null } | null> {
    const { state } = await this.#installed.read();
    const { trial } = state[kind];
    const occupant = activeOf(state[kind]);
    if (trial === null || occupant === null || !this.isOnTrial(kind)) return null;
    const { previous } = trial;
    return { occupant, before: previous === null ? null : slotPath(this.#options.data, kind, previous) };
  }

  /** A capture gave a reading. */
  async captureSucceeded(): Promise<void> {
    const { goodCaptures = GOOD_CAPTURES } = this.#options;
    for (const kind of [...this.#onTrial.keys()]) {
      await this.#ofTrial(kind, (before) => {
        const after = captured(before);
        const captures = after.trial?.captures ?? 0;
        return captures < goodCaptures ? { after, event: null } : this.#confirmation(after, { captures });
      });
    }
  }

  /** The device has been in health for so many milliseconds since its start. */
  async healthyFor(milliseconds: number): Promise<void> {
    if (milliseconds < this.healthDue) return;
    for (const kind of [...this.#onTrial.keys()]) {
      await this.#ofTrial(kind, (before) => this.#confirmation(before, { healthyFor: milliseconds }));
    }
  }

  /** Milliseconds in health after which a trial has ended well. */
  get healthDue(): number {
    return this.#options.healthyFor ?? HEALTHY_FOR;
  }

  /** The start ends as it should: it is none that has failed. */
  async orderlyEnd(): Promise<void> {
    // Starts of a system are counted when they are asked for, and an end of this program is no end of the system.
    for (const kind of [...this.#onTrial.keys()].filter((each) => each !== 'system')) {
      await this.#ofTrial(kind, (before) => ({ after: startEnded(before), event: 'ended', isNeeded: true }));
    }
  }

  /** Whether a start now would use something else than this one does. */
  async isRestartDue(): Promise<boolean> {
    const { state } = await this.#installed.read();
    const { kinds, others = [] } = this.#options;
    return [...kinds, ...others].some((kind) => {
      const [before, now] = [this.#state[kind], state[kind]];
      const waits = pendingOf(now)?.hash;
      return (
        activeOf(before)?.hash !== activeOf(now)?.hash ||
        (waits !== undefined && waits !== pendingOf(before)?.hash)
      );
    });
  }

  /** Brings what waits into use with the next start, on trial. @returns that @throws RefusedError `ACTIVATE_NOTHING` */
  async activate(): Promise<Occupant[]> {
    const done: Occupant[] = [];
    for (const kind of this.#options.kinds) {
      const { state, changed } = await this.#activate(kind);
      const occupant = activeOf(state);
      if (changed && occupant !== null) done.push(occupant);
    }
    if (done.length > 0) return done;
    throw new RefusedError('ACTIVATE_NOTHING', 'Nothing waits for its activation', {
      expected: 'a release that was installed',
      received: 'none',
      remedy: '`spikescope provision status` says what is installed, `provision install` brings a release',
    });
  }

  /**
   * A person takes one step back: what waits is taken back; else what serves gives way to what did before, in the last
   * resort to what came with the program.
   * @throws RefusedError `ROLLBACK_NOTHING`
   */
  async rollback(kind: Kind, by: string): Promise<RolledBack> {
    const steps: RolledBack[] = [];
    await this.#installed.change(kind, (before) => {
      const { pending, active, slots } = before;
      if (pending !== null) {
        steps.push({ event: 'withdrawn', from: slots[pending], to: activeOf(before) });
        return { after: withdrawn(before), event: 'withdrawn', details: describing(slots[pending]) };
      }
      if (active === null || (kind === 'system' && predecessor(before) === null)) return null;
      const after = fallenBack(before, `rolled back by ${by}`);
      steps.push({ event: 'rolled-back', from: activeOf(before), to: activeOf(after) });
      return { after, event: 'rolled-back', details: describing(activeOf(before)), isNeeded: true };
    });
    if (steps.length > 0) return steps[0];
    throw new RefusedError('ROLLBACK_NOTHING', 'There is nothing to go back from', {
      field: kind,
      expected: 'something that was installed',
      received: 'what came with the program',
    });
  }

  async #begin(kind: Kind): Promise<void> {
    const { say = () => {} } = this.#options;
    try {
      const { state } = await this.#installed.read();
      const { trial } = state[kind];
      if (trial !== null && trial.starts >= FAILED_STARTS) {
        await this.refuse(kind, `${trial.starts} starts in a row failed`);
      }
      const { state: now, changed } = await this.#activate(kind);
      const occupant = activeOf(now);
      if (changed && occupant !== null) say(`${words(occupant)} is in use from now on, on trial`);
      await this.#installed.change(kind, (before) =>
        before.trial === null ? null : { after: startBegun(before), event: 'started', isNeeded: true },
      );
      if (now.trial !== null && occupant !== null) this.#onTrial.set(kind, occupant.hash);
    } catch (error) {
      if (!(error instanceof SpikescopeError)) throw error;
      await this.#goWithoutTrial(kind, error);
    }
    this.#state = (await this.#installed.read()).state;
  }

  #activate(kind: Kind) {
    const since = this.#time();
    return this.#installed.change(kind, (before) => {
      if (before.pending === null) return null;
      const after = activated(before, since);
      return { after, event: 'activated', details: describing(activeOf(after)) };
    });
  }

  /** A trial that cannot be counted is none: it would never end. */
  async #goWithoutTrial(kind: Kind, error: SpikescopeError): Promise<void> {
    const { state } = await this.#installed.read();
    const { trial } = state[kind];
    if (trial !== null) this.#avoid(kind, trial.slot);
    this.#options.say?.(`What is installed of ${kind} is not tried in this start: ${error.describe()}`);
  }

  #confirmation(before: KindState, why: object): Change {
    const after = confirmed(before, this.#time());
    return { after, event: 'confirmed', details: { ...describing(activeOf(after)), ...why }, isNeeded: true };
  }

  /** Changes the trial that this start is part of; what has become of it meanwhile is left alone. */
  async #ofTrial(kind: Kind, decide: (before: KindState) => Change): Promise<void> {
    const hash = this.#onTrial.get(kind);
    const { state } = await this.#installed.change(kind, (before) =>
      before.trial === null || activeOf(before)?.hash !== hash ? null : decide(before),
    );
    if (state.trial !== null) return;
    this.#onTrial.delete(kind);
    if (activeOf(state)?.hash === hash) await this.#options.confirmed?.(kind);
  }

  async #giveUp(
    kind: Kind,
    slot: Slot,
    occupant: Occupant,
    reason: string,
    next: (before: KindState) => KindState,
  ): Promise<void> {
    this.#avoid(kind, slot);
    this.#onTrial.delete(kind);
    this.#options.say?.(`${words(occupant)} is not in use any more: ${reason}; what was before it is`);
    try {
      await this.#installed.change(kind, (before) => {
        if (before.active !== slot || before.slots[slot]?.hash !== occupant.hash) return null;
        return {
          after: next(before),
          event: 'fallen-back',
          details: { ...describing(occupant), reason, trial: before.trial },
          isNeeded: true,
        };
      });
    } catch (error) {
      if (!(error instanceof SpikescopeError)) throw error;
      this.#options.say?.(`That could not be kept: ${error.describe()}`);
    }
    this.#state = (await this.#installed.read()).state;
  }

  #servingSlot(kind: Kind, state: KindState): Slot | null {
    const avoided = this.#avoided.get(kind);
    const chain = [state.active, predecessor(state)];
    return chain.find((slot) => slot === null || !avoided?.has(slot)) ?? null;
  }

  #avoid(kind: Kind, slot: Slot): void {
    this.#avoided.set(kind, new Set([...(this.#avoided.get(kind) ?? []), slot]));
  }

  #time(): string {
    return new Date(this.#options.now?.() ?? Date.now()).toISOString();
  }
}

/** What the launcher has done since the journal's last word; null for nothing. */
function launchedSince(recorded: KindState, now: KindState): Change | null {
  const change = (event: 'activated' | 'fallen-back' | 'started', details: object): Change => ({
    after: now,
    event,
    details: { ...details, by: 'spikescope-launch' },
    isNeeded: true,
  });
  const [before, serving] = [activeOf(recorded), activeOf(now)];
  if (before?.hash === serving?.hash) {
    const isStarted = now.trial !== null && now.trial.starts !== recorded.trial?.starts;
    return isStarted ? change('started', describing(serving)) : null;
  }
  if (now.trial !== null) return change('activated', describing(serving));
  const reason = now.refusals.find(({ hash }) => hash === before?.hash)?.reason ?? 'its slot is damaged';
  return change('fallen-back', { ...describing(before), reason, trial: recorded.trial });
}

function describing(occupant: Occupant | null): object {
  if (occupant === null) return {};
  const { target, name, version, hash } = occupant;
  return { target, name, version, hash };
}

function words({ kind, name, version }: Occupant): string {
  return `The ${kind} ${name} ${version}`;
}
