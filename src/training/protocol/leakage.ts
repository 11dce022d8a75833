import type { Row } from '../data/training-data.ts';
import type { PaperSplit } from './paper-split.ts';

/** Shares of the test rows, 0…1, that are no test of a model. */
export interface Leakage {
  readonly trainRows: number;
  readonly testRows: number;
  /** Altered copies of a photograph rather than photographs. */
  readonly copies: number;
  /** Show a photograph of which training has the original or another copy. */
  readonly sharedImage: number;
  /** Show a lesion that training has too, in this photograph or another. */
  readonly sharedLesion: number;
}

/** @param lesionOf lesion of an image; null when unknown, then the image stands alone */
export function leakageOf(
  { train, test }: PaperSplit,
  lesionOf: (imageId: string) => string | null,
): Leakage {
  const lesion = ({ imageId }: Row) => lesionOf(imageId) ?? `image ${imageId}`;
  const images = new Set(train.map(({ imageId }) => imageId));
  const lesions = new Set(train.map(lesion));
  const share = (holds: (row: Row) => boolean) => test.filter(holds).length / test.length;
  return {
    trainRows: train.length,
    testRows: test.length,
    copies: share(({ copy }) => copy > 0),
    sharedImage: share(({ imageId }) => images.has(imageId)),
    sharedLesion: share((row) => lesions.has(lesion(row))),
  };
}
