/** No device is older than this version of its program. */
const BUILT = Date.UTC(2026, 0, 1);

export interface KnownTimes {
  /** Milliseconds since 1970 by the device's clock, which may have no battery. */
  readonly now: number;
  /** ISO 8601; the latest time that the journal has. */
  readonly recorded: string | null;
}

/**
 * The time by which expiry is judged: the newest that is known. A clock that was never set, or went back, hides no expiry
 * that a signature or the journal has already proven to be past.
 * @param issued ISO 8601; when the newest trusted timestamp was signed
 */
export function provenTime({ now, recorded }: KnownTimes, issued: string | null): Date {
  const times = [BUILT, now, Date.parse(recorded ?? ''), Date.parse(issued ?? '')];
  return new Date(Math.max(...times.filter((time) => Number.isFinite(time))));
}

/** By this time nothing has expired. */
export const BEFORE_ALL = new Date(0);
