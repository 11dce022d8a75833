/** How many frames without a lesion a bundle refuses, through the device's own path. */
import { listImages } from '../../capture/images.ts';
import { mapConcurrently } from '../../concurrently.ts';
import { RefusedError } from '../../errors.ts';
import type { RgbFrame } from '../../frame.ts';
import type { ModelBundle } from '../../model/bundle/bundle.ts';
import type { Engine } from '../../runtime/engine/contract.ts';
import { type Classifier, createClassifier } from '../../runtime/inference/classifier.ts';
import { wilsonInterval } from '../../statistics/wilson.ts';
import { NOTHING_KINDS, NothingPainter } from './nothing/kinds.ts';

/** Frames of each kind: more than a thousand of all. */
const FRAMES_OF_A_KIND = 60;
/** Not the seed of calibration: other frames of the same kinds. */
const SEED = 2001;

export interface Refusals {
  readonly n: number;
  readonly refused: number;
  /** 0…1, with its 95 % interval. */
  readonly share: number;
  readonly interval: readonly [low: number, high: number];
}

/** What `evaluate --json` says of frames without a lesion. */
export interface NothingDocument {
  readonly frames: Refusals;
  readonly byKind: Readonly<Record<string, Refusals>>;
  /** Of all frames, how many the reason was given for. */
  readonly reasons: Readonly<Record<string, number>>;
  /** Pictures of a folder; null where none was given. Files that do not decode are left out. */
  readonly pictures: (Refusals & { readonly accepted: readonly string[] }) | null;
}

export interface NothingOptions {
  /** Files of pictures without a lesion; null where none were given. */
  readonly pictures: readonly string[] | null;
  readonly framesOfAKind?: number;
  readonly onFrame?: () => void;
}

/** How many frames `measureNothing` draws unless told otherwise. */
export const NOTHING_FRAMES = NOTHING_KINDS.length * FRAMES_OF_A_KIND;

/** Pictures below a folder. @throws RefusedError `FOLDER_UNREADABLE` */
export async function picturesIn(folder: string): Promise<readonly string[]> {
  try {
    return (await listImages(folder)).images;
  } catch (cause) {
    throw new RefusedError('FOLDER_UNREADABLE', 'The folder cannot be listed', {
      file: folder,
      field: '--nothing',
      cause,
    });
  }
}

/** @throws RefusedError `NOTHING_EMPTY` where pictures were given and none decodes */
export async function measureNothing(
  bundle: ModelBundle,
  engine: Engine,
  { pictures, framesOfAKind = FRAMES_OF_A_KIND, onFrame }: NothingOptions,
): Promise<NothingDocument> {
  const classifier = createClassifier(bundle, engine);
  const painter = new NothingPainter();
  const reasons: Record<string, number> = {};
  const byKind: Record<string, Refusals> = {};
  for (const kind of NOTHING_KINDS) {
    let refused = 0;
    for (let index = 0; index < framesOfAKind; index++) {
      const given = await reasonsOf(classifier, painter.draw(kind, SEED, index));
      for (const reason of given) reasons[reason] = (reasons[reason] ?? 0) + 1;
      if (given.length > 0) refused++;
      onFrame?.();
    }
    byKind[kind] = refusals(framesOfAKind, refused);
  }
  const total = Object.values(byKind).reduce((sum, { refused }) => sum + refused, 0);
  return {
    frames: refusals(NOTHING_KINDS.length * framesOfAKind, total),
    byKind,
    reasons,
    pictures: pictures === null ? null : await measurePictures(classifier, pictures),
  };
}

async function reasonsOf(classifier: Classifier, image: RgbFrame | string): Promise<readonly string[]> {
  return (await classifier.classify(image)).reading.reasons;
}

async function measurePictures(
  classifier: Classifier,
  files: readonly string[],
): Promise<NonNullable<NothingDocument['pictures']>> {
  const read = await mapConcurrently(files, async (file) => {
    try {
      return { file, isRefused: (await reasonsOf(classifier, file)).length > 0 };
    } catch (error) {
      if (error instanceof RefusedError && error.code.startsWith('IMAGE_')) return null;
      throw error;
    }
  });
  const pictures = read.filter((picture) => picture !== null);
  if (pictures.length === 0) {
    throw new RefusedError('NOTHING_EMPTY', 'There is no picture that can be read', {
      field: '--nothing',
    });
  }
  const accepted = pictures.filter(({ isRefused }) => !isRefused).map(({ file }) => file);
  return { ...refusals(pictures.length, pictures.length - accepted.length), accepted };
}

function refusals(n: number, refused: number): Refusals {
  return { n, refused, share: refused / n, interval: wilsonInterval(refused, n) };
}
