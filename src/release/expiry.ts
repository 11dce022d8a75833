const DAY = 86_400_000;

/**
 * Days for which a document is good. A root outlasts a device that lies in a drawer; what is signed by machine is good
 * for as long as a clinic may be without a new stick.
 */
export const VALID_DAYS = { root: 3_660, targets: 1_100, snapshot: 400, timestamp: 100 } as const;
export type Lifetime = keyof typeof VALID_DAYS;

/** @param now milliseconds since 1970 */
export function expiryOf(kind: Lifetime, now: number, days: number = VALID_DAYS[kind]): string {
  return instant(now + days * DAY);
}

/** ISO 8601 in whole seconds, as the specification has it. */
export function instant(time: number): string {
  return new Date(time).toISOString().replace(/\.\d+Z$/, 'Z');
}
