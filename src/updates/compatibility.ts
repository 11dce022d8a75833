import { RefusedError } from '../errors.ts';
import { parseRelease, type Release } from './release.ts';
import type { Target } from './target.ts';

/** What a release must fit. */
export interface DeviceFacts {
  /** Its kind, such as `raspberry-pi-5`, and its system and processor, such as `linux-arm64`. */
  readonly hardware: readonly string[];
  /** Cards that are there, such as `akd1000`. */
  readonly cards: readonly string[];
  /** The version of the application that runs. */
  readonly application: string;
  /** The schema of its journal. */
  readonly journal: number;
  /** Whether it has slots for a whole system. Default: none. */
  readonly hasSystemSlots?: boolean;
}

/** Why a release is not for a device, in words; empty where it is. */
export function misfits({ kind, compatible, journal }: Release, device: DeviceFacts): string[] {
  const { hardware, cards, application } = compatible;
  const reasons: string[] = [];
  if (!hardware.some((kind) => kind === 'any' || device.hardware.includes(kind))) {
    reasons.push(`it is for ${hardware.join(', ')}, and this is ${device.hardware.join(', ')}`);
  }
  if (cards.length > 0 && !cards.some((card) => device.cards.includes(card))) {
    reasons.push(`it needs a card ${cards.join(' or ')}, and here is ${device.cards.join(', ') || 'none'}`);
  }
  if (compareVersions(device.application, application.from) < 0) {
    reasons.push(`it needs spikescope ${application.from} or newer, and this is ${device.application}`);
  }
  if (application.before !== undefined && compareVersions(device.application, application.before) >= 0) {
    reasons.push(`it works with spikescope before ${application.before}, and this is ${device.application}`);
  }
  if (device.journal < journal) {
    reasons.push(`it needs a journal of schema ${journal}, and this has ${device.journal}`);
  }
  if (kind === 'system' && device.hasSystemSlots !== true) {
    reasons.push('it is a whole system, and this device has no slots for one');
  }
  return reasons;
}

/** The release that a target is. @throws RefusedError `RELEASE_DESCRIPTION`, `RELEASE_MISFIT` */
export function fittingRelease({ name, custom }: Target, device: DeviceFacts): Release {
  const release = parseRelease(custom);
  if (typeof release === 'string') {
    throw new RefusedError('RELEASE_DESCRIPTION', 'The release is not described as it must be', {
      field: name,
      received: release,
      remedy: 'take it with a newer spikescope, or tell its publisher',
    });
  }
  const reasons = misfits(release, device);
  if (reasons.length === 0) return release;
  throw new RefusedError('RELEASE_MISFIT', 'This release is not for this device', {
    field: name,
    received: reasons.join('; '),
    remedy: '`spikescope provision verify` lists those that are',
  });
}

/** Below 0, 0 or above 0, as for sorting. What follows three numbers, such as `-beta`, does not count. */
export function compareVersions(one: string, other: string): number {
  const [a, b] = [one, other].map((text) => (/^(\d+)\.(\d+)\.(\d+)/.exec(text) ?? []).slice(1).map(Number));
  for (let i = 0; i < 3; i++) {
    const difference = (a[i] ?? 0) - (b[i] ?? 0);
    if (difference !== 0) return difference;
  }
  return 0;
}
