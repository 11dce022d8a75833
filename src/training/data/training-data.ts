/** What a training loop sees of a data set: who the images are, and their pixels in batches, epoch by epoch. */
import type { Split } from '../../splits.ts';
import type { Announcer } from './announcer.ts';
import type { Augmentation } from './augmentation.ts';

export interface TrainingDataOptions {
  /** Folder in HAM10000's official layout, at any image size. */
  readonly dataset: string;
  /** Class names in the order of the labels. */
  readonly classes: readonly string[];
  /**
   * CSV with image_id and split. Default: as `loadDataset` finds it; where there is none, a lesion-grouped split is
   * drawn from `splitSeed`.
   */
  readonly splitFile?: string;
  readonly splitSeed?: number;
  readonly split: Split | 'all';
  /** In place of a split: exactly these rows (see `paperSplit`). */
  readonly rows?: readonly Row[];
  /** Where decoded pixels are kept; made when missing. */
  readonly cacheFolder: string;
  /** Sides of the square inputs, pixels. Every one shows the same augmented view. */
  readonly inputSizes: readonly number[];
  readonly batch: number;
  /** Unsigned 32-bit integer; order, sampling and augmentation follow from it and the epoch. */
  readonly seed: number;
  /** Null: exactly the device's preprocessing (centred square, exact area resampling, uint8). */
  readonly augmentation: Augmentation | null;
  /** What made the rows' copies. Default: `DEFAULT_AUGMENTATION`. */
  readonly copyAugmentation?: Augmentation;
  /** Whether each epoch has an order of its own. Default: true with augmentation, else false. */
  readonly shuffle?: boolean;
  /** Whether a last, smaller batch is left out. Default: false. */
  readonly dropLast?: boolean;
  /**
   * Relative frequency of each class's images, for drawing `length` images with replacement per epoch; without it
   * every image comes once per epoch.
   */
  readonly classWeights?: readonly number[];
  /**
   * Short side, pixels, to which larger frames are area-reduced before they are kept for augmentation; null keeps
   * them as they are. Default: 150.
   */
  readonly frameSide?: number | null;
  /** What becomes of image files that do not decode. Default: refuse, with all of them named. */
  readonly unreadable?: 'refuse' | 'skip';
  /** `typescript`: the slow, obvious version, also where the native one is built. Default: `native` when it loads. */
  readonly renderer?: 'native' | 'typescript';
  /** Default: lines on stderr. */
  readonly announcer?: Announcer;
}

/** One row of a training table: an image as it is, or a copy of it, augmented once and then the same for ever. */
export interface Row {
  readonly imageId: string;
  /** 0: the image itself, by the options' `augmentation`; 1, 2, …: its augmented copies. */
  readonly copy: number;
}

export interface Batch {
  /** One per input size, in the order of the options: float32 in [0, 1], batch × size × size × 3 (NHWC), RGB. */
  readonly images: readonly Float32Array[];
  readonly labels: Int32Array;
  /** Which images these are: indices into `labels`, `lesions` and `imageIds` of the training data. */
  readonly indices: Int32Array;
  /**
   * With mixup or CutMix: the other label of each image and the share of its own,
   * loss = share × loss(labels) + (1 − share) × loss(otherLabels). Null without.
   */
  readonly mixed: { readonly otherLabels: Int32Array; readonly shares: Float32Array } | null;
}

export interface TrainingData {
  /** Images in the split. */
  readonly length: number;
  readonly classCounts: Int32Array;
  readonly imageIds: readonly string[];
  /** Lesion identifiers; an image of unknown lesion has its own. */
  readonly lesions: readonly string[];
  readonly labels: Int32Array;
  readonly batchesPerEpoch: number;
  /**
   * Stands for all that the batches of any epoch show, at whatever size: images, order, views, mixing. Null where the data
   * cannot tell.
   */
  readonly digest: string | null;
  /** Which version makes the pixels. */
  readonly renderer: 'native' | 'typescript';
  /**
   * The batches of an epoch (0, 1, …). The same options and epoch give the same bytes, whatever was read before.
   * Two batches are in the making ahead of the one handed out; each batch's arrays are the caller's own.
   */
  batches(epoch: number): AsyncIterable<Batch>;
  /** Waits for batches in the making. Nothing can be read afterwards. */
  close(): Promise<void>;
}
