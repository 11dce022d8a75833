/**
 * What can run a model, as results, announcements and `classify --json` name it. Published: a name is added at the end,
 * never changed. `cpu`: the bit-exact integer engine. `akida`: the card. `interpreter`: the slow reference.
 */
export const BACKEND_NAMES = ['cpu', 'akida', 'interpreter'] as const;
/** One of `BACKEND_NAMES`. */
export type BackendName = (typeof BACKEND_NAMES)[number];
