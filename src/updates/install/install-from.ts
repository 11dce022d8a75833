import { compareVersions, fittingRelease } from '../compatibility.ts';
import type { Offer, Subscription } from '../offers.ts';
import type { Release } from '../release.ts';
import type { Source } from '../source/source.ts';
import type { Target } from '../target.ts';
import type { Repository, Updates } from '../updates.ts';
import type { Slot } from './contract.ts';
import { type Fetched, hashOf, type Installer } from './installer.ts';
import { activeOf, type Kind, type KindState, type Occupant } from './state.ts';
import { refusalOf } from './transitions.ts';

export interface InstallRequest {
  /** Name of the target; null for the newest that fits. */
  readonly target: string | null;
  /** What is looked for where none is named. */
  readonly kind: Kind;
  readonly subscription: Subscription;
  /** As `Updates.use` takes it. */
  readonly acceptExpired?: string | null;
}

export type InstallOutcome =
  /** Proven on this device; it waits for a start. */
  | { readonly outcome: 'pending'; readonly slot: Slot; readonly occupant: Occupant }
  /** What was asked for, or the newest that there is, is in use. */
  | { readonly outcome: 'current'; readonly occupant: Occupant | null }
  /** The source is in an older state than this device has seen. */
  | { readonly outcome: 'older'; readonly expected: string; readonly received: string };

type Named = Pick<Fetched, 'target' | 'release'>;

/**
 * Takes a release from a source, writes it into its slot and proves it. What is trusted of the source is kept before
 * anything is installed.
 * @throws as `Updates.use`, `fittingRelease` and `Installer.install`
 */
export async function installFrom(
  updates: Updates,
  source: Source,
  request: InstallRequest,
  installer: Installer,
): Promise<InstallOutcome> {
  const { acceptExpired = null } = request;
  const taken = await updates.use(source, (repository) => take(repository, request, installer), {
    acceptExpired,
  });
  if (taken.outcome === 'older') return taken;
  if ('outcome' in taken.result) return taken.result;
  const { occupant, slot } = await installer.install(taken.result);
  return { outcome: 'pending', slot, occupant };
}

/** Looks at all that can be said before bytes are moved, and moves them. */
async function take(
  repository: Repository,
  request: InstallRequest,
  installer: Installer,
): Promise<Fetched | InstallOutcome> {
  const found = await choose(repository, request, installer);
  if ('outcome' in found) return found;
  const { target, release } = found;
  installer.tell('parse', target.name, 1, 1);
  const present = await installer.present(target, release);
  if (present !== null) return present;
  const file = await repository.fetch(target, {
    onProgress: (bytes) => installer.tell('verify', target.name, bytes, target.length),
  });
  return { target, release, file };
}

async function choose(
  repository: Repository,
  { target: name, kind, subscription }: InstallRequest,
  installer: Installer,
): Promise<Named | InstallOutcome> {
  if (name !== null) {
    const target = await repository.target(name);
    return { target, release: fittingRelease(target, subscription.device) };
  }
  const state = (await installer.installed.read()).state[kind];
  const current = activeOf(state) ?? installer.factoryOf(kind);
  const offers = (await repository.offers(subscription)).flatMap((offer) => candidatesOf(offer, kind, state));
  const newest = newestOf(offers, current?.name ?? null);
  if (newest === null || isNoNewer(newest, current, state))
    return { outcome: 'current', occupant: activeOf(state) };
  return newest;
}

/** None of another kind, none that does not fit, none that was refused here. */
function candidatesOf({ target, release, misfits }: Offer, kind: Kind, state: KindState): Named[] {
  if (release === null || release.kind !== kind || misfits.length > 0) return [];
  return refusalOf(state, hashOf(target)) === null ? [{ target, release }] : [];
}

/** Versions of one name can be compared: the name in use goes first, where there is a release of it. */
function newestOf(offers: readonly Named[], name: string | null): Named | null {
  const own = offers.filter(({ release }) => release.name === name);
  return (own.length > 0 ? own : offers).reduce<Named | null>(
    (newest, each) =>
      newest === null || compareVersions(each.release.version, newest.release.version) > 0 ? each : newest,
    null,
  );
}

function isNoNewer(
  { target, release }: { target: Target; release: Release },
  current: { readonly name: string; readonly version: string } | null,
  state: KindState,
): boolean {
  if (activeOf(state)?.hash === hashOf(target)) return true;
  return current?.name === release.name && compareVersions(release.version, current.version) <= 0;
}
