/** The parts into which a data set is divided, none of which shares a lesion with another. */
export const SPLITS = ['train', 'val', 'test'] as const;
export type Split = (typeof SPLITS)[number];
