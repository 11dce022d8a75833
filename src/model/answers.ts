/** What a reading answers where it names no class. No class may bear these names. */

/** The answer when the integrity check fails. */
export const RETAKE = 'retake';

/** The answer when no class reaches its threshold. */
export const INDETERMINATE = 'indeterminate';

/**
 * `refer`: to be seen by a specialist. `routine`: nothing in the picture asks for one. `indeterminate`: the picture does not
 * say.
 */
export const TRIAGES = ['refer', 'routine', INDETERMINATE] as const;
export type Triage = (typeof TRIAGES)[number];
