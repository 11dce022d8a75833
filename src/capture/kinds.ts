/** Every kind of source: the words that settings begin with and that results carry. */
export const SOURCE_KINDS = ['phantom', 'replay', 'libcamera', 'v4l2'] as const;
export type SourceKind = (typeof SOURCE_KINDS)[number];
