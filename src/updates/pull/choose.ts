import { compareVersions } from '../compatibility.ts';
import type { InstalledView, ReleaseKind } from '../installed-view.ts';
import type { Offer } from '../offers.ts';
import { RELEASE_KINDS, type Release } from '../release.ts';

/** What a device has of a kind before any release is installed. */
export interface Shipped {
  readonly name: string;
  readonly version: string;
}

export interface Present {
  /** By kind; nothing of those of which the program brings none. */
  readonly shipped: Partial<Record<ReleaseKind, Shipped>>;
  readonly installed: InstalledView | null;
}

/** A release that is to be taken. */
export interface Chosen extends Offer {
  readonly release: Release;
}

/**
 * Of each kind the newest release that fits, in the order in which kinds are installed. It bears the name of what is in use,
 * is newer than that and than what waits to be, and is none that this device has given up.
 */
export function chooseReleases(offers: readonly Offer[], present: Present): Chosen[] {
  return RELEASE_KINDS.flatMap((kind) => {
    const candidates = offers
      .flatMap((offer) => (offer.release === null ? [] : [{ ...offer, release: offer.release }]))
      .filter(({ release, misfits }) => release.kind === kind && misfits.length === 0)
      .filter((offer) => isWanted(offer, present));
    return candidates.sort(newestFirst).slice(0, 1);
  });
}

function isWanted({ target, release }: Chosen, { shipped, installed }: Present): boolean {
  const { active = null, pending = null, givenUp = [] } = installed?.[release.kind] ?? {};
  if ([...target.hashes.values()].some((hash) => givenUp.includes(hash))) return false;
  const inUse = active ?? shipped[release.kind] ?? null;
  if (inUse !== null && inUse.name !== release.name) return false;
  return [inUse, pending].every(
    (there) => there === null || compareVersions(release.version, there.version) > 0,
  );
}

/** Of the same version the one whose name comes first, so that every device takes the same. */
function newestFirst(one: Chosen, other: Chosen): number {
  const byVersion = compareVersions(other.release.version, one.release.version);
  return byVersion !== 0 ? byVersion : one.target.name < other.target.name ? -1 : 1;
}
