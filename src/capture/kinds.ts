/** Every kind of source: the words that settings begin with and that results carry. */
export const SOURCE_KINDS = ['phantom', 'replay', 'libcamera', 'v4l2'] as const;
export type SourceKind = (typeof SOURCE_KINDS)[number];

const REHEARSED: readonly SourceKind[] = ['phantom', 'replay'];

/** Of no patient, as far as anyone knows: drawings, and files that are played again. */
export function isRehearsed(kind: SourceKind): boolean {
  return REHEARSED.includes(kind);
}
