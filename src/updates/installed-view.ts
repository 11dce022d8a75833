/** What is installed, as those see it who change nothing of it. */
import { printable } from '../errors.ts';
import { SLOTS, type Slot } from './install/contract.ts';
import { stateInFile } from './install/installed.ts';
import { activeOf, type KindState, type Occupant, pendingOf } from './install/state.ts';
import type { Release } from './release.ts';

export type ReleaseKind = Release['kind'];

/** A release that lies in a slot. */
export type InstalledRelease = Pick<Occupant, 'target' | 'name' | 'version' | 'hash' | 'installedAt'>;

export interface InstalledKind {
  /** In use; null where that is what came with the program. */
  readonly active: InstalledRelease | null;
  /** Proven, and waits for the next start. */
  readonly pending: InstalledRelease | null;
  /** What is in use is still watched. */
  readonly onTrial: boolean;
  /** What lies in a slot and was given up. */
  readonly refused: readonly (InstalledRelease & { readonly reason: string })[];
  /** Hashes of all that was given up; none of it is taken again. */
  readonly givenUp: readonly string[];
}
export type InstalledView = Partial<Record<ReleaseKind, InstalledKind>>;

/** Characters of a reason at most. */
const REASON = 240;

/** What is installed, by kind; null where no file says so. */
export async function readInstalled(data: string): Promise<InstalledView | null> {
  const state = await stateInFile(data);
  if (state === null) return null;
  const { model, application, configuration, system } = state;
  return {
    model: viewOf(model),
    application: viewOf(application),
    configuration: viewOf(configuration),
    // Told of where there is one: most devices have no slots for it.
    ...(SLOTS.some((slot) => system.slots[slot] !== null) && { system: viewOf(system) }),
  };
}

function viewOf(state: KindState): InstalledKind {
  const refused = SLOTS.flatMap((slot) => refusedIn(state, slot));
  return {
    active: releaseOf(activeOf(state)),
    pending: releaseOf(pendingOf(state)),
    onTrial: state.trial !== null,
    refused,
    givenUp: [...new Set([...refused, ...state.refusals].map(({ hash }) => hash))],
  };
}

function refusedIn({ slots }: KindState, slot: Slot): InstalledKind['refused'] {
  const release = releaseOf(slots[slot]);
  const reason = slots[slot]?.refused ?? null;
  if (release === null || reason === null) return [];
  return [{ ...release, reason: printable(reason).slice(0, REASON) }];
}

function releaseOf(occupant: Occupant | null): InstalledRelease | null {
  if (occupant === null) return null;
  const { target, name, version, hash, installedAt } = occupant;
  return { target, name, version, hash, installedAt };
}
