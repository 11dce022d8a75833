import { type DeviceFacts, misfits } from './compatibility.ts';
import {
  type Channel,
  isCompanion,
  parseRelease,
  type Release,
  roleOfChannel,
  roleOfSite,
} from './release.ts';
import { describeTarget, type Target } from './target.ts';
import type { Refresh } from './trust/refresh.ts';

/** Whose releases a device takes. */
export interface Subscription {
  readonly channels: readonly Channel[];
  /** Releases of this site's own office; null for none. */
  readonly site: string | null;
  readonly device: DeviceFacts;
}

/** A release that a repository has. */
export interface Offer {
  readonly target: Target;
  /** The role that signed it: a channel or a site. */
  readonly role: string;
  /** What is signed of it; null where that is none of this version's releases. */
  readonly release: Release | null;
  /** Why it is not for this device; empty where it is. */
  readonly misfits: readonly string[];
}

/** Releases of a role that are looked at, at most. */
const MAXIMUM_OFFERS = 2_000;

/**
 * The releases that the roles of a subscription have signed, and that they may: a role's targets outside of its own
 * delegation are none.
 * @throws TrustError @throws SpikescopeError `SOURCE_*`
 */
export async function listReleases(
  refresh: Refresh,
  { channels, site, device }: Subscription,
): Promise<Offer[]> {
  const roles = [...(site === null ? [] : [roleOfSite(site)]), ...channels.map(roleOfChannel)];
  const offers: Offer[] = [];
  for (const { role, prefix } of roles) offers.push(...(await offersOf(refresh, role, prefix, device)));
  return offers;
}

async function offersOf(
  refresh: Refresh,
  role: string,
  prefix: string,
  device: DeviceFacts,
): Promise<Offer[]> {
  const delegations = refresh.set.targetsOf('targets')?.delegations?.roles ?? {};
  if (!Object.hasOwn(delegations, role)) return [];
  await refresh.loadTargets(role, 'targets');
  const names = Object.keys(refresh.set.targetsOf(role)?.targets ?? {})
    .filter((name) => name.startsWith(prefix) && delegations[role].isDelegatedPath(name))
    .filter((name) => !isCompanion(refresh.set.targetsOf(role)?.targets[name].custom))
    .slice(0, MAXIMUM_OFFERS);
  return names.map((name) => offerOf(refresh, role, name, device));
}

function offerOf(refresh: Refresh, role: string, name: string, device: DeviceFacts): Offer {
  const file = refresh.set.targetsOf(role)?.targets[name];
  if (file === undefined) throw new RangeError(`${role} has no ${name}`);
  const target = describeTarget(refresh, { file, role });
  const release = parseRelease(target.custom);
  if (typeof release === 'string') {
    return {
      target,
      role,
      release: null,
      misfits: [`its description is unknown to this version: ${release}`],
    };
  }
  return { target, role, release, misfits: misfits(release, device) };
}
