import type { Said } from './messages.ts';
import type { Survey } from './survey.ts';

/** Milliseconds of silence after which a device counts as stale. */
const STALE = 24 * 3600 * 1000;

/** A device as the broker knows it. What it did not say is null. */
export interface FleetRow {
  readonly device: string;
  readonly status: 'online' | 'stopped' | 'offline' | null;
  /** `name@version`. */
  readonly model: string | null;
  /** Version of the program. */
  readonly application: string | null;
  /** ISO 8601; when the model in use was installed, null for the one that came with the program. */
  readonly since: string | null;
  /** What waits for the next start, `kind version`. */
  readonly pending: readonly string[];
  /** Kinds of what is in use and still watched. */
  readonly trial: readonly string[];
  /** What was given up, and why. */
  readonly fellBack: readonly string[];
  /** The update that is under way, or how the last one ended. */
  readonly update: string | null;
  /** ISO 8601, by the clock of the device. */
  readonly lastSeen: string | null;
  /** Not online, or silent for more than a day. */
  readonly stale: boolean;
}

/** @param now milliseconds since 1970 */
export function fleetRows({ devices }: Survey, now = Date.now()): FleetRow[] {
  return [...devices]
    .sort(([one], [other]) => (one < other ? -1 : 1))
    .map(([device, said]) => rowOf(device, said, now));
}

function rowOf(device: string, said: Said, now: number): FleetRow {
  const { status, model, update } = said;
  const kinds = Object.entries(update?.installed ?? {}).flatMap(([name, kind]) =>
    kind === undefined ? [] : [{ name, ...kind }],
  );
  const lastSeen = lastSeenOf(said);
  const isSilent = lastSeen === null || now - Date.parse(lastSeen) > STALE;
  return {
    device,
    status: status?.status ?? null,
    model: model ? `${model.model.name}@${model.model.version}` : null,
    application: update?.application ?? null,
    since: update?.installed?.model?.active?.installedAt ?? null,
    pending: kinds.flatMap(({ name, pending }) => (pending === null ? [] : [`${name} ${pending.version}`])),
    trial: kinds.filter(({ trial }) => trial).map(({ name }) => name),
    fellBack: kinds.flatMap(({ name, refused }) =>
      refused.map(({ version, reason }) => `${name} ${version}${reason === '' ? '' : `: ${reason}`}`),
    ),
    update: updateOf(said),
    lastSeen,
    stale: status?.status !== 'online' || isSilent,
  };
}

function updateOf({ update }: Said): string | null {
  const operation = update?.operation ?? null;
  if (operation === null) return null;
  const { outcome, stage, code } = operation;
  return outcome === null ? `at ${stage}` : code === null ? outcome : `${outcome} (${code})`;
}

/** ISO 8601 in UTC is ordered as text where years have four digits. */
function lastSeenOf({ status, health, update }: Said): string | null {
  const times = [status?.at, health?.at, update?.at].flatMap((time) => (time === undefined ? [] : [time]));
  return times.sort((one, other) => Date.parse(one) - Date.parse(other)).at(-1) ?? null;
}
