/** What a reading answers where it names no class. No class may bear these names. */

/** The answer when the integrity check fails. */
export const RETAKE = 'retake';

/** The answer when no class reaches its threshold. */
export const INDETERMINATE = 'indeterminate';
