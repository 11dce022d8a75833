import { isDeepStrictEqual } from 'node:util';
import type { Slot } from '../install/contract.ts';
import type { Change, Installed } from '../install/installed.ts';
import { activeOf, type KindState, type Occupant } from '../install/state.ts';
import { activated, fallenBack, retried, startBegun } from '../install/transitions.ts';
import { committedSlot, type Request, request, runningSlot, type SystemPlaces } from './places.ts';

/** One-shot starts that may fail one after the other. */
export const FAILED_STARTS = 2;

export interface SystemStartOptions {
  readonly data: string;
  readonly installed: Installed;
  readonly places: SystemPlaces;
  /** Takes remarks for a person. */
  readonly say?: (line: string) => void;
  /** Milliseconds since 1970. */
  readonly now?: () => number;
}

/** What a start of the appliance finds of the system that it runs in. */
export type SystemStanding =
  /** Nothing is to be done, or the device has no slots for a system. */
  | 'serves'
  /** This system runs on trial. */
  | 'on-trial'
  /** A restart was asked for; this start is over when somebody carries that out. */
  | 'restarts';

/**
 * Brings what is installed of the system, and what runs, together at a start of the appliance. The books say what is to
 * serve, the kernel's command line what runs, `autoboot.txt` what an ordinary start takes. What waits is tried by a one-shot
 * start, which is counted before it is asked for; when the old system runs again nevertheless, it has failed.
 * @throws SpikescopeError as `Installed.change`
 */
export async function beginSystemStart(options: SystemStartOptions): Promise<SystemStanding> {
  const { data, installed, places, say = () => {} } = options;
  const running = runningSlot(places);
  if (running === null) return 'serves';
  const committed = await committedSlot(places);
  const since = new Date(options.now?.() ?? Date.now()).toISOString();
  for (;;) {
    const { state } = await installed.read();
    const { change, words, asks } = nextStep(state.system, { running, committed, since });
    if (change === null) {
      if (state.system.trial !== null) return 'on-trial';
      // What an ordinary start takes follows the books, and never comes first.
      if (state.system.active === running && committed !== running) await request(data, 'commit');
      return 'serves';
    }
    // What another process has changed meanwhile is looked at anew.
    const { changed } = await installed.change('system', (before) =>
      isDeepStrictEqual(before, state.system) ? change : null,
    );
    if (!changed) continue;
    if (words !== null) say(words);
    if (asks === null) continue;
    await request(data, asks);
    return 'restarts';
  }
}

interface Started {
  /** The slot that runs. */
  readonly running: Slot;
  /** The slot that an ordinary start takes; null where that cannot be told. */
  readonly committed: Slot | null;
  readonly since: string;
}

interface Step {
  readonly change: Change | null;
  /** What is asked for once the change is kept. */
  readonly asks: Request | null;
  readonly words: string | null;
}

const NO_STEP: Step = { change: null, asks: null, words: null };

/** The next change of the books; none where they agree with what runs. */
function nextStep(state: KindState, started: Started): Step {
  const { active, pending, trial } = state;
  const { running, since } = started;
  if (trial !== null) return trial.slot === running ? NO_STEP : stepOfTrial(state, started);
  if (pending !== null) {
    const before = pending === running ? active : usable(state, running);
    const after = activated({ ...state, active: before }, since);
    return silent({ after, event: 'activated', details: describing(activeOf(after)) });
  }
  if (active === null || active === running) return NO_STEP;
  const after = retried(state, running, since);
  return silent({ after, event: 'retried', details: describing(activeOf(after)), isNeeded: true });
}

/** The system on trial does not run. */
function stepOfTrial(state: KindState, { committed }: Started): Step {
  const occupant = activeOf(state);
  const starts = state.trial?.starts ?? 0;
  if (starts < FAILED_STARTS) {
    const change: Change = { after: startBegun(state), event: 'started', details: describing(occupant) };
    // A one-shot start takes the slot that an ordinary one does not.
    const asks = committed === state.active ? 'reboot' : 'tryboot';
    return { change, asks, words: `${wordsOf(occupant)} is started on trial` };
  }
  const reason = `${starts} starts in a row failed`;
  const details = { ...describing(occupant), reason, trial: state.trial };
  return {
    ...silent({ after: fallenBack(state, reason), event: 'fallen-back', details, isNeeded: true }),
    words: `${wordsOf(occupant)} is not in use any more: ${reason}; what was before it is`,
  };
}

/** A slot as what a trial goes back to; null where the books know nothing good of it. */
function usable({ slots }: KindState, slot: Slot): Slot | null {
  return slots[slot]?.refused === null ? slot : null;
}

function silent(change: Change): Step {
  return { change, asks: null, words: null };
}

function describing(occupant: Occupant | null): object {
  if (occupant === null) return {};
  const { target, name, version, hash } = occupant;
  return { target, name, version, hash };
}

function wordsOf(occupant: Occupant | null): string {
  return `The system ${occupant?.name} ${occupant?.version}`;
}
