/** How what is installed of one kind changes. Each takes the state and gives the next one; none of them touches a medium. */
import { compareVersions } from '../compatibility.ts';
import type { Proof, Slot } from './contract.ts';
import { activeOf, type KindState, kept, type Occupant, otherSlot, remembered } from './state.ts';

/** The slot that a release is written to: never the one that serves, and another than what waits where there is one. */
export function freeSlot({ active, pending, slots }: KindState): Slot {
  if (active !== null) return otherSlot(active);
  if (pending !== null) return otherSlot(pending);
  const isSpare = (slot: Slot) => slots[slot] === null || slots[slot].refused !== null;
  return isSpare('a') || !isSpare('b') ? 'a' : 'b';
}

/** Before a slot is written over, nothing names what was in it. */
export function cleared(state: KindState, slot: Slot): KindState {
  const pending = state.pending === slot ? null : state.pending;
  return { ...state, pending, slots: { ...state.slots, [slot]: null } };
}

export function written(state: KindState, slot: Slot, occupant: Occupant): KindState {
  return { ...state, slots: { ...state.slots, [slot]: occupant } };
}

/** What has passed waits for a start; what has not is refused from now on. */
export function proven(state: KindState, slot: Slot, proof: Proof, failure: string): KindState {
  const tried = withOccupant(state, slot, (occupant) => ({ ...occupant, proof: copyOf(proof) }));
  return proof.passed ? { ...tried, pending: slot } : refused(tried, slot, failure);
}

/** A start begins with what waits for it. */
export function activated(state: KindState, since: string): KindState {
  const { active: previous, pending: slot } = state;
  if (slot === null) throw new RangeError('nothing waits for its activation');
  return {
    ...state,
    active: slot,
    pending: null,
    trial: { slot, previous, starts: 0, captures: 0, since },
  };
}

/**
 * The system of a slot runs, and is the one in use from now on. @param factory what lies there where the books do not
 * know it
 */
export function adopted(state: KindState, slot: Slot, factory: Occupant): KindState {
  const there = state.slots[slot];
  const occupant = there === null || there.refused !== null ? factory : there;
  return {
    ...state,
    active: slot,
    pending: state.pending === slot ? null : state.pending,
    slots: { ...state.slots, [slot]: occupant },
    confirmed: withVersion(state.confirmed, occupant),
  };
}

/** What is in use does not run: it is on trial once more, against what does. */
export function retried(state: KindState, running: Slot, since: string): KindState {
  const { active: slot, slots } = state;
  if (slot === null || slot === running) throw new RangeError('what is in use runs');
  const previous = slots[running]?.refused === null ? running : null;
  return { ...state, pending: null, trial: { slot, previous, starts: 0, captures: 0, since } };
}

export function startBegun(state: KindState): KindState {
  return { ...state, trial: state.trial && { ...state.trial, starts: state.trial.starts + 1 } };
}

/** An end in order breaks a row of failed starts. */
export function startEnded(state: KindState): KindState {
  return { ...state, trial: state.trial && { ...state.trial, starts: 0 } };
}

export function captured(state: KindState): KindState {
  return { ...state, trial: state.trial && { ...state.trial, captures: state.trial.captures + 1 } };
}

export function confirmed(state: KindState, at: string): KindState {
  const { active } = state;
  if (active === null) return state;
  const good = withOccupant({ ...state, trial: null }, active, (each) => ({ ...each, confirmedAt: at }));
  const occupant = activeOf(good);
  return occupant === null ? good : { ...good, confirmed: withVersion(state.confirmed, occupant) };
}

/** What serves is not to be used any more: what served before does again, in the last resort what came with the program. */
export function fallenBack(state: KindState, reason: string): KindState {
  const { active } = state;
  if (active === null) return state;
  return refused({ ...state, active: predecessor(state), trial: null }, active, reason);
}

/** The content of the active slot is not what was written there: the medium's fault, and not the release's. */
export function damaged(state: KindState): KindState {
  const { active } = state;
  if (active === null) return state;
  return {
    ...state,
    active: predecessor(state),
    trial: null,
    slots: { ...state.slots, [active]: null },
  };
}

/** A person takes back what waits; it may be installed again. */
export function withdrawn(state: KindState): KindState {
  return { ...state, pending: null };
}

/** A person asks for what was refused. */
export function pardoned(state: KindState, hash: string): KindState {
  return { ...state, refusals: state.refusals.filter((each) => each.hash !== hash) };
}

/** Why these bytes are not installed again; null where they may be. */
export function refusalOf({ refusals }: KindState, hash: string): string | null {
  return refusals.find((each) => each.hash === hash)?.reason ?? null;
}

/** What serves when the active slot does not any more; null for what came with the program. */
export function predecessor({ active, slots, pending, trial }: KindState): Slot | null {
  if (active === null) return null;
  if (trial !== null) return trial.previous;
  const other = otherSlot(active);
  const occupant = slots[other];
  if (occupant === null || pending === other) return null;
  return occupant.refused === null && occupant.confirmedAt !== null ? other : null;
}

function refused(state: KindState, slot: Slot, reason: string): KindState {
  const hash = state.slots[slot]?.hash;
  if (hash === undefined) return state;
  const pardon = pardoned(state, hash);
  return {
    ...withOccupant(pardon, slot, (occupant) => ({ ...occupant, refused: kept(reason) })),
    refusals: remembered(pardon.refusals, { hash, reason: kept(reason) }),
  };
}

function withOccupant(state: KindState, slot: Slot, change: (occupant: Occupant) => Occupant): KindState {
  const occupant = state.slots[slot];
  if (occupant === null) return state;
  return { ...state, slots: { ...state.slots, [slot]: change(occupant) } };
}

/** A version below one that is known leaves that in its place. */
function withVersion(known: KindState['confirmed'], { name, version }: Occupant): KindState['confirmed'] {
  const before = known.find((each) => each.name === name);
  if (before !== undefined && compareVersions(before.version, version) >= 0) return known;
  return remembered(
    known.filter((each) => each.name !== name),
    { name, version },
  );
}

function copyOf({ passed, items }: Proof): NonNullable<Occupant['proof']> {
  return { passed, items: items.slice(0, 64).map((item) => ({ ...item, required: kept(item.required) })) };
}
